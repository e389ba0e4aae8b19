package cas

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// GetAssetCount reads the health score of the account's certificates and the numbers of its certificates and cloud
// resources. What it returns was asked for after it was called, and is shared: don't change it.
//
// What is throttled, by the service or by STS, is tried again until ctx ends, other failures that may pass at most
// Config.MaxRetries times, and refused credentials once if fresh ones can be had. It fails with an [*Error], with a [*WaitError] if ctx ended or can't
// but end first, or with what kept it from having credentials.
func (c *Client) GetAssetCount(ctx context.Context) (*AssetCount, error) {
	started := time.Now()
	var (
		last     error
		attempts int // calls that left
		failures int // of calls and of fetching credentials, other than throttling
		renewed  bool
	)
	for {
		count, err := c.share.read(ctx)
		if err == nil {
			return count, nil
		}
		if wait, ok := errors.AsType[*WaitError](err); ok {
			wait.Attempts, wait.Elapsed, wait.Last = attempts+wait.Attempts, time.Since(started), last
			return nil, wait
		}
		var throttled, renewable bool
		if failure, ok := errors.AsType[*Error](err); ok {
			attempts++
			failure = new(*failure) // others who shared the call have figures of their own
			failure.Attempts, failure.Elapsed = attempts, time.Since(started)
			throttled, renewable, last = failure.Kind == Throttled, failure.renewed, failure
		} else {
			failure, _ := errors.AsType[*credential.Error](err)
			throttled = failure != nil && failure.Kind == credential.Unavailable && strings.HasPrefix(failure.Code, "Throttling")
			last = fmt.Errorf("get asset count: %w", err)
		}

		switch {
		case throttled:
		case retryable(last) && failures < c.config.MaxRetries:
			failures++
		case renewable && !renewed:
			renewed = true
		default:
			c.pace.forget()
			return nil, last
		}
	}
}

// retryable reports whether the next attempt may succeed though nothing is changed.
func retryable(err error) bool {
	if failure, ok := errors.AsType[*credential.Error](err); ok {
		return failure.Kind == credential.Unavailable
	}
	failure, ok := errors.AsType[*Error](err)
	return ok && (failure.Kind == Throttled || failure.Kind == Temporary || failure.transient)
}

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

const retryAfterMillis = "X-Acs-Retry-After"

// maxRetryAfter is longer than any read lasts, and short enough not to overflow.
const maxRetryAfter = 24 * time.Hour

// retryAfter is how long the service asks to wait, by the first of the headers that says it: x-acs-retry-after
// (milliseconds), the larger TimeLeft (milliseconds) of x-ratelimit-user-api and x-ratelimit-user, and Retry-After
// (seconds or a date, RFC 9110, section 10.2.3). It is zero where none does.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if wait := scaled(header.Get(retryAfterMillis), time.Millisecond); wait > 0 {
		return wait
	}
	if wait := max(timeLeft(header.Get("X-Ratelimit-User-Api")), timeLeft(header.Get("X-Ratelimit-User"))); wait > 0 {
		return wait
	}
	value := header.Get("Retry-After")
	if wait := scaled(value, time.Second); wait > 0 {
		return wait
	}
	if until, err := http.ParseTime(value); err == nil {
		if date, err := http.ParseTime(header.Get("Date")); err == nil {
			now = date // so that only the service's clock counts
		}
		return min(max(until.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// timeLeft reads "Limit:1,Remain:0,TimeLeft:2000,Reset:1234".
func timeLeft(limits string) time.Duration {
	for part := range strings.SplitSeq(limits, ",") {
		if name, value, _ := strings.Cut(part, ":"); strings.EqualFold(strings.TrimSpace(name), "TimeLeft") {
			return scaled(value, time.Millisecond)
		}
	}
	return 0
}

func scaled(number string, unit time.Duration) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(max(n, 0), int64(maxRetryAfter/unit))) * unit
}
