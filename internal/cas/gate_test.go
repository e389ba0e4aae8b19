package cas

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

// testGate returns a gate for so many calls a second.
func testGate(t *testing.T, callsPerSecond int) *gate {
	t.Helper()
	return inMemory(t, nil, func(c *Config) { c.RequestsPerSecond = callsPerSecond }).gate
}

// A backoff grows with the time since the first failure in a row, and what ends the row ends the
// backoff.
func TestGateBacksOff(t *testing.T) {
	t.Parallel()
	failure := &Error{Report: openapi.Report{Kind: openapi.Temporary}}
	refusal := &Error{Report: openapi.Report{Kind: openapi.NoPermission}}
	for name, test := range map[string]struct {
		ended       []error
		leaves, out time.Duration // when a call leaves after that, and how long it is out
		longest     time.Duration // of the next backoff
	}{
		"first failure":            {longest: time.Second},
		"second failure":           {ended: []error{failure}, longest: 20 * time.Second},
		"the service responds":     {ended: []error{failure, nil}, longest: time.Second},
		"the service refuses":      {ended: []error{failure, refusal}, longest: time.Second},
		"abandoned call":           {ended: []error{failure, context.Canceled}, longest: 20 * time.Second},
		"the trouble was long ago": {ended: []error{failure}, leaves: time.Hour, longest: time.Second},
		"a call was out for long":  {ended: []error{failure}, leaves: time.Second, out: 89 * time.Second, longest: 200 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := testGate(t, 10)
				for _, err := range test.ended {
					g.ended(t.Context(), err)
				}
				if time.Sleep(test.leaves); test.leaves > 0 {
					g.departed()
				}
				time.Sleep(test.out)
				if test.longest == time.Second && time.Until(g.backoff.at) > 0 {
					t.Error("got a backoff that goes on, want none")
				}
				time.Sleep(10 * time.Second)
				g.ended(t.Context(), failure)
				wait := time.Until(g.backoff.at)
				if wait < test.longest/2 || wait >= test.longest {
					t.Errorf("got a wait of %s, want %s to %s", wait, test.longest/2, test.longest)
				}
				number := g.departed()
				if want := 2; test.longest == time.Second && number != want {
					t.Errorf("got attempt %d, want %d", number, want)
				}
			})
		})
	}
}

// A wait that the service requests holds, however a call that left earlier ends. A backoff of our
// own doesn't.
func TestRequestedWaitOutlastsAnEarlierCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const told = 5 * time.Second
		g := testGate(t, 10)
		g.ended(t.Context(), &Error{Report: openapi.Report{Kind: openapi.Throttled, RetryAfter: told}})
		g.ended(t.Context(), nil)
		next, backoff := g.waits()
		if got := time.Until(next.at); got != told || next.early != nil {
			t.Errorf("got a wait of %s that ends early: %t, want all of %s", got, next.early != nil, told)
		}
		if time.Until(backoff.at) > 0 {
			t.Errorf("got a backoff of %s after a response, want none", time.Until(backoff.at))
		}
	})
}

func TestEachAccountHasItsQuota(t *testing.T) {
	t.Parallel()
	g := testGate(t, 1)
	quotaOf := func(id string) *quota.Quota {
		creds, err := source(t, castest.Key{AccessKeyID: id, AccessKeySecret: "secret"}).Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return g.quotaOf(creds)
	}
	first := quotaOf("LTAIone")
	if quotaOf("LTAIone") != first {
		t.Error("got another quota for the same account, want the same one")
	}
	if quotaOf("LTAIother") == first {
		t.Error("got the same quota for another account, want one of its own")
	}
}

// many is a service that accepts ten calls in any second, and also counts the calls that it
// refuses.
type many struct {
	told string // how many milliseconds to wait, by the header of what is refused

	mu       sync.Mutex
	arrivals []time.Time // in the last second
}

func (m *many) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(50 * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	m.mu.Lock()
	m.arrivals = append(slices.DeleteFunc(m.arrivals, func(t time.Time) bool { return time.Since(t) >= time.Second }), time.Now())
	admitted := len(m.arrivals) <= 10
	m.mu.Unlock()
	resp := &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(`{"Point": 92, "RequestId": "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"}`)),
	}
	if !admitted {
		resp.StatusCode = http.StatusBadRequest
		resp.Body = io.NopCloser(strings.NewReader(`{"Code": "Throttling.User", "Message": "denied"}`))
		resp.Header.Set("X-Acs-Retry-After", m.told)
	}
	return resp, nil
}

// Machines that start at once and share nothing all get a response, even if refused calls count.
func TestManyMachines(t *testing.T) {
	t.Parallel()
	const timeout = 5 * time.Minute // the data source's default
	for name, test := range map[string]struct {
		machines int
		told     string
		within   time.Duration
	}{
		"hundred":     {machines: 100, within: 90 * time.Second},
		"told a time": {machines: 500, told: "1000", within: timeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &many{told: test.told}
				ctx, cancel := context.WithTimeout(t.Context(), test.within)
				defer cancel()
				var group sync.WaitGroup
				var unanswered atomic.Int32
				for range test.machines {
					client := inMemory(t, nil, func(c *Config) { c.Transport = service })
					group.Go(func() {
						if _, err := client.GetAssetCount(ctx); err != nil {
							unanswered.Add(1)
						}
					})
				}
				group.Wait()
				if n := unanswered.Load(); n > 0 {
					t.Errorf("got no response for %d of %d machines within %s, want one for each", n, test.machines, test.within)
				}
			})
		})
	}
}
