package cas

import (
	"errors"
	"fmt"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// tries is what a read has tried so far.
type tries struct {
	started  time.Time
	attempts int   // calls that left
	failures int   // failures of calls and of fetching credentials, without throttling
	renewed  bool  // refused credentials were replaced
	last     error // the error of the last attempt
}

// again reports whether a read tries again after err. If it doesn't, it returns the error of the read.
func (t *tries) again(err error, maxRetries int) (bool, error) {
	if wait, ok := errors.AsType[*WaitError](err); ok {
		wait.Attempts, wait.Elapsed, wait.Last = t.attempts+wait.Attempts, time.Since(t.started), t.last
		return false, wait
	}
	renewable := false
	if failure, ok := errors.AsType[*Error](err); ok {
		t.attempts++
		failure = new(*failure) // others who shared the call have figures of their own
		failure.Attempts, failure.Elapsed = t.attempts, time.Since(t.started)
		renewable, t.last = failure.renewed, failure
	} else {
		t.last = fmt.Errorf("get asset count: %w", err)
	}
	switch {
	case throttled(err):
		return true, nil
	case temporary(err) && t.failures < maxRetries:
		t.failures++
		return true, nil
	case renewable && !t.renewed:
		t.renewed = true
		return true, nil
	}
	return false, t.last
}

// throttled reports whether the service, or the one that issues the credentials, refused a call for its rate.
func throttled(err error) bool {
	if failure, ok := errors.AsType[*credential.Error](err); ok {
		return failure.Kind == credential.Throttled
	}
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.Kind == egress.Throttled
}

// temporary reports whether the next attempt may succeed though nothing is changed.
func temporary(err error) bool {
	if failure, ok := errors.AsType[*credential.Error](err); ok {
		return failure.Temporary()
	}
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.Temporary()
}
