package bench

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// machines lets many machines, which share nothing, read at the same moment. Their waits are
// random, so each case runs several times, from different parts of a second, and the worst run
// counts.
func machines(t *testing.T) {
	const runs = 5
	figures := newTable("Machines at once, one read each, in virtual time: the worst of 5 runs",
		"machines", "limit", "calls", "failed", "last response", "ideal", "ratio")
	for _, n := range []int{100, 300, 1000} {
		for _, model := range []struct {
			name  string
			admit func() func(time.Time) bool
		}{
			{"of each calendar second", calendarSecond},
			{"of any second, refused calls count", refusedCount},
		} {
			var calls, failed int
			var last time.Duration
			for run := range runs {
				synctest.Test(t, func(t *testing.T) {
					<-time.After(time.Duration(run) * time.Second / runs)
					s := &service{admit: model.admit()}
					started := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // the data source's default
					defer cancel()
					failed = max(failed, failures(n, func(int) error {
						_, err := newClient(s).GetAssetCount(ctx)
						return err
					}))
					calls, last = max(calls, s.calls), max(last, time.Since(started))
				})
			}
			figures.add(n, model.name, calls, failed, last, ideal(n), last.Seconds()/ideal(n).Seconds())
		}
	}
	_ = figures.Flush()
}

// newClient returns a client with the provider's defaults that shares its quota with no other.
func newClient(transport http.RoundTripper) *cas.Client {
	source := credential.New(credential.Config{
		Source: credential.AccessKey{ID: castest.DefaultKey.AccessKeyID, Secret: castest.DefaultKey.AccessKeySecret}})
	return cas.New(cas.Config{
		Endpoint:          &url.URL{Scheme: "http", Host: "cas.test", Path: "/"},
		Credentials:       source,
		UserAgent:         "bench",
		Logger:            slog.New(slog.DiscardHandler),
		RequestsPerSecond: limit,
		MaxRetries:        5,
		RequestTimeout:    30 * time.Second,
		Transport:         transport,
	})
}

// service responds without a network, after 50 ms, to as many calls a second as admit allows. It
// doesn't say how long to wait.
type service struct {
	mu    sync.Mutex
	admit func(time.Time) bool
	calls int
}

// RoundTrip counts a call in the middle of the time that it takes.
func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := pass(r.Context(), 25*time.Millisecond); err != nil {
		return nil, err
	}
	status, body := http.StatusOK, `{"Point": 92, "RequestId": "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"}`
	if !s.accept() {
		status, body = http.StatusBadRequest, `{"Code": "Throttling.User", "Message": "Request was denied."}`
	}
	if err := pass(r.Context(), 25*time.Millisecond); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func (s *service) accept() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	return s.admit(time.Now())
}

func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// calendarSecond counts from one full second to the next.
func calendarSecond() func(time.Time) bool {
	var second int64
	var n int
	return func(t time.Time) bool {
		if t.Unix() != second {
			second, n = t.Unix(), 0
		}
		n++
		return n <= limit
	}
}

// refusedCount counts in any second, and the calls that it refuses too.
func refusedCount() func(time.Time) bool {
	var arrivals []time.Time
	return func(t time.Time) bool {
		arrivals = slices.DeleteFunc(arrivals, func(a time.Time) bool { return t.Sub(a) >= time.Second })
		arrivals = append(arrivals, t)
		return len(arrivals) <= limit
	}
}
