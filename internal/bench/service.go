package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// newClient returns a client with the defaults of the provider block that shares its calls with nobody.
func newClient(t *testing.T, transport http.RoundTripper) *cas.Client {
	source, err := credential.New(credential.Config{
		AccessKeyID:     castest.DefaultKey.AccessKeyID,
		AccessKeySecret: castest.DefaultKey.AccessKeySecret,
	})
	if err != nil {
		t.Fatal(err)
	}
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

// service answers without a network, from half a round trip away, as many calls a second as admit lets through. It
// doesn't say how long to wait.
type service struct {
	roundTrip time.Duration

	mu    sync.Mutex
	admit func(time.Time) bool
	calls int
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := pass(r, s.roundTrip/2); err != nil {
		return nil, err
	}
	status, body := http.StatusOK, `{"Point": 92, "RequestId": "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"}`
	if !s.accept() {
		status, body = http.StatusBadRequest, `{"Code": "Throttling.User", "Message": "Request was denied due to user flow control."}`
	}
	if err := pass(r, s.roundTrip/2); err != nil {
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

func pass(r *http.Request, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
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
