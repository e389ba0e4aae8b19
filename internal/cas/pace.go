package cas

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// pace says when the next call may leave, as far as this process knows: calls are spread evenly over the second, so
// that readers gather instead of spending the account's calls one by one, and wait after a failure.
//
// A call also stays a moment behind the answer before it, because Terraform starts the successors of the reads
// that were answered at once: so they travel together, where they would fall apart into two groups that take turns.
type pace struct {
	interval time.Duration // between the departures of two calls

	mu       sync.Mutex
	next     slot                        // by the rules of the pace, and by what the service asks for
	backoff  slot                        // by our own choice
	hinted   *backoff.ExponentialBackOff // on top of what the service asks for, so that many machines don't return as one
	unhinted *backoff.ExponentialBackOff // where the service doesn't say how long to wait
	failures int                         // in a row
}

// slot is when the next call may leave at the earliest, and what it waits for until then.
type slot struct {
	at  time.Time
	why string
}

// delay moves the slot to a later time.
func (s *slot) delay(at time.Time, why string) {
	if at.After(s.at) {
		*s = slot{at, why}
	}
}

// Full jitter: a wait is anywhere between zero and twice the interval of the library, which doubles with each failure.
func newPace(callsPerSecond int) *pace {
	jitter := func(first time.Duration) *backoff.ExponentialBackOff {
		return &backoff.ExponentialBackOff{InitialInterval: first, Multiplier: 2, RandomizationFactor: 1, MaxInterval: 20 * time.Second}
	}
	return &pace{
		interval: time.Second / time.Duration(callsPerSecond),
		hinted:   jitter(50 * time.Millisecond),
		unhinted: jitter(500 * time.Millisecond),
	}
}

// earliest is when the next call may leave, and whether that is a wait of our own choice.
func (p *pace) earliest() (_ slot, backoff bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.backoff.at.After(p.next.at) {
		return p.backoff, true
	}
	return p.next, false
}

// departed notes that a call leaves, and returns its number since the last success.
func (p *pace) departed(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next.delay(now.Add(p.interval), "other reads to share the next call")
	return p.failures + 1
}

// answered notes how a call ended, and returns how long the next one has to wait for it.
func (p *pace) answered(now time.Time, err error) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next.delay(now.Add(p.interval/4), "other reads to share the next call")
	failure, answered := errors.AsType[*Error](err)
	switch {
	case retryable(err):
	case err == nil || answered:
		p.reset()
		return 0
	default:
		return 0 // nobody waited for the answer any more, which says nothing about the service
	}
	p.failures++
	why := fmt.Sprintf("the next attempt (the last one ended with: %s)", brief(err))
	if answered && failure.retryAfter > 0 {
		wait := failure.retryAfter + p.hinted.NextBackOff()
		p.next.delay(now.Add(wait), why)
		return wait
	}
	wait := p.unhinted.NextBackOff()
	p.backoff.delay(now.Add(wait), why)
	return wait
}

// forget ends the backoff with the read that has given up, lest those that come after it begin with its wait.
func (p *pace) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset()
}

func (p *pace) reset() {
	p.failures = 0
	p.backoff = slot{}
	p.hinted.Reset()
	p.unhinted.Reset()
}
