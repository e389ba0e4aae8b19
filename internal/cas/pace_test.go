package cas

import (
	"context"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := newPace(4)
	at := func(ms float64) time.Time { return start.Add(time.Duration(ms * float64(time.Millisecond))) }
	earliest := func(want time.Time) {
		t.Helper()
		if got, _ := p.earliest(); !got.at.Equal(want) {
			t.Errorf("the next call leaves at %s, want %s", got.at.Sub(start), want.Sub(start))
		}
	}
	p.departed(at(0))
	earliest(at(250))
	p.answered(at(10), nil) // too soon after the departure to matter
	earliest(at(250))
	p.departed(at(1000))
	p.answered(at(1240), nil)
	earliest(at(1302.5))

	wait := p.answered(at(1300), &Error{Kind: Throttled, retryAfter: 5 * time.Second})
	if wait < 5*time.Second || wait > 5*time.Second+100*time.Millisecond {
		t.Errorf("told to wait 5s, waits %s", wait)
	}
	p.answered(at(1400), nil) // of a call that left earlier: the service's word still holds
	if next, _ := p.earliest(); next.at.Before(at(6300)) {
		t.Errorf("an earlier call's answer ended a wait: the next leaves at %s", next.at.Sub(start))
	}
}

// Full jitter: the n-th wait is anywhere between zero and a bound that doubles up to a limit.
func TestBackoff(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		told  time.Duration
		bound time.Duration // of the first jitter
	}{
		"untold": {0, time.Second},
		"told":   {3 * time.Second, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const failures, rounds = 12, 500
			var low, high [failures]time.Duration
			p := newPace(10)
			failure := &Error{Kind: Throttled, retryAfter: test.told}
			for round := range rounds {
				for n := range failures {
					wait := p.answered(time.Now(), failure) - test.told
					if round == 0 {
						low[n] = wait
					}
					low[n], high[n] = min(low[n], wait), max(high[n], wait)
				}
				p.answered(time.Now(), nil)
			}
			bound := test.bound
			for n := range failures {
				if low[n] < 0 || low[n] > bound/10 || high[n] > bound || high[n] < bound*9/10 {
					t.Errorf("failure %d: waits between %s and %s, want 0 and %s", n+1, low[n], high[n], bound)
				}
				bound = min(2*bound, 2*p.unhinted.MaxInterval)
			}
		})
	}
}

// A call that nobody waited for to end says nothing about the service, so the backoff goes on where it was.
func TestAbandonedCallKeepsTheBackoff(t *testing.T) {
	t.Parallel()
	p := newPace(10)
	for range 3 {
		p.answered(time.Now(), &Error{Kind: Temporary})
	}
	p.answered(time.Now(), context.Canceled)
	if number := p.departed(time.Now()); number != 4 {
		t.Errorf("the next attempt has number %d, want 4", number)
	}
	p.answered(time.Now(), &Error{Kind: NoPermission})
	if number := p.departed(time.Now()); number != 1 {
		t.Errorf("after an answer the next attempt has number %d, want 1", number)
	}
}
