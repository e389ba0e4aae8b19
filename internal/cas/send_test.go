package cas

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
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
	config := Config{
		Endpoint:          u,
		Credentials:       source(t, castest.DefaultKey),
		UserAgent:         "terraform-provider-cas/test",
		Logger:            slog.New(slog.DiscardHandler),
		RequestsPerSecond: 10,
		RequestTimeout:    time.Minute,
		Transport:         transport,
	}
	for _, f := range change {
		f(&config)
	}
	return New(config)
}

func source(t *testing.T, key castest.Key) *credential.Cache {
	t.Helper()
	s := credential.New(credential.Config{
		Source: credential.AccessKey{ID: key.AccessKeyID, Secret: key.AccessKeySecret, Token: key.SecurityToken}})
	return s
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
			if *count.Point != 92 {
				t.Errorf("got Point %d, want 92", *count.Point)
			}
			if *count.TotalCloudAssetCount != 48 {
				t.Errorf("got TotalCloudAssetCount %d, want 48", *count.TotalCloudAssetCount)
			}
			if count.RequestID == nil {
				t.Error("got no RequestID, want one")
			}
			if refused := server.Refused(); refused != 0 {
				t.Errorf("got %d calls refused, want none", refused)
			}
			calls := server.Calls()
			if len(calls) != 1 {
				t.Fatalf("got %d calls, want 1", len(calls))
			}
			for name, want := range map[string]string{
				"User-Agent":      "terraform-provider-cas/test",
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

// Whatever keeps a response from coming, the error says which kind of failure it is, who was asked,
// and whether it may pass.
func TestFailureToGetAResponse(t *testing.T) {
	t.Parallel()
	server := castest.Start(castest.Options{})
	defer server.Close()
	client := wired(t, server.URL())
	for name, test := range map[string]struct {
		step      http.HandlerFunc
		kind      egress.Kind
		status    int
		retryable bool
	}{
		"aborted": {step: castest.Abort(), kind: egress.ConnectionFailed, retryable: true},
		"redirected": {
			step: http.RedirectHandler("https://portal.test/hush", http.StatusTemporaryRedirect).ServeHTTP,
			kind: egress.Redirected, status: 307,
		},
	} {
		server.Script(test.step)
		count, err := ask(t, client)
		if count != nil {
			t.Errorf("%s: got %v, want no response", name, count)
		}
		e, ok := errors.AsType[*Error](err)
		if !ok {
			t.Fatalf("%s: got %v, want kind %q", name, err, test.kind)
		}
		if e.Kind != test.kind {
			t.Errorf("%s: got kind %q, want %q", name, e.Kind, test.kind)
		}
		if e.Status != test.status {
			t.Errorf("%s: got status %d, want %d", name, e.Status, test.status)
		}
		if e.Endpoint != server.URL() {
			t.Errorf("%s: got endpoint %s, want %s", name, e.Endpoint, server.URL())
		}
		if e.Temporary() != test.retryable {
			t.Errorf("%s: may pass: got %t, want %t", name, e.Temporary(), test.retryable)
		}
		if _, ok := errors.AsType[*egress.Error](err); !ok {
			t.Errorf("%s: got %v, want a failure to send as its cause", name, err)
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v, want the address without its path", name, err)
		}
	}
	if count, err := ask(t, client); err != nil || *count.Point != 92 {
		t.Errorf("afterwards: got %v, %v, want a score of 92", count, err)
	}
}

func TestCallEndsAfterTheRequestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		server.Script(castest.Hang())
		client := inMemory(t, server, func(c *Config) { c.MaxRetries, c.RequestTimeout = 0, 7*time.Second })
		started := time.Now()
		_, err := client.GetAssetCount(t.Context())
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != egress.TimedOut || !e.Temporary() {
			t.Fatalf("got %v, want kind %q, which may pass", err, egress.TimedOut)
		}
		if took := time.Since(started); took != 7*time.Second || e.Elapsed != took {
			t.Errorf("got it after %s, and %s as the time that it took, want 7s", took, e.Elapsed)
		}
	})
}

// A call that nobody waits for any more isn't a failure of the service.
func TestAbandonedCallIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		server.Script(castest.Hang())
		client := inMemory(t, server)
		creds, err := client.config.Credentials.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := client.send(ctx, creds, 1); err != context.Canceled { //nolint:errorlint // and nothing else
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
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
	for name, body := range map[string]func(*http.Request) string{
		"token":  func(r *http.Request) string { return r.Header.Get("X-Acs-Security-Token") },
		"header": func(r *http.Request) string { return r.Header.Get("Authorization") },
		"signature": func(r *http.Request) string {
			return strings.SplitAfter(r.Header.Get("Authorization"), "Signature=")[1]
		},
		"key": func(*http.Request) string { return secretCredentials.AccessKeySecret },
	} {
		var signature string
		server.Script(func(w http.ResponseWriter, r *http.Request) {
			_, signature, _ = strings.Cut(r.Header.Get("Authorization"), "Signature=")
			castest.Fault(400, "Oops", "I got "+body(r))(w, r)
		})
		_, err := ask(t, client)
		if err == nil || !strings.Contains(err.Error(), "[redacted]") {
			t.Fatalf("%s: got %v, want an error with [redacted] in it", name, err)
		}
		if run := leaks(err.Error()); run != "" {
			t.Errorf("%s: got %q of a secret in %v, want none of it", name, run, err)
		}
		if strings.Contains(err.Error(), signature) {
			t.Errorf("%s: got the signature in %v, want it left out", name, err)
		}
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
		line + `status=307 bytes=0 timed=true request_id="" error="ENDPOINT: redirected: HTTP 307, to https://portal.test"` + "\n" +
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
