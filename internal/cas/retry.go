package cas

import (
	"errors"
	"fmt"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// tries is what a read has tried so far.
type tries struct {
	started  time.Time
	attempts int   // calls that left
	failures int   // failures of calls and of fetching credentials, without throttling
	renewed  bool  // refused credentials were replaced
	last     error // the error of the last attempt
}

// next returns nil if the read tries again after err, and else the error of the read.
func (t *tries) next(err error, maxRetries int) error {
	if wait, ok := errors.AsType[*WaitError](err); ok {
		wait.Attempts, wait.Elapsed, wait.Last = t.attempts+wait.Attempts, time.Since(t.started), t.last
		return wait
	}
	t.last = fmt.Errorf("get asset count: %w", err)
	var throttled, temporary, renewed bool
	if failure, ok := errors.AsType[*credential.Error](err); ok {
		throttled, temporary = failure.Kind == openapi.Throttled, failure.Temporary()
	}
	if failure, ok := errors.AsType[*Error](err); ok {
		throttled, temporary, renewed = failure.Kind == openapi.Throttled, failure.Temporary(), failure.renewed
		t.attempts++
		own := *failure // others who shared the call have figures of their own
		own.Attempts, own.Elapsed = t.attempts, time.Since(t.started)
		t.last = &own
	}
	switch {
	case throttled:
	case temporary && t.failures < maxRetries:
		t.failures++
	case renewed && !t.renewed:
		t.renewed = true
	default:
		return t.last
	}
	return nil
}
