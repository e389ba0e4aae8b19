package cas

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// wired returns a client of endpoint over sockets, which tries once.
func wired(t *testing.T, endpoint string, change ...func(*Config)) *Client {
	t.Helper()
	u, err := ParseEndpoint(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := egress.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return inMemory(t, nil, append([]func(*Config){func(c *Config) {
		c.Endpoint, c.Transport, c.MaxRetries = u, transport, 0
	}}, change...)...)
}

func source(t *testing.T, key castest.Key) *credential.Cache {
	t.Helper()
	return credential.New(credential.Config{
		Source: credential.AccessKey{ID: key.AccessKeyID, Secret: key.AccessKeySecret, Token: key.SecurityToken}})
}

// ask makes one call, past the pace and the quota.
func ask(t *testing.T, client *Client) (*AssetCount, error) {
	t.Helper()
	creds, err := client.config.Credentials.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return client.send(t.Context(), creds, 1)
}

func TestSignedCallIsAccepted(t *testing.T) {
	t.Parallel()
	keys := map[string]castest.Key{
		"access key":    castest.DefaultKey,
		"temporary key": {AccessKeyID: "STS.NT1", AccessKeySecret: "s/e+c=r&et", SecurityToken: "CAIS+a/b=="},
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := castest.Start(castest.Options{TLS: true, Keys: []castest.Key{key}})
			defer server.Close()
			client := wired(t, server.URL(), func(c *Config) { c.Credentials = source(t, key) })
			count, err := client.GetAssetCount(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if *count.Point != 92 || *count.TotalCloudAssetCount != 48 || count.RequestID == nil {
				t.Errorf("got %+v, want a Point of 92, a TotalCloudAssetCount of 48 and a RequestID", *count)
			}
			if refused := server.Refused(); refused != 0 {
				t.Errorf("got %d calls refused, want none", refused)
			}
			calls := server.Calls()
			if len(calls) != 1 {
				t.Fatalf("got %d calls, want 1", len(calls))
			}
			for name, want := range map[string]string{
				"User-Agent":      "test",
				"Accept":          "application/json",
				"Accept-Encoding": "",
				"Content-Type":    "",
			} {
				if got := calls[0].Header.Get(name); got != want {
					t.Errorf("got %s %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestErrorEchoesNoSecret(t *testing.T) {
	t.Parallel()
	key := castest.Key{
		AccessKeyID:     secretCredentials.AccessKeyID,
		AccessKeySecret: secretCredentials.AccessKeySecret,
		SecurityToken:   secretCredentials.SecurityToken,
	}
	server := castest.Start(castest.Options{Keys: []castest.Key{key}})
	defer server.Close()
	client := wired(t, server.URL(), func(c *Config) { c.Credentials = source(t, key) })
	var signature string
	server.Script(func(w http.ResponseWriter, r *http.Request) {
		authorization := r.Header.Get("Authorization")
		_, signature, _ = strings.Cut(authorization, "Signature=")
		echo := []string{"I got", r.Header.Get("X-Acs-Security-Token"), authorization, signature, secretCredentials.AccessKeySecret}
		castest.Fault(400, "Oops", strings.Join(echo, " "))(w, r)
	})
	_, err := ask(t, client)
	if err == nil || strings.Count(err.Error(), "[redacted]") != 4 {
		t.Fatalf("got %v, want an error with [redacted] in it for each secret", err)
	}
	if run := leaks(err.Error()); run != "" || strings.Contains(err.Error(), signature) {
		t.Errorf("got %q or the signature in %v, want no secret", run, err)
	}
}

func TestEachCallIsLogged(t *testing.T) {
	t.Parallel()
	server := castest.Start(castest.Options{})
	defer server.Close()
	var lines bytes.Buffer
	client := wired(t, server.URL(), func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{
			Level: LevelTrace,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				switch a.Key {
				case slog.TimeKey, slog.LevelKey:
					return slog.Attr{}
				case "duration":
					_, err := time.ParseDuration(a.Value.String())
					return slog.Bool("timed", err == nil)
				}
				return a
			},
		}))
	})
	server.Script(castest.Body(200, "", golden), castest.Body(400, "", `{"Code":"Throttling","RequestId":"R-1"}`),
		http.RedirectHandler("https://portal.test/hush", http.StatusTemporaryRedirect).ServeHTTP, castest.Abort())
	for range 4 {
		_, _ = ask(t, client)
	}
	const line = "msg=GetAssetCount method=POST endpoint=ENDPOINT attempt=1 "
	want := line + "status=200 bytes=" + strconv.Itoa(len(golden)) + " timed=true request_id=EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E\n" +
		line + `status=400 bytes=39 timed=true request_id=R-1 error="throttled (Throttling)"` + "\n" +
		line + `status=307 bytes=0 timed=true request_id="" error="ENDPOINT: redirected: https://portal.test: HTTP 307"` + "\n" +
		line + `status=0 bytes=0 timed=true request_id="" error="ENDPOINT: connection failed: `
	if got := strings.ReplaceAll(lines.String(), server.URL(), "ENDPOINT"); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, secret := range []string{castest.DefaultKey.AccessKeySecret, "Signature"} {
		if strings.Contains(lines.String(), secret) {
			t.Errorf("got %q in the log, want it left out:\n%s", secret, lines.String())
		}
	}
}

// fetched is a source of credentials that refuses connections until so many fetches have failed.
type fetched struct {
	failures int
	at       []time.Time
}

func (f *fetched) RoundTrip(*http.Request) (*http.Response, error) {
	if f.at = append(f.at, time.Now()); len(f.at) <= f.failures {
		return nil, syscall.ECONNREFUSED
	}
	key := fmt.Sprintf(`{"AccessKeyId":%q,"AccessKeySecret":%q}`, castest.DefaultKey.AccessKeyID, castest.DefaultKey.AccessKeySecret)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(key))}, nil
}

