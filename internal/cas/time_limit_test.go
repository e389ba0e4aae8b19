package cas

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// slowly answers with far too much, and takes for ever over it.
func slowly(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		select {
		case <-time.After(time.Millisecond):
		case <-r.Context().Done():
		}
		if _, err := w.Write([]byte{' '}); err != nil {
			return
		}
	}
}

// Whatever a peer does, an attempt ends when its time is up, or when its reader leaves.
func TestTimeLimits(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]http.HandlerFunc{
		"hangs":            castest.Hang(),
		"trickles":         castest.Trickle(),
		"never ends":       slowly,
		"answers too late": castest.Delay(7001*time.Millisecond, castest.Fault(403, "Forbidden.RAM", "")),
		"stops in the body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"Point":`)
			<-r.Context().Done()
		},
	} {
		const limit = 7 * time.Second
		t.Run(name+"/request", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{})
				server.Script(step)
				client := inMemory(t, server, func(c *Config) { c.MaxRetries, c.RequestTimeout = 0, limit })
				started := time.Now()
				_, err := client.GetAssetCount(t.Context())
				took := time.Since(started)
				e, ok := errors.AsType[*Error](err)
				if !ok || took != limit || e.Elapsed != limit || err.Error() != "get asset count: not reached: the attempt ran into its limit of 7s" {
					t.Errorf("got %v after %s", err, took)
				}
				timeout, ok := errors.AsType[interface {
					error
					Timeout() bool
				}](err)
				if !ok || !timeout.Timeout() || !retryable(e) {
					t.Errorf("got %#v", e)
				}
			})
		})
		for cause, end := range map[error]func(context.Context) (context.Context, context.CancelFunc){
			context.DeadlineExceeded: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 3*time.Second)
			},
			context.Canceled: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(3*time.Second, cancel)
				return ctx, cancel
			},
		} {
			t.Run(name+"/"+cause.Error(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := castest.New(castest.Options{})
					server.Script(step)
					client := inMemory(t, server, func(c *Config) { c.RequestTimeout = limit })
					ctx, cancel := end(t.Context())
					defer cancel()
					started := time.Now()
					_, err := client.GetAssetCount(ctx)
					if took := time.Since(started); !errors.Is(err, cause) || took != 3*time.Second {
						t.Errorf("got %v after %s", err, took)
					}
				})
			})
		}
	}
}

// Each stage before the answer is bounded too.
func TestConnectingIsBounded(t *testing.T) {
	t.Parallel()
	piped := func(peer func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go peer(theirs)
			return ours, nil
		}
	}
	silent := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for name, test := range map[string]struct {
		dial  func(context.Context, string, string) (net.Conn, error)
		limit time.Duration
		want  time.Duration
		text  string
	}{
		"no connection": {
			func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
			7 * time.Second, 7 * time.Second, "the attempt ran into its limit of 7s",
		},
		"no handshake":            {piped(silent), time.Minute, 10 * time.Second, "net/http: TLS handshake timeout"},
		"no time for a handshake": {piped(silent), 7 * time.Second, 7 * time.Second, "the attempt ran into its limit of 7s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := newTransport()
				transport.DialContext = test.dial
				defer transport.CloseIdleConnections()
				client := inMemory(t, castest.New(castest.Options{}), func(c *Config) {
					c.MaxRetries, c.RequestTimeout, c.Transport = 0, test.limit, transport
				})
				started := time.Now()
				_, err := client.GetAssetCount(t.Context())
				if took := time.Since(started); took != test.want || err == nil || !strings.HasSuffix(err.Error(), test.text) {
					t.Errorf("got %v after %s", err, took)
				}
				if e, ok := errors.AsType[*Error](err); !ok || !retryable(e) || IsTLS(e) {
					t.Errorf("got %#v", err)
				}
			})
		})
	}
}

// A call that nobody waits for any more isn't a failure of the service.
func TestAbandonedCallIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, step := range []http.HandlerFunc{castest.Hang(), castest.Trickle()} {
			server := castest.New(castest.Options{})
			server.Script(step)
			client := inMemory(t, server)
			creds, err := client.config.Credentials.Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if _, err := client.send(ctx, creds, 1); err != context.Canceled { //nolint:errorlint // and nothing else
				t.Errorf("got %v", err)
			}
		}
	})
}
