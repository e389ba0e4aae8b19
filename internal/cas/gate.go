package cas

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

const sharing = "other reads to share the next call"

// gate says when the next call may leave: by the pace, the wait that the service requests, our
// backoff and the quota. The pace spreads calls evenly over the second, so that reads gather. A
// call also leaves no sooner than a moment after the last response, because Terraform starts more
// reads then, which would otherwise split into two groups that alternate.
type gate struct {
	config   Config
	interval time.Duration // the minimum between the departures of two calls

	mu        sync.Mutex
	next      wait         // the next departure by the pace and the service's requests to wait
	backoff   wait         // the next departure by our backoff
	failures  int          // the number of failures in a row
	failing   time.Time    // when the first of the failures came
	quota     *quota.Quota // shared by the processes that call this endpoint for this account
	quotaName string
}

// wait is what a call waits for, and until when.
type wait struct {
	at    time.Time
	why   string
	early func(latest time.Time) time.Time // when reads with little time end the wait; nil if they can't
}

// delay moves the end of the wait to a later time.
func (w *wait) delay(at time.Time, why string) {
	if at.After(w.at) {
		w.at, w.why = at, why
	}
}

// waits returns what a call waits for at the gate, besides a place of the quota.
func (g *gate) waits() (next, backoff wait) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.next, g.backoff
}

// quotaOf returns the quota of the credentials' account, if that is known.
func (g *gate) quotaOf(creds credential.Credentials) *quota.Quota {
	g.mu.Lock()
	defer g.mu.Unlock()
	name := fmt.Sprintf("%s %s", quotaHost(g.config.Endpoint), creds.Identity())
	if g.quotaName != name {
		g.quotaName, g.quota = name, quota.Open(g.config.CacheDir, name, g.config.RequestsPerSecond, g.config.Logger)
	}
	return g.quota
}

// departed notes that a call leaves, and returns its number since the last success.
func (g *gate) departed() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if now.Sub(g.backoff.at) > time.Minute { // the failures were long ago
		g.failures = 0
	}
	g.next.delay(now.Add(g.interval), sharing)
	return g.failures + 1
}

// ended notes how a call ended.
func (g *gate) ended(ctx context.Context, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.next.delay(now.Add(g.interval/4), sharing)
	failure, failed := errors.AsType[*Error](err)
	switch {
	case err != nil && !failed:
		return // no read waited any more, so this isn't a failure of the service
	case err == nil || !failure.Temporary():
		g.failures, g.backoff = 0, wait{}
		return
	}
	if g.failures == 0 {
		g.failing = now
	}
	g.failures++
	why := fmt.Sprintf("the next attempt (the last one ended with: %s)", failure.brief())
	begins, part := now.Add(failure.RetryAfter), rand.Float64() //nolint:gosec // spreads calls, and keeps no secret
	early := func(latest time.Time) time.Time {
		// At a random moment, because machines that started at once would all return at the latest.
		return begins.Add(time.Duration(part * float64(latest.Sub(begins))))
	}
	g.next.delay(begins, why)
	g.backoff = wait{at: begins.Add(egress.Backoff(now.Sub(g.failing))), why: why, early: early}
	g.config.Logger.InfoContext(ctx, "A call failed and may be tried again",
		"error", failure.brief(), "wait", g.backoff.at.Sub(now).Round(time.Millisecond).String())
}
