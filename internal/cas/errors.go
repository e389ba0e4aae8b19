package cas

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// Error is the failure of one call.
type Error struct {
	openapi.Report // of the service; Message is also the first words of a response that has no code and no message

	Endpoint    string        // scheme and host of the request
	Credentials string        // where the credentials of the call came from; empty if no response came
	Attempts    int           // how many calls the read took part in
	Elapsed     time.Duration // how long the read took
	Err         error         // the cause, if the service didn't report one; an [*egress.Error] if no response came

	replaced bool // the credentials were refused, and the next attempt has others
}

// Error says what failed, the service's code and message, and the request ID.
func (e *Error) Error() string {
	text := "get asset count: " + e.brief()
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += ", request ID " + e.RequestID
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the next attempt may succeed though nothing is changed.
func (e *Error) Temporary() bool { return e.Report.Temporary(e.Err) || errors.Is(e.Err, errCutShort) }

// brief returns what failed, without what a log line has in fields of its own.
func (e *Error) brief() string {
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		return unanswered.Error()
	}
	text := fmt.Sprintf("%s (%s)", e.Kind, cmp.Or(e.Code, fmt.Sprintf("HTTP %d", e.Status)))
	if e.Err != nil {
		text += ": " + egress.Printable(e.Err.Error(), 300)
	}
	return text
}

// WaitError is the failure of a read whose time was up while it waited, whose wait could not end
// before the deadline, or which was cancelled.
type WaitError struct {
	For      string        // what the read waited for
	Needs    time.Duration // how much longer the wait would last, at least; 0 if time ran out during it
	Attempts int           // how many calls the read took part in
	Elapsed  time.Duration
	Cause    error // context.DeadlineExceeded or context.Canceled
	Last     error // what the last attempt ended with; nil if there was none
}

// Error says what the read waited for, and for how long.
func (e *WaitError) Error() string {
	return fmt.Sprintf("get asset count: waiting for %s: %s after %s (attempts: %d)",
		e.For, e.Cause, e.Elapsed.Round(time.Millisecond), e.Attempts)
}

// Unwrap returns the context's error, and the last attempt's if there was one.
func (e *WaitError) Unwrap() error { return errors.Join(e.Cause, e.Last) }
