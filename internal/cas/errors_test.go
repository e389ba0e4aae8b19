package cas

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

func TestErrorOfEachSource(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"get asset count: not reached: the attempt ran into its limit of 10s":       &Error{Kind: NotReached, Err: &requestTimeout{10 * time.Second}},
		"get asset count: attempt 3: throttled (Throttling.User), request ID R-1":   &Error{Kind: Throttled, Status: 400, Code: "Throttling.User", RequestID: "R-1", Attempts: 3},
		"get asset count: not reached: a�[2Jb c":                                    &Error{Kind: NotReached, Attempts: 1, Err: errors.New("a\x1b[2Jb\r\n\tc")},
		"the proxy proxy.test:3128 answered HTTP 407 Proxy Authentication Required": &ProxyError{Proxy: "proxy.test:3128", Status: 407},
		"the address of the proxy in HTTPS_PROXY isn't a valid URL":                 &ProxyError{},
		"get asset count: waiting for an answer: context canceled after 1.234s (attempts: 2)": &WaitError{
			For: "an answer", Attempts: 2, Elapsed: 1234432 * time.Microsecond, Cause: context.Canceled,
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestUnwrap(t *testing.T) {
	t.Parallel()
	last := &Error{Kind: NotReached, Err: io.ErrUnexpectedEOF}
	err := error(&WaitError{Cause: context.DeadlineExceeded, Last: last})
	if found, ok := errors.AsType[*Error](err); !ok || found != last {
		t.Errorf("the last attempt is %v", found)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, ok := errors.AsType[*Error](&WaitError{Cause: context.Canceled}); ok {
		t.Error("a read without an attempt has a last one")
	}
}
