package castest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

func TestStepResponds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		latency time.Duration
		step    http.HandlerFunc
		status  int
		code    string // recorded
		header  map[string]string
		body    string // that the response contains
		took    time.Duration
		err     error
	}{
		"fault": {
			step:   castest.Fault(503, "ServiceUnavailable", "Busy."),
			status: 503, code: "ServiceUnavailable",
			header: map[string]string{"Content-Type": "application/json;charset=utf-8"},
			body: `{"Code":"ServiceUnavailable","HostId":"cas.test","Message":"Busy.",` +
				`"Recommend":"https://api.aliyun.com/troubleshoot?`,
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
		"elements": {
			step:   castest.Respond(map[string]any{"Point": 1}),
			status: 200, body: `{"Point":1,"RequestId":"ID"}`,
		},
		"html": {
			step:   castest.HTML(502),
			header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
			status: 502, body: "<h1>502 Bad Gateway</h1>",
		},
		"header": {
			step:   castest.Header(castest.Body(200, "text/plain", "Point=1"), "Date", "Tue, 06 Jan 2026 06:33:30 GMT"),
			header: map[string]string{"Content-Type": "text/plain", "Date": "Tue, 06 Jan 2026 06:33:30 GMT"},
			status: 200, body: "Point=1",
		},
		"latency and delay": {
			latency: time.Second, step: castest.Delay(2*time.Second, castest.HTML(200)), status: 200, took: 3 * time.Second,
		},
		"truncated": {step: castest.Truncated(), status: 200, body: `{"Point":`, err: io.ErrUnexpectedEOF},
		"abort":     {step: castest.Abort(), err: io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := castest.New(castest.Options{Latency: test.latency})
				s.Script(test.step)
				begin := time.Now()
				got, err := trySend(s, newCall().to(t))
				if !errors.Is(err, test.err) {
					t.Fatalf("got error %v, want %v", err, test.err)
				}
				if took := time.Since(begin); took != test.took {
					t.Errorf("got it after %v, want %v", took, test.took)
				}
				if got.status != test.status {
					t.Fatalf("got status %d, want %d", got.status, test.status)
				}
				want := strings.ReplaceAll(test.body, "ID", got.header.Get("X-Acs-Request-Id"))
				if !strings.Contains(got.body, want) {
					t.Errorf("got body %.300q, want %.300q in it", got.body, want)
				}
				for name, value := range test.header {
					if got.header.Get(name) != value {
						t.Errorf("got %s %q, want %q", name, got.header.Get(name), value)
					}
				}
				call := s.Calls()[0]
				if action := call.Header.Get("X-Acs-Action"); action != "GetAssetCount" {
					t.Errorf("got action %q recorded, want GetAssetCount", action)
				}
				call.Header = nil
				recorded := castest.Call{
					Arrived: begin, AccessKeyID: castest.DefaultKey.AccessKeyID, Status: test.status, Code: test.code,
				}
				if !reflect.DeepEqual(call, recorded) {
					t.Errorf("got %+v recorded, want %+v", call, recorded)
				}
				counted(t, s, 0, 0)
			})
		})
	}
}

func TestScriptIsForAcceptedCallsInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := castest.New(castest.Options{CallsPerSecond: 4})
		s.Script(castest.Fault(500, "InternalError", ""), castest.Respond(castest.Assets()), castest.HTML(502))
		refused := newCall()
		refused.key.AccessKeySecret = "wrong"
		var statuses []int
		for _, c := range []call{refused, newCall(), newCall(), refused, newCall(), newCall(), newCall()} {
			statuses = append(statuses, send(t, s, c.to(t)).status)
		}
		if want := []int{400, 500, 200, 400, 502, 200, 400}; !slices.Equal(statuses, want) {
			t.Errorf("got statuses %v, want %v", statuses, want)
		}
		counted(t, s, 2, 1)
	})
}

// The bubble of synctest proves that no goroutine stays behind.
func TestHandlerEndsWhenItsClientLeaves(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		latency time.Duration
		step    http.HandlerFunc
	}{
		"latency": {latency: time.Hour, step: castest.HTML(200)},
		"hang":    {step: castest.Hang()},
		"delay":   {step: castest.Delay(time.Hour, castest.HTML(200))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := castest.New(castest.Options{Latency: test.latency})
				s.Script(test.step)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if _, err := trySend(s, newCall().to(t).WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
				}
			})
		})
	}
}

func TestCloseCutsConnections(t *testing.T) {
	t.Parallel()
	s := castest.Start(castest.Options{})
	s.Script(func(w http.ResponseWriter, r *http.Request) {
		go s.Close()
		castest.Hang()(w, r)
	})
	c := newCall()
	c.Host = strings.TrimPrefix(s.URL(), "http://")
	response, err := new(http.Transport).RoundTrip(c.to(t))
	if err == nil {
		_ = response.Body.Close()
		t.Error("got a response, want an error")
	}
}
