package castest_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// isError reports whether err is want. Windows has a number of its own for a connection that was reset.
func isError(err, want error) bool {
	const wsaeconnreset = syscall.Errno(10054)
	return errors.Is(err, want) || errors.Is(want, syscall.ECONNRESET) && errors.Is(err, wsaeconnreset)
}

// TestSteps has each step answer over the network and in memory alike.
func TestSteps(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		step   http.HandlerFunc
		status int
		code   string // recorded
		header map[string]string
		body   string // that the response contains
		err    error
	}{
		"fault": {
			step:   castest.Fault(503, "ServiceUnavailable", "Busy."),
			status: 503, code: "ServiceUnavailable",
			header: map[string]string{"Content-Type": "application/json;charset=utf-8"},
			body:   `"Code":"ServiceUnavailable"`,
		},
		"fault with keys in lower case": {
			step:   castest.Error{Status: 403, Code: "NoPermission", Message: "No.", Recommend: "https://cas.test/", LowerCase: true}.ServeHTTP,
			status: 403, code: "NoPermission",
			body: `{"code":"NoPermission","hostId":"HOST","message":"No.","recommend":"https://cas.test/","requestId":"ID"}`,
		},
		"denied": {
			step:   castest.Denied("alice"),
			status: 403, code: "Forbidden.RAM",
			body: `"AuthPrincipalDisplayName":"alice"`,
		},
		"throttle": {
			step:   castest.Throttle("X-Acs-Retry-After", "1500", "Retry-After", "2"),
			status: 400, code: "Throttling.User",
			header: map[string]string{"X-Acs-Retry-After": "1500", "Retry-After": "2"},
		},
		"answer": {
			step:   castest.Respond(map[string]any{"Point": 1}),
			status: 200, body: `{"Point":1,"RequestId":"ID"}`,
		},
		"html": {
			step:   castest.HTML(502),
			status: 502, header: map[string]string{"Content-Type": "text/html; charset=utf-8"}, body: "<h1>502 Bad Gateway</h1>",
		},
		"body": {
			step: castest.Body(200, "text/plain", "Point=1"), status: 200, header: map[string]string{"Content-Type": "text/plain"}, body: "Point=1",
		},
		"redirect": {
			step: castest.Redirect("http://elsewhere.test/"), status: 307, header: map[string]string{"Location": "http://elsewhere.test/"},
		},
		"header": {
			step:   castest.Header(castest.HTML(200), "Date", "Tue, 06 Jan 2026 06:33:30 GMT"),
			status: 200, header: map[string]string{"Date": "Tue, 06 Jan 2026 06:33:30 GMT"},
		},
		"delay":     {step: castest.Delay(time.Nanosecond, castest.HTML(200)), status: 200},
		"huge":      {step: castest.Huge(100_000), status: 200, body: strings.Repeat("x", 100_000) + `"}`},
		"truncated": {step: castest.Truncated(), status: 200, body: `{"AliyunAssetCount":7`, err: io.ErrUnexpectedEOF},
		"reset":     {step: castest.Reset(), err: syscall.ECONNRESET},
		"without a status": {
			step:   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") },
			status: 200, body: "ok",
		},
	}
	for name, test := range tests {
		for place, start := range map[string]func(*testing.T) (*castest.Server, http.RoundTripper, string){
			"network": func(t *testing.T) (*castest.Server, http.RoundTripper, string) {
				s := castest.Start(castest.Options{})
				t.Cleanup(s.Close)
				return s, wire(t), s.URL()
			},
			"memory": func(*testing.T) (*castest.Server, http.RoundTripper, string) {
				s := castest.New(castest.Options{})
				return s, s.Transport(), memory
			},
		} {
			t.Run(name+" over "+place, func(t *testing.T) {
				t.Parallel()
				s, via, base := start(t)
				s.Script(test.step)
				got, err := trySend(via, newCall().to(t, base))
				if !isError(err, test.err) {
					t.Fatalf("got error %v, want %v", err, test.err)
				}
				if got.status != test.status {
					t.Fatalf("got status %d, want %d", got.status, test.status)
				}
				want := strings.NewReplacer("HOST", strings.TrimPrefix(base, "http://"), "ID", got.header.Get("X-Acs-Request-Id")).Replace(test.body)
				if !strings.Contains(got.body, want) {
					t.Errorf("got body %.300q, want %.300q in it", got.body, want)
				}
				for name, value := range test.header {
					if got.header.Get(name) != value {
						t.Errorf("got %s %q, want %q", name, got.header.Get(name), value)
					}
				}
				call := s.Calls()[0]
				if call.Status != test.status {
					t.Errorf("got status %d recorded, want %d", call.Status, test.status)
				}
				if call.Code != test.code {
					t.Errorf("got code %q recorded, want %q", call.Code, test.code)
				}
				counted(t, s, 0, 0)
			})
		}
	}
}

