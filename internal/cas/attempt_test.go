package cas

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// A source of credentials that can't be reached is asked again after its own backoff, which leaves
// each read time for an attempt, and no call leaves meanwhile.
func TestBackoffOfCredentials(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit      time.Duration
		maxRetries int
		fetches    int
		last       time.Duration // from the beginning to the last fetch, at most
	}{
		"enough time":     {limit: time.Hour, maxRetries: 3, fetches: 4, last: time.Minute},
		"too little time": {limit: time.Second, maxRetries: 9, fetches: 2, last: time.Second / 2},
		"next to none":    {limit: 300 * time.Millisecond, maxRetries: 9, fetches: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log record
				nobody := credential.New(credential.Config{
					Source: credential.URI{Address: "http://127.0.0.1:1"}, // refuses connections
					Logger: slog.New(&log)})
				server := castest.New(castest.Options{})
				client := inMemory(t, server, func(c *Config) { c.Credentials, c.MaxRetries = nobody, test.maxRetries })
				ctx, cancel := context.WithTimeout(t.Context(), test.limit)
				defer cancel()
				started := time.Now()
				got := <-begin(ctx, client, 1)
				failure, ok := errors.AsType[*credential.Error](got.err)
				if !ok || failure.Kind != egress.Refused {
					t.Errorf("got %#v, want kind %q", got.err, egress.Refused)
				}
				if len(log.lines) != test.fetches {
					t.Fatalf("got %d fetches, want %d: %v", len(log.lines), test.fetches, log.lines)
				}
				last := log.lines[len(log.lines)-1].at.Sub(started)
				if last > test.last {
					t.Errorf("got the last fetch after %s, want it within %s", last, test.last)
				}
				if earliest := time.Duration(test.fetches-1) * time.Second / 2; last < earliest {
					t.Errorf("got the last of %d fetches after %s, want it after %s", test.fetches, last, earliest)
				}
				if calls := len(server.Calls()); calls > 0 {
					t.Errorf("got %d calls, want none", calls)
				}
			})
		})
	}
}