// A source of credentials that can't be reached is used again after its own backoff, which leaves
// each read time for an attempt, and no call leaves meanwhile.
func TestBackoffOfCredentials(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		failures   int
		limit      time.Duration
		maxRetries int
		fetches    int
		last       time.Duration // from the beginning to the last fetch, at most
	}{
		"for a moment":    {failures: 1, limit: time.Hour, maxRetries: 1, fetches: 2, last: time.Second},
		"enough time":     {failures: 99, limit: time.Hour, maxRetries: 3, fetches: 4, last: time.Minute},
		"too little time": {failures: 99, limit: time.Second, maxRetries: 9, fetches: 2, last: time.Second / 2},
		"next to none":    {failures: 99, limit: 300 * time.Millisecond, maxRetries: 9, fetches: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &fetched{failures: test.failures}
				server := castest.New(castest.Options{})
				client := inMemory(t, server, func(c *Config) {
					c.MaxRetries, c.Credentials = test.maxRetries, credential.New(credential.Config{
						Source: credential.URI{Address: "http://127.0.0.1"}, Transport: source, Logger: c.Logger})
				})
				ctx, cancel := context.WithTimeout(t.Context(), test.limit)
				defer cancel()
				started := time.Now()
				got := <-begin(ctx, client, 1)
				failure, _ := errors.AsType[*credential.Error](got.err)
				reached := test.fetches > test.failures
				if reached && got.err != nil || !reached && (failure == nil || failure.Kind != egress.Refused) {
					t.Errorf("got %#v, want a response: %t, or kind %q", got.err, reached, egress.Refused)
				}
				if calls := len(server.Calls()); calls != map[bool]int{true: 1}[reached] {
					t.Errorf("got %d calls, want one with credentials, and none without", calls)
				}
				if len(source.at) != test.fetches {
					t.Fatalf("got %d fetches, want %d", len(source.at), test.fetches)
				}
				earliest := time.Duration(test.fetches-1) * time.Second / 2
				if last := source.at[test.fetches-1].Sub(started); last > test.last || last < earliest {
					t.Errorf("got the last of %d fetches after %s, want it after %s to %s", test.fetches, last, earliest, test.last)
				}
			})
		})
	}
}
