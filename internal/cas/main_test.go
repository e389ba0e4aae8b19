//go:debug x509usefallbackroots=1
package cas

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

func TestMain(m *testing.M) {
	castest.Trust(castest.CertPEM())
	goleak.VerifyTestMain(m)
}

// inMemory returns a client of server, or of the transport that change sets, without a network. It
// is set up as the provider does by default, except for what change says.
func inMemory(t *testing.T, server *castest.Server, change ...func(*Config)) *Client {
	t.Helper()
	config := Config{
		Endpoint:          &url.URL{Scheme: "https", Host: "cas.test", Path: "/"},
		Credentials:       source(t, castest.DefaultKey),
		UserAgent:         "test",
		Logger:            slog.New(slog.DiscardHandler),
		RequestsPerSecond: 10,
		MaxRetries:        5,
		RequestTimeout:    30 * time.Second,
	}
	if server != nil {
		config.Transport = server.Transport()
	}
	for _, f := range change {
		f(&config)
	}
	return New(config)
}

// result is what a read came to.
type result struct {
	count *AssetCount
	err   error
	took  time.Duration
}

// begin starts n reads at once, all of which have begun to wait when it returns. Called in a bubble
// of virtual time.
func begin(ctx context.Context, c *Client, n int) <-chan result {
	results := make(chan result, n)
	for range n {
		go func() {
			started := time.Now()
			count, err := c.GetAssetCount(ctx)
			results <- result{count, err, time.Since(started)}
		}()
	}
	return results
}

// within checks what holds whatever happens: no call more than the limit in any second, none
// throttled, none refused.
func within(t *testing.T, server *castest.Server, limit int) {
	t.Helper()
	if maximum := server.MaxInAnySecond(); maximum > limit {
		t.Errorf("got %d calls in a second, want at most %d", maximum, limit)
	}
	if throttled := server.Throttled(); throttled > 0 {
		t.Errorf("got %d calls throttled, want none", throttled)
	}
	if refused := server.Refused(); refused > 0 {
		t.Errorf("got %d calls refused, want none", refused)
	}
}

// idle checks that an unused client holds on to nothing.
func idle(t *testing.T, c *Client) {
	t.Helper()
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	if open := c.share.open; open != nil && !open.ended {
		t.Errorf("got an open call %v, want none", open)
	}
	if len(c.share.out) > 0 {
		t.Errorf("got calls %v that are out, want none", c.share.out)
	}
}

// repeat returns n times the same step.
func repeat(n int, step http.HandlerFunc) []http.HandlerFunc {
	steps := make([]http.HandlerFunc, n)
	for i := range steps {
		steps[i] = step
	}
	return steps
}
