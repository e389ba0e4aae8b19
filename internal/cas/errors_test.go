package cas

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

func TestErrorOfEachSource(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"get asset count: https://cas.test: no response in time: it took longer than 10s": &Error{
			Err: &egress.Error{Kind: egress.TimedOut, Address: "https://cas.test", Err: errors.New("it took longer than 10s")},
		},
		"get asset count: attempt 3: throttled (Throttling.User), request ID R-1": &Error{
			Report: openapi.Report{Kind: openapi.Throttled, Code: "Throttling.User", RequestID: "R-1"}, Attempts: 3,
		},
		"get asset count: malformed response (HTTP 200): Point a�[2Jb c": &Error{
			Report: openapi.Report{Kind: egress.Malformed, Status: 200}, Attempts: 1, Err: FieldError("Point a\x1b[2Jb\r\n\tc"),
		},
		"get asset count: waiting for a response: context canceled after 1.234s (attempts: 2)": &WaitError{
			For: "a response", Attempts: 2, Elapsed: 1234432 * time.Microsecond, Cause: context.Canceled,
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestWaitErrorHoldsTheLastFailure(t *testing.T) {
	t.Parallel()
	last := &Error{Err: &egress.Error{Err: io.ErrUnexpectedEOF}}
	err := error(&WaitError{Cause: context.DeadlineExceeded, Last: last})
	if found, ok := errors.AsType[*Error](err); !ok || found != last {
		t.Errorf("got %v as the last attempt, want %v", found, last)
	}
	for target, want := range map[error]bool{io.ErrUnexpectedEOF: true, context.DeadlineExceeded: true, context.Canceled: false} {
		if got := errors.Is(err, target); got != want {
			t.Errorf("is %v: got %t, want %t", target, got, want)
		}
	}
	if found, ok := errors.AsType[*Error](&WaitError{Cause: context.Canceled}); ok {
		t.Errorf("got %v of a read without an attempt, want no last one", found)
	}
}