func TestScriptIsForAcceptedCallsInTurn(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := castest.New(castest.Options{CallsPerSecond: 4, Now: func() time.Time { return now }})
	s.Script(castest.Fault(500, "InternalError", ""), s.ServeResponse)
	s.Script(castest.HTML(502))
	refused := newCall()
	refused.key.AccessKeySecret = "wrong"
	var statuses []int
	for _, c := range []call{refused, newCall(), newCall(), refused, newCall(), newCall(), newCall()} {
		c.nonce = newCall().nonce
		statuses = append(statuses, send(t, s.Transport(), c.to(t, memory)).status)
	}
	if want := []int{400, 500, 200, 400, 502, 200, 400}; !slices.Equal(statuses, want) {
		t.Errorf("got statuses %v, want %v", statuses, want)
	}
	counted(t, s, 2, 1)
}

// TestTime measures, in virtual time, the steps that are about time.
func TestTime(t *testing.T) {
	t.Parallel()
	trickled, _ := json.Marshal(castest.Assets())
	tests := map[string]struct {
		latency time.Duration
		step    http.HandlerFunc
		took    time.Duration
	}{
		"latency":           {latency: 300 * time.Millisecond, took: 300 * time.Millisecond},
		"delay":             {step: castest.Delay(2*time.Second, castest.HTML(200)), took: 2 * time.Second},
		"latency and delay": {latency: time.Second, step: castest.Delay(2*time.Second, castest.HTML(200)), took: 3 * time.Second},
		"trickle":           {step: castest.Trickle(), took: time.Duration(len(trickled)) * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := castest.New(castest.Options{Latency: test.latency})
				if test.step != nil {
					s.Script(test.step)
				}
				begin := time.Now()
				send(t, s.Transport(), newCall().to(t, memory))
				if took := time.Since(begin); took != test.took {
					t.Errorf("got a response after %v, want %v", took, test.took)
				}
			})
		})
	}
}

// TestClientLeaves has the client end what would never end, in memory: the
// bubble of synctest proves that no goroutine stays behind.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		latency time.Duration
		step    http.HandlerFunc
		headers bool // arrive before the client leaves
	}{
		"latency": {latency: time.Hour, step: castest.HTML(200)},
		"hang":    {step: castest.Hang()},
		"delay":   {step: castest.Delay(time.Hour, castest.HTML(200))},
		"trickle": {step: castest.Trickle(), headers: true},
		"endless": {step: castest.Endless(), headers: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := castest.New(castest.Options{Latency: test.latency})
				s.Script(test.step)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				response, err := s.Transport().RoundTrip(newCall().to(t, memory).WithContext(ctx))
				if !test.headers {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				<-ctx.Done()
				if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got error %v from the body, want %v", err, context.DeadlineExceeded)
				}
				_ = response.Body.Close()
			})
		})
	}
}

// TestBodyClosed has the server notice a client that has seen enough, whether
// it is writing or waiting then.
func TestBodyClosed(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]http.HandlerFunc{
		"writing": castest.Endless(),
		"waiting": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			castest.Hang()(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := castest.New(castest.Options{})
				ended := false
				s.Script(func(w http.ResponseWriter, r *http.Request) {
					defer func() { ended = true }()
					step(w, r)
				})
				response, err := s.Transport().RoundTrip(newCall().to(t, memory))
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
				synctest.Wait()
				if !ended {
					t.Error("got a step that still runs, want it ended")
				}
			})
		})
	}
}

// TestCloseEndsEverything has Close return while clients still wait.
func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]http.HandlerFunc{
		"hang": castest.Hang(), "trickle": castest.Trickle(), "endless": castest.Endless(),
		"delay": castest.Delay(time.Hour, castest.HTML(200)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := castest.Start(castest.Options{})
			begun := make(chan struct{})
			s.Script(func(w http.ResponseWriter, r *http.Request) {
				close(begun)
				step(w, r)
			})
			via, r := wire(t), newCall().to(t, s.URL())
			ended := make(chan error)
			go func() {
				response, err := via.RoundTrip(r)
				if err == nil {
					_, err = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
				ended <- err
			}()
			<-begun
			s.Close()
			if err := <-ended; err == nil {
				t.Error("got a whole response, want an error")
			}
		})
	}
}

// TestGzip has net/http, which asks for it by itself, see what was compressed.
func TestGzip(t *testing.T) {
	t.Parallel()
	s := castest.Start(castest.Options{})
	t.Cleanup(s.Close)
	s.Script(castest.Gzip(s.ServeResponse), castest.Gzip(s.ServeResponse))

	got := send(t, wire(t), newCall().to(t, s.URL()))
	if !strings.Contains(got.body, `"Point":92`) {
		t.Errorf("got body %q, want a score of 92 in it", got.body)
	}
	if encoding := got.header.Get("Content-Encoding"); encoding != "" {
		t.Errorf("got Content-Encoding %q, want none", encoding)
	}
	plain := wire(t)
	plain.DisableCompression = true
	r := newCall().to(t, s.URL())
	r.Header.Set("Accept-Encoding", "gzip")
	got = send(t, plain, r)
	decompressor, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil {
		t.Fatalf("got body %q, want it compressed: %v", got.body, err)
	}
	if body, err := io.ReadAll(decompressor); err != nil || !strings.Contains(string(body), `"Point":92`) {
		t.Errorf("got body %q, %v, want a score of 92 in it", body, err)
	}
}
