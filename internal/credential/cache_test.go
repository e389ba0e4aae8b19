package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// stub is a source whose nth fetch takes a second and returns credentials for an hour, unless fail
// says otherwise.
type stub struct {
	fetches atomic.Int64
	fail    func(n int64) error
}

func (f *stub) cache() *Cache {
	return cacheOf("stub", func(context.Context) (Credentials, error) {
		n := f.fetches.Add(1)
		time.Sleep(time.Second)
		if f.fail != nil {
			if err := f.fail(n); err != nil {
				return Credentials{}, err
			}
		}
		return Credentials{
			Key:        openapi.Key{AccessKeyID: fmt.Sprint("id", n), AccessKeySecret: "secret", SecurityToken: "token"},
			Expiration: time.Now().Add(time.Hour),
		}, nil
	})
}

// scripted is a source whose credentials are what a function returns.
type scripted struct {
	Source
	name string
	next func(context.Context) (Credentials, error)
}

func (s scripted) String() string { return s.name }

func (s scripted) fetch(ctx context.Context, _ *fetcher) (Credentials, error) { return s.next(ctx) }

func cacheOf(name string, next func(context.Context) (Credentials, error)) *Cache {
	return New(Config{Transport: isolated, Source: scripted{name: name, next: next}})
}

func get(t *testing.T, s *Cache) string {
	t.Helper()
	c, err := s.Get(t.Context())
	must(t, err)
	return c.AccessKeyID
}

// Whoever signs in after hours doesn't have to wait for hours because a service is busy just then.
func TestCacheBacksOffFromTheFirstFailureThatMayPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := (&stub{fail: func(n int64) error {
			return newError([]egress.Kind{Login, openapi.Temporary}[n-1], "no")
		}}).cache()
		_, _ = s.Get(t.Context())
		time.Sleep(3 * time.Hour)
		_, _ = s.Get(t.Context())
		if wait := time.Until(s.NextFetch()); wait <= 0 || wait > time.Second {
			t.Errorf("got a wait of %s, want at most a second", wait)
		}
	})
}

// STS says when to try again.
func TestCacheWaitsAsLongAsTheSourceRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := respond(req, 503, "")
			resp.Header = http.Header{"Retry-After": {"60"}}
			return resp, err
		})
		s, _, _ := fetch(t, Config{Source: keys(), AssumeRole: &AssumeRole{RoleARN: testRole}, Transport: transport})
		if wait := time.Until(s.NextFetch()); wait != time.Minute {
			t.Errorf("got a wait of %s, want a minute", wait)
		}
	})
}

func TestCacheRefreshesAheadInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f stub
		s := f.cache()
		get(t, s)
		time.Sleep(time.Hour - refreshAhead - time.Second)
		if id := get(t, s); id != "id1" {
			t.Errorf("just before: got %s, want id1", id)
		}
		if n := f.fetches.Load(); n != 1 {
			t.Errorf("just before: got %d fetches, want 1", n)
		}
		time.Sleep(2 * time.Second)
		began := time.Now()
		ctx, leave := context.WithCancel(t.Context())
		if c, err := s.Get(ctx); err != nil || c.AccessKeyID != "id1" {
			t.Errorf("while refreshing: got %v, %v, want id1", c, err)
		}
		leave() // the refresh outlives the reader that started it
		if took := time.Since(began); took != 0 {
			t.Errorf("while refreshing: got it after %s, want at once", took)
		}
		time.Sleep(2 * time.Second)
		if id := get(t, s); id != "id2" {
			t.Errorf("afterwards: got %s, want id2", id)
		}
		if n := f.fetches.Load(); n != 2 {
			t.Errorf("afterwards: got %d fetches, want 2", n)
		}
	})
}

func TestCacheKeepsOldCredentialsWhileTheyHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := newError(openapi.Temporary, "service down")
		f := stub{fail: func(n int64) error {
			if n > 1 {
				return down
			}
			return nil
		}}
		s := f.cache()
		get(t, s)
		time.Sleep(time.Hour - refreshAhead)
		for range 60 { // 4 minutes and 55 seconds
			if id := get(t, s); id != "id1" {
				t.Fatalf("got %s, want id1", id)
			}
			if next := s.NextFetch(); !next.IsZero() {
				t.Fatalf("got %s as the time for the next fetch, want none while the old credentials hold", next)
			}
			time.Sleep(4900 * time.Millisecond)
		}
		if n := f.fetches.Load(); n < 10 || n > 21 {
			t.Errorf("got %d fetches in five minutes, want 10 to 21, one per pause", n)
		}
		time.Sleep(10 * time.Second)
		_, err := s.Get(t.Context())
		failed(t, err, openapi.Temporary, "service down")
		if e, _ := errors.AsType[*Error](err); e.Source != "stub" {
			t.Errorf("got source %q, want stub", e.Source)
		}
		if next := s.NextFetch(); !next.After(time.Now()) {
			t.Errorf("got %s as the time for the next fetch, want one to come", next)
		}
	})
}

func TestCacheWhileCredentialsExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f stub
		s := f.cache()
		var readers sync.WaitGroup
		for reader := range 50 {
			readers.Go(func() {
				for range 100 {
					c, err := s.Get(t.Context())
					if err != nil {
						t.Errorf("got %v, want credentials", err)
					}
					if !time.Now().Before(c.Expiration) {
						t.Errorf("got credentials that expired at %s, want some that hold", c.Expiration)
					}
					time.Sleep(time.Duration(reader+1) * 7 * time.Second)
				}
			})
		}
		readers.Wait()
		if n := f.fetches.Load(); n > 12 {
			t.Errorf("got %d fetches in %d hours, want at most 12", n, 50*7*100/3600)
		}
	})
}

// What was begun goes on, and what comes late is for the next reader.
func TestCacheKeepsWhatComesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int64
		slow := func(ctx context.Context) (Credentials, error) {
			fetches.Add(1)
			time.Sleep(20 * time.Second)
			return Credentials{Key: openapi.Key{AccessKeyID: "id", AccessKeySecret: "secret"}}, ctx.Err()
		}
		s := cacheOf("slow", slow)
		gone := errors.New("gone")
		var late, served int
		for range 60 { // reads of a second each, one after the other
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, gone)
			began := time.Now()
			_, err := s.Get(ctx)
			took := time.Since(began)
			cancel()
			if err == nil {
				served++
				time.Sleep(time.Second)
				continue
			}
			late++
			if !errors.Is(err, gone) || !strings.Contains(err.Error(), "slow") {
				t.Errorf("got %v, want the context's cause, and the source named", err)
			}
			if took != time.Second {
				t.Errorf("got it after %s, want 1s", took)
			}
		}
		if fetches.Load() != 1 {
			t.Errorf("got %d fetches, want 1", fetches.Load())
		}
		if late > 20 {
			t.Errorf("got %d reads without credentials and %d with, want 20 and 40", late, served)
		}
	})
}

func TestCacheRemembersFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind    egress.Kind
		pause   time.Duration
		discard bool
		fetches int64
	}{
		"not found":          {kind: NotFound, pause: 4900 * time.Millisecond, fetches: 1},
		"refused":            {kind: openapi.Rejected, pause: 4900 * time.Millisecond, fetches: 1},
		"later":              {kind: NotFound, pause: 5 * time.Second, fetches: 2},
		"may pass by itself": {kind: openapi.Temporary, fetches: 2},
		"throttled":          {kind: openapi.Throttled, fetches: 2},
		"discarded":          {kind: NotFound, discard: true, fetches: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := stub{fail: func(int64) error { return newError(test.kind, "no") }}
				s := f.cache()
				_, first := s.Get(t.Context())
				if test.discard {
					s.Discard(s.current)
				}
				time.Sleep(test.pause)
				_, second := s.Get(t.Context())
				if first == nil {
					t.Fatal("got credentials, want an error")
				}
				if second == nil || second.Error() != first.Error() {
					t.Errorf("got %v the second time, want %v again", second, first)
				}
				if n := f.fetches.Load(); n != test.fetches {
					t.Errorf("got %d fetches, want %d", n, test.fetches)
				}
			})
		})
	}
}

func TestCacheDiscard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f stub
		s := f.cache()
		old, err := s.Get(t.Context())
		must(t, err)
		for range 2 { // the second is a slow reader's: what is current isn't what was refused
			if !s.Discard(old) {
				t.Error("got no others to come, want some")
			}
			if id := get(t, s); id != "id2" {
				t.Errorf("after a discard: got %s, want id2", id)
			}
		}
		if n := f.fetches.Load(); n != 2 {
			t.Errorf("got %d fetches, want 2", n)
		}
	})
}

// A pipeline's temporary credentials are new on every run: nothing of them may name the account's
// quota.
func TestIdentity(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	triple := keys()
	triple.Token = "CAIS+/with=="
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"keys":           {cfg: Config{Source: keys()}, want: castest.DefaultKey.AccessKeyID},
		"temporary keys": {cfg: Config{Source: triple}, want: "temporary credentials"},
		"assumed role":   {cfg: viaSTS(i), want: "1234567890123456"},
		"OIDC":           {cfg: viaOIDC(i), want: "1234567890123456"},
		"URI":            {cfg: Config{Source: URI{i.CredentialsURI()}}, want: "temporary credentials"},
		"profile":        {cfg: Config{Source: inFile(t, `"mode": "AK", `+ak)}, want: castest.DefaultKey.AccessKeyID},
		"profile's token of before": {
			cfg: Config{Source: inFile(t, `"mode": "AK", "sts_token": "CAIS", `+ak)}, want: castest.DefaultKey.AccessKeyID,
		},
		"CloudSSO": {cfg: viaCloudSSO(t, i), want: "1234567890123456"},
	} {
		if _, c := fetched(t, test.cfg); c.Identity() != test.want {
			t.Errorf("%s: got identity %q, want %q", name, c.Identity(), test.want)
		}
	}
}
