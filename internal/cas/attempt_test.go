package cas

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
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

// callOnce makes one call, past the pace and the quota.
func callOnce(t *testing.T, client *Client) (*AssetCount, error) {
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
			if *count.Point != 92 || count.RequestID == nil {
				t.Errorf("got %+v, want a Point of 92 and a RequestID", *count)
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

// secretCredentials are of the size and the alphabet of real ones.
var secretCredentials = openapi.Key{
	AccessKeyID:     "LTAI5tCasTestAccessKeyId",
	AccessKeySecret: "q8Zr2VtKx0BnLw7YcM5sDf3HgJ9aPe",
	SecurityToken:   "CAIS+w9/8Jk2=QmVn4Xr6ZtLb1CyHs/3GdPoKf7Wu0TqAe5Ni+RjMzSxBvUcYwEpDg==",
}

const secretSignature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"

var secrets = []string{secretCredentials.AccessKeySecret, secretCredentials.SecurityToken, secretSignature}

// leaks returns the first run of bytes of a secret that text holds.
func leaks(text string) string {
	const run = 16
	for _, secret := range secrets {
		for i := range len(secret) - run + 1 {
			if strings.Contains(text, secret[i:i+run]) {
				return secret[i : i+run]
			}
		}
	}
	return ""
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
	_, err := callOnce(t, client)
	if err == nil || strings.Count(err.Error(), "[redacted]") != 4 {
		t.Fatalf("got %v, want an error with [redacted] in it for each secret", err)
	}
	if run := leaks(err.Error()); run != "" || strings.Contains(err.Error(), signature) {
		t.Errorf("got %q or the signature in %v, want no secret", run, err)
	}
}

var receivedAt = time.Date(2026, 1, 6, 6, 33, 30, 0, time.UTC)

// respond passes a response through the client, with header given as name, value, name, value and
// so on.
func respond(status int, body string, header ...string) (*AssetCount, *Error) {
	resp := &egress.Response{Status: status, Header: http.Header{}, Body: []byte(body)}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	e := new(Error)
	if count, err := e.read(resp, receivedAt, secrets...); err == nil {
		return count, nil
	}
	return nil, e
}

func TestSuccessIsRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"200":           {status: 200, body: golden},
		"201":           {status: 201, body: golden},
		"299":           {status: 299, body: golden},
		"code null":     {status: 200, body: `{"Code":null,` + golden[1:]},
		"code empty":    {status: 200, body: `{"Code":"",` + golden[1:]},
		"code 200":      {status: 200, body: `{"Code":200,` + golden[1:]},
		"code \"200\"":  {status: 200, body: `{"code":"200",` + golden[1:]},
		"code OK":       {status: 200, body: `{"Code":"OK",` + golden[1:]},
		"code Success":  {status: 200, body: `{"code":"Success","success":true,` + golden[1:]},
		"Success null":  {status: 200, body: `{"Success":null,` + golden[1:]},
		"as large":      {status: 200, body: golden + strings.Repeat(" ", egress.MaxBody-len(golden))},
		"content first": {status: 200, body: "\n\n" + golden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count, failure := respond(test.status, test.body, "Content-Type", "text/html")
			if failure != nil || !reflect.DeepEqual(count, goldenCount()) {
				t.Errorf("got %+v, %v, want %+v", count, failure, goldenCount())
			}
		})
	}
}

