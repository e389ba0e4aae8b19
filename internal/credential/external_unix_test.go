//go:build unix

package credential

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// The command has a child that keeps stdout open, and both are gone when the fetch has ended.
func TestExternalIsKilled(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	f, err := external(os.Args[0] + " external-command parent " + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var fetch sync.WaitGroup
	fetch.Go(func() {
		if _, err := f.get(ctx); err == nil {
			t.Error("got credentials of a command that was killed")
		}
	})
	child, err := listener.Accept() // the child is alive as long as this connection
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	fetch.Wait()
	_ = child.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := child.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the child of the command is still there: %v", err)
	}
}

// What never ends is read no further than what a file or a command may hold.
func TestInputIsBounded(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"command":    {SharedCredentialsFile: config(t, `"name": "p", "mode": "External", "process_command": "yes"`)},
		"file":       {SharedCredentialsFile: "/dev/zero"},
		"token file": {OIDC: &OIDC{ProviderARN: "acs:ram::1:oidc-provider/ci", RoleARN: "acs:ram::1:role/r", TokenFile: "/dev/zero"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := source(t, cfg).Get(t.Context()); !errors.Is(err, errTooLarge) && (err == nil || !strings.Contains(err.Error(), errTooLarge.Error())) {
				t.Errorf("got %v", err)
			}
		})
	}
}