// Every code that the service documents, and what may stand in for one, with whether it is tried
// again.
func TestClassification(t *testing.T) {
	t.Parallel()
	code := func(c string) string { return `{"Code":"` + c + `","Message":"m"}` }
	after := []string{"X-Acs-Retry-After", "10"}
	for name, test := range map[string]struct {
		status    int
		body      string
		header    []string
		kind      egress.Kind
		retryable bool
	}{
		"Throttling with 200":     {status: 200, body: code("Throttling"), kind: openapi.Throttled, retryable: true},
		"429":                     {status: 429, body: "", kind: openapi.Throttled, retryable: true},
		"retry after, 400":        {status: 400, body: code("Forbidden"), header: after, kind: openapi.Throttled, retryable: true},
		"retry after, 503":        {status: 503, body: "<html>", header: after, kind: openapi.Throttled, retryable: true},
		"retry after, 200":        {status: 200, body: "[]", header: after, kind: egress.Malformed},
		"retry after, 200, code":  {status: 200, body: code("Forbidden"), header: after, kind: openapi.NoPermission},
		"ServiceUnavailable":      {status: 400, body: code("ServiceUnavailable"), kind: openapi.Temporary, retryable: true},
		"InternalError with 200":  {status: 200, body: code("InternalError"), kind: openapi.Temporary, retryable: true},
		"500, unknown code":       {status: 500, body: code("Oops"), kind: openapi.Temporary, retryable: true},
		"503":                     {status: 503, body: `{"message":"busy"}`, kind: openapi.Temporary, retryable: true},
		"any other code with 200": {status: 200, body: code("InvalidParameter"), kind: openapi.Rejected},
		"a numeric code":          {status: 400, body: `{"code":40013,"message":"m"}`, kind: openapi.Rejected},
		"a numeric code, 200":     {status: 200, body: `{"code":500,"message":"m"}`, kind: openapi.Rejected},
		"a code of no type, 200":  {status: 200, body: `{"Code":{"a":1},` + golden[1:], kind: openapi.Rejected},
		"a code that is true":     {status: 200, body: `{"Code":true,` + golden[1:], kind: openapi.Rejected},
		"a code of no type, 400":  {status: 400, body: `{"Code":["Forbidden"]}`, kind: openapi.Rejected},
		"lower case":              {status: 400, body: `{"code":"Throttling"}`, kind: openapi.Throttled, retryable: true},
		"success code with 400":   {status: 400, body: code("OK"), kind: openapi.Rejected},
		"403 page":                {status: 403, body: "<html>", kind: egress.Malformed},
		"403, nothing":            {status: 403, body: "", kind: egress.Malformed},
		"404 page":                {status: 404, body: "<html>", kind: egress.Malformed},
		"400, breaks off":         {status: 400, body: `{"Code":"Throttl`, kind: egress.Malformed},
		"200, breaks off":         {status: 200, body: golden[:100], kind: egress.Malformed, retryable: true},
		"200, nothing":            {status: 200, body: "", kind: egress.Malformed, retryable: true},
		"200, spaces":             {status: 200, body: " \n", kind: egress.Malformed, retryable: true},
		"204":                     {status: 204, body: "", kind: egress.Malformed, retryable: true},
		"200, page":               {status: 200, body: "<html>", kind: egress.Malformed},
		"200, not a success":      {status: 200, body: `{"Success":false}`, kind: egress.Malformed},
		"200, null":               {status: 200, body: "null", kind: egress.Malformed},
		"200, array":              {status: 200, body: "[" + golden + "]", kind: egress.Malformed},
		"200, two":                {status: 200, body: golden + golden, kind: egress.Malformed},
		"200, deep": {
			status: 200, body: `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}", kind: egress.Malformed,
		},
		"200, wrong type": {status: 200, body: `{"Point":"x"}`, kind: egress.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count, failure := respond(test.status, test.body, test.header...)
			if failure == nil {
				t.Fatalf("got %+v, want kind %q", count, test.kind)
			}
			if failure.Kind != test.kind {
				t.Errorf("got kind %q, want %q", failure.Kind, test.kind)
			}
			if failure.Status != test.status {
				t.Errorf("got status %d, want %d", failure.Status, test.status)
			}
			if failure.Temporary() != test.retryable {
				t.Errorf("may pass: got %t, want %t", failure.Temporary(), test.retryable)
			}
		})
	}
}

// An object that isn't the service's is an error, which shows none of its values.
func TestForeignObjects(t *testing.T) {
	t.Parallel()
	const none, failed = "the response has none of the documented elements", "the response reports no success, and no error code"
	for body, want := range map[string]string{
		`{}`:                 none + "; it has none at all",
		`{"RequestId":null}`: none + "; it has RequestId",
		`{"message":"hush","status":"hush","recommend":"hush","accessDeniedDetail":{"authAction":"hush"}}`: none +
			"; it has accessDeniedDetail, message, recommend, status",
		`{"errors":[{"title":"hush"}]}`:                        none + "; it has errors",
		`{"Success":false,"ErrorCode":"hush"}`:                 failed,
		`{"success":"false",` + golden[1:]:                     failed,
		`{"Success":0,"Message":"hush"}`:                       failed,
		`{"RequestId":"A","Data":` + golden + `}`:              none + "; it has Data, RequestId",
		`{"RequestId":"A","Code":"200"}`:                       none + "; it has Code, RequestId",
		strings.ToLower(`{"Point":1,"PointTime":2}`):           none + "; it has point, pointtime",
		`{"Point":1,"Point":1}`:                                "Point is there twice",
		`{"Point":null,"point":1}`:                             "point is there twice",
		`{"Point":1,"\u0050oint":1}`:                           "Point is there twice",
		`{"Success":false,"Success":true,` + golden[1:]:        "Success is there twice",
		`{"code":"hush","Code":"OK",` + golden[1:]:             "Code is there twice",
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}`:          none + "; it has a, b, c, d, e, f, g",
		`{"a\u001b[2J":1,"` + strings.Repeat("b", 50) + `":1}`: none + "; it has a�[2J, " + strings.Repeat("b", 50),
		`{"` + secrets[0] + `":1}`:                             none + "; it has [redacted]",
		`{"` + strings.Repeat("a", 500) + `":1}`:               none + "; it has " + strings.Repeat("a", 242) + "…",
	} {
		_, failure := respond(200, body)
		if failure == nil || failure.Kind != egress.Malformed || failure.Err == nil || failure.Err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, failure, want)
		}
		if shown := fmt.Sprintf("%+v", failure); strings.Contains(shown, "hush") {
			t.Errorf("%s: got %s, want its values left out", body, shown)
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
		_, _ = callOnce(t, client)
	}
	const line = "msg=GetAssetCount method=POST endpoint=ENDPOINT attempt=1 "
	want := line + "status=200 bytes=" + strconv.Itoa(len(golden)) + " timed=true request_id=EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E\n" +
		line + `status=400 bytes=39 timed=true request_id=R-1 error="get asset count: throttled (Throttling), request ID R-1"` + "\n" +
		line + `status=307 bytes=0 timed=true request_id="" error="get asset count: ENDPOINT: redirected: https://portal.test: HTTP 307"` + "\n" +
		line + `status=0 bytes=0 timed=true request_id="" error="get asset count: ENDPOINT: connection failed: `
	if got := strings.ReplaceAll(lines.String(), server.URL(), "ENDPOINT"); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, secret := range []string{castest.DefaultKey.AccessKeySecret, "Signature"} {
		if strings.Contains(lines.String(), secret) {
			t.Errorf("got %q in the log, want it left out:\n%s", secret, lines.String())
		}
	}
}

// fetched is a source of credentials that refuses connections, or throttles, until so many fetches
// have failed.
type fetched struct {
	failures  int
	throttles bool
	at        []time.Time
}

func (f *fetched) RoundTrip(*http.Request) (*http.Response, error) {
	status := http.StatusOK
	if f.at = append(f.at, time.Now()); len(f.at) <= f.failures {
		if status = http.StatusTooManyRequests; !f.throttles {
			return nil, syscall.ECONNREFUSED
		}
	}
	key := fmt.Sprintf(`{"AccessKeyId":%q,"AccessKeySecret":%q}`, castest.DefaultKey.AccessKeyID, castest.DefaultKey.AccessKeySecret)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(key))}, nil
}

// A source of credentials that can't be reached is used again after its own backoff, which leaves
// each read time for an attempt, and no call leaves meanwhile.
func TestBackoffOfCredentials(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		failures   int
		throttles  bool // which isn't counted as a retry
		limit      time.Duration
		maxRetries int
		fetches    int
		last       time.Duration // from the beginning to the last fetch, at most
	}{
		"for a moment":    {failures: 1, limit: time.Hour, maxRetries: 1, fetches: 2, last: time.Second},
		"throttled":       {failures: 1, throttles: true, limit: time.Hour, fetches: 2, last: time.Second},
		"once too often":  {failures: 1, limit: time.Hour, fetches: 1},
		"enough time":     {failures: 99, limit: time.Hour, maxRetries: 3, fetches: 4, last: time.Minute},
		"too little time": {failures: 99, limit: time.Second, maxRetries: 9, fetches: 2, last: time.Second / 2},
		"next to none":    {failures: 99, limit: 300 * time.Millisecond, maxRetries: 9, fetches: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &fetched{failures: test.failures, throttles: test.throttles}
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
