package cas

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// TestClassification has the other failures.
func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	const ever = math.MaxInt
	for name, test := range map[string]struct {
		step    http.HandlerFunc
		kind    egress.Kind
		retries int // maximum, or ever
	}{
		"throttled":   {step: castest.Throttle(), kind: openapi.Throttled, retries: ever},
		"bad gateway": {step: castest.HTML(502), kind: openapi.Temporary, retries: 5},
		"truncated":   {step: castest.Truncated(), kind: egress.ConnectionFailed, retries: 5},
		"hangs":       {step: castest.Hang(), kind: egress.TimedOut, retries: 5},
		"permission":  {step: castest.Denied("somebody"), kind: openapi.NoPermission, retries: 0},
		"elsewhere": {
			step: http.RedirectHandler("https://other.test/hush", http.StatusTemporaryRedirect).ServeHTTP, kind: egress.Redirected, retries: 0,
		},
	} {
		for _, maxRetries := range []int{0, 1, 5} {
			t.Run(fmt.Sprint(name, maxRetries), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := castest.New(castest.Options{})
					server.Script(repeat(200, test.step)...)
					client := inMemory(t, server, func(c *Config) { c.MaxRetries, c.RequestTimeout = maxRetries, 5*time.Second })
					started := time.Now()
					limit := 5 * time.Minute
					if test.retries != ever {
						limit = time.Hour // for all tries, however long the waits between them are
					}
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					_, err := client.GetAssetCount(ctx)
					calls, elapsed := len(server.Calls()), time.Since(started)
					within(t, server, 10)
					failure, ok := errors.AsType[*Error](err)
					if !ok {
						t.Fatalf("got %#v, want kind %q", err, test.kind)
					}
					if failure.Kind != test.kind {
						t.Errorf("got kind %q, want %q", failure.Kind, test.kind)
					}
					if failure.Attempts != calls {
						t.Errorf("got %d attempts, want %d, one for each call", failure.Attempts, calls)
					}
					if failure.Elapsed > elapsed {
						t.Errorf("got a failure after %s, want at most %s", failure.Elapsed, elapsed)
					}
					if failure.Kind == egress.TimedOut && maxRetries == 0 && elapsed != 5*time.Second {
						t.Errorf("got a failure after %s, want it after the request timeout of 5s", elapsed)
					}
					if want := "https://cas.test"; failure.Endpoint != want || strings.Contains(err.Error(), "hush") {
						t.Errorf("got %v about endpoint %s, want %s, and no path in it", err, failure.Endpoint, want)
					}
					wait, ok := errors.AsType[*WaitError](err)
					if test.retries != ever {
						if ok {
							t.Errorf("got %#v, want no wait", wait)
						}
						if want := 1 + min(test.retries, maxRetries); calls != want {
							t.Errorf("got %d calls, want %d", calls, want)
						}
						return
					}
					if !ok {
						t.Fatalf("got %#v, want a wait", err)
					}
					if wait.Attempts != calls {
						t.Errorf("got a wait after %d attempts, want %d, one for each call", wait.Attempts, calls)
					}
					if wait.Elapsed != limit {
						t.Errorf("got a wait that ended after %s, want %s", wait.Elapsed, limit)
					}
					if elapsed != limit {
						t.Errorf("got the error after %s, want %s", elapsed, limit)
					}
					if calls < 10 {
						t.Errorf("got %d calls, want at least 10", calls)
					}
				})
			})
		}
	}
}

// Throttling doesn't use up the tries of other failures.
func TestThrottlingIsNotCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		server.Script(castest.Throttle(), castest.Abort(), castest.Throttle(), castest.HTML(503), castest.Throttle())
		client := inMemory(t, server, func(c *Config) { c.MaxRetries = 2 })
		if _, err := client.GetAssetCount(t.Context()); err != nil {
			t.Errorf("got %v, want a response", err)
		}
		if calls := len(server.Calls()); calls != 6 {
			t.Errorf("got %d calls, want 6", calls)
		}
	})
}

// Every attempt has a place, a nonce and a date of its own.
func TestAttemptsAreCountedAndSignedEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{CallsPerSecond: 1})
		server.Script(repeat(5, castest.Fault(503, "ServiceUnavailable", ""))...)
		client := inMemory(t, server, func(c *Config) { c.RequestsPerSecond = 1 })
		if _, err := client.GetAssetCount(t.Context()); err != nil {
			t.Fatal(err)
		}
		within(t, server, 1)
		nonces := map[string]bool{}
		for _, call := range server.Calls() {
			nonces[call.Header.Get("X-Acs-Signature-Nonce")] = true
			if date, want := call.Header.Get("X-Acs-Date"), call.Arrived.UTC().Format(time.RFC3339); date != want {
				t.Errorf("got a call dated %s, want %s", date, want)
			}
		}
		if len(nonces) != 6 {
			t.Errorf("got %d nonces, want 6", len(nonces))
		}
	})
}

// A refused token is replaced once, by a source that can.
func TestTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refusals, calls int
		ok              bool
	}{
		"fresh one accepted": {refusals: 1, calls: 2, ok: true},
		"fresh one refused":  {refusals: 2, calls: 2, ok: false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := castest.StartIssuer()
			defer issuer.Close()
			server := castest.New(castest.Options{})
			issuer.OnIssue(func(key *castest.Key) { server.AddKey(*key) })
			server.Script(repeat(test.refusals, castest.Fault(400, "InvalidSecurityToken.Expired", ""))...)
			source := credential.New(credential.Config{Source: credential.URI{Address: issuer.CredentialsURI()}})
			client := inMemory(t, server, func(c *Config) { c.Credentials, c.MaxRetries = source, 0 })
			_, err := client.GetAssetCount(t.Context())
			calls := server.Calls()
			if (err == nil) != test.ok {
				t.Errorf("got %v, want a response: %t", err, test.ok)
			}
			if len(calls) != test.calls {
				t.Fatalf("got %d calls, want %d", len(calls), test.calls)
			}
			if id := calls[1].AccessKeyID; id == calls[0].AccessKeyID {
				t.Errorf("got %s for both calls, want another one for the second", id)
			}
			if issued := len(issuer.Issued()); issued != 2 {
				t.Errorf("got %d keys issued, want 2", issued)
			}
		})
	}
}

// Our backoff comes on top of the wait that the service requests. Package openapi tests the
// headers.
func TestWaitIsWhatTheServiceRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		step http.HandlerFunc
		told time.Duration
	}{
		"throttled":           {step: castest.Throttle()},
		"throttled, a time":   {step: castest.Throttle("X-Acs-Retry-After", "2000"), told: 2 * time.Second},
		"throttled, a date":   {step: castest.Throttle("Retry-After", "Sat, 01 Jan 2000 00:00:07 GMT"), told: 7 * time.Second},
		"unavailable":         {step: castest.HTML(503)},
		"unavailable, a time": {step: castest.Header(castest.HTML(503), "Retry-After", "5"), told: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{})
				server.Script(test.step)
				if _, err := inMemory(t, server).GetAssetCount(t.Context()); err != nil {
					t.Fatal(err)
				}
				calls := server.Calls()
				backoff := calls[1].Arrived.Sub(calls[0].Arrived) - test.told
				if backoff < time.Second/2 || backoff >= time.Second {
					t.Errorf("got a wait of %s after the requested wait, want 0.5s to 1s", backoff)
				}
			})
		})
	}
}

// A read that has too little time for a wait doesn't begin it.
func TestHopelessWaitIsNotBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		server.Script(castest.Throttle("X-Acs-Retry-After", "60000"))
		client := inMemory(t, server)
		started := time.Now()
		short, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		long, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		lasting := begin(long, client, 1)
		synctest.Wait()
		hopeless := begin(short, client, 1) // has no failure of its own to show
		alone := <-hopeless
		lasted := <-lasting

		if alone.took != 0 {
			t.Errorf("got back after %s, want at once", alone.took)
		}
		if why := hopelessWait(t, alone.err, time.Minute, 0); !strings.Contains(why, "Throttling.User") {
			t.Errorf("got a wait for %s, want Throttling.User in it", why)
		}
		if lasted.err != nil {
			t.Errorf("a read with enough time: got %v, want a response", lasted.err)
		}
		if at := time.Since(started); at < time.Minute || at > time.Minute+time.Second {
			t.Errorf("a read with enough time: got it at %s, want 60s to 61s", at)
		}

		server.Script(castest.Throttle("X-Ratelimit-User", "Limit:1,Remain:0,TimeLeft:9000,Reset:1"))
		<-time.After(time.Second)
		short, cancel = context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		tried := <-begin(short, client, 1)
		if tried.took != 0 {
			t.Errorf("got back after %s, want at once", tried.took)
		}
		hopelessWait(t, tried.err, 9*time.Second, 1)
		if last, ok := errors.AsType[*Error](tried.err); !ok || last.Kind != openapi.Throttled {
			t.Errorf("got %v as the last attempt, want kind %q", last, openapi.Throttled)
		}
		if calls := len(server.Calls()); calls != 3 {
			t.Errorf("got %d calls, want 3", calls)
		}
	})
}

// hopelessWait checks that err is a wait that wasn't begun, for how long it would have been at
// least, and after how many attempts. It returns what the wait would have been for.
func hopelessWait(t *testing.T, err error, needs time.Duration, attempts int) (why string) {
	t.Helper()
	wait, ok := errors.AsType[*WaitError](err)
	if !ok {
		t.Fatalf("got %#v, want a wait", err)
	}
	if wait.Needs < needs {
		t.Errorf("got a wait that needs %s, want at least %s", wait.Needs, needs)
	}
	if wait.Attempts != attempts {
		t.Errorf("got a wait after %d attempts, want %d", wait.Attempts, attempts)
	}
	if !errors.Is(wait, context.DeadlineExceeded) {
		t.Errorf("got a wait that ended with %v, want %v", wait.Cause, context.DeadlineExceeded)
	}
	return wait.For
}

// Cancellation ends every wait at once, and the error says what for, how often, how long, and what
// came back last.
func TestCancelledWait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		step     http.HandlerFunc
		limit    int
		after    time.Duration
		attempts int
		message  string
	}{
		"backoff": {
			step: castest.Throttle("X-Acs-Retry-After", "60000"), limit: 10, after: 30 * time.Second, attempts: 1,
			message: "waiting for the next attempt (the last one ended with: throttled (Throttling.User)): context canceled after 30s " +
				"(attempts: 1)",
		},
		"place": {
			step: castest.Fault(503, "ServiceUnavailable", ""), limit: 1, after: time.Second, attempts: 1,
			message: "waiting for one of the account's 1 calls a second: ",
		},
		"answer": {
			step: castest.Hang(), limit: 10, after: 20 * time.Second, attempts: 1,
			message: "waiting for a response from cas.test: context canceled after 20s (attempts: 1)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{CallsPerSecond: test.limit})
				server.Script(test.step)
				client := inMemory(t, server, func(c *Config) { c.RequestsPerSecond = test.limit })
				client.gate.interval = 0 // so that it isn't the pace that the call waits for
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(test.after, cancel)
				got := <-begin(ctx, client, 1)
				wait, ok := errors.AsType[*WaitError](got.err)
				if !ok {
					t.Fatalf("got %#v, want a wait", got.err)
				}
				if got.took != test.after {
					t.Errorf("got back after %s, want %s", got.took, test.after)
				}
				want := &WaitError{For: wait.For, Attempts: test.attempts, Elapsed: test.after, Cause: context.Canceled, Last: wait.Last}
				if !reflect.DeepEqual(wait, want) {
					t.Errorf("got %#v, want %#v", wait, want)
				}
				if message := wait.Error(); !strings.Contains(message, test.message) {
					t.Errorf("got %q, want %q in it", message, test.message)
				}
			})
		})
	}
}

// A wait that ends with the read's time leaves none for a response.
func TestWaitThatLeavesNoTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		client := inMemory(t, server, func(c *Config) { c.RequestsPerSecond = 1 })
		if _, err := client.GetAssetCount(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := <-begin(ctx, client, 1)
		if wait, ok := errors.AsType[*WaitError](got.err); !ok || wait.Needs != time.Second {
			t.Errorf("got %#v, want a wait that needs 1s", got.err)
		}
		if got.took != 0 {
			t.Errorf("got back after %s, want at once", got.took)
		}
	})
}

// Once its time is up, a read makes no call, and takes no place of the quota.
func TestEndedContextMakesNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		client := inMemory(t, server, func(c *Config) { c.RequestsPerSecond = 1 })
		if _, err := client.GetAssetCount(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := client.GetAssetCount(ctx)
		if wait, ok := errors.AsType[*WaitError](err); !ok || wait.For == "" {
			t.Errorf("got %#v, want what it waited for", err)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		synctest.Wait()
		got := <-begin(t.Context(), client, 1)
		if got.err != nil {
			t.Errorf("the next read: got %v, want a response", got.err)
		}
		if got.took != 0 {
			t.Errorf("the next read: got it after %s, want at once", got.took)
		}
		if calls := len(server.Calls()); calls != 2 {
			t.Errorf("got %d calls, want 2", calls)
		}
	})
}

// A backoff goes on for reads that begin after another has given up.
func TestBackoffOutlastsTheReadsThatGaveUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		maxRetries, failed int
	}{
		"never tried again":      {maxRetries: 0, failed: 110},
		"tried again by default": {maxRetries: 5, failed: 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const outage = time.Minute
				server := castest.New(castest.Options{Latency: 50 * time.Millisecond})
				started := time.Now()
				server.Script(repeat(100, func(w http.ResponseWriter, r *http.Request) {
					if time.Since(started) < outage {
						castest.Fault(503, "ServiceUnavailable", "")(w, r)
						return
					}
					castest.Respond(castest.Assets())(w, r)
				})...)
				client := inMemory(t, server, func(c *Config) { c.MaxRetries = test.maxRetries })
				var failed atomic.Int32
				places := make(chan struct{}, 10) // at once
				var group sync.WaitGroup
				for range 400 {
					places <- struct{}{}
					group.Go(func() {
						defer func() { <-places }()
						ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
						defer cancel()
						if _, err := client.GetAssetCount(ctx); err != nil {
							failed.Add(1)
						}
					})
					<-time.After(300 * time.Millisecond)
				}
				group.Wait()
				calls := 0
				for _, call := range server.Calls() {
					if call.Status == http.StatusServiceUnavailable {
						calls++
					}
				}
				if failed := int(failed.Load()); failed > test.failed {
					t.Errorf("got %d reads that failed, want at most %d", failed, test.failed)
				}
				if calls > 9 {
					t.Errorf("got %d calls while the service was unavailable, want at most 9", calls)
				}
			})
		})
	}
}

// A backoff leaves each reader time for an attempt, also the one that joins last: at another moment
// on each machine, after what the service requested.
func TestBackoffLeavesTimeForAnAttempt(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for name, test := range map[string]struct {
		limits        []time.Duration // of readers, each of which comes a second after the previous one
		latency       time.Duration
		told          string        // how many seconds the service requests
		after, before time.Duration // when the call leaves
	}{
		"enough time":            {limits: []time.Duration{time.Minute}, after: 20 * second, before: 40 * second},
		"too little time":        {limits: []time.Duration{10 * second}, before: 9500 * time.Millisecond},
		"slow responses":         {limits: []time.Duration{10 * second}, latency: second, before: 8750 * time.Millisecond},
		"next to no time":        {limits: []time.Duration{second / 4}, after: second / 10, before: second / 10},
		"after a request":        {limits: []time.Duration{10 * second}, told: "5", after: 5 * second, before: 9500 * time.Millisecond},
		"the second has less":    {limits: []time.Duration{time.Minute, 10 * second}, after: second, before: 10500 * time.Millisecond},
		"the second has more":    {limits: []time.Duration{10 * second, time.Minute}, before: 9500 * time.Millisecond},
		"the third has least":    {limits: []time.Duration{time.Minute, 9 * second, 3 * second}, after: second, before: 4500 * time.Millisecond},
		"the second has no time": {limits: []time.Duration{time.Minute, second / 4}, after: second, before: second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var left []time.Duration
				for range 100 { // machines
					server := castest.New(castest.Options{Latency: test.latency})
					server.Script(castest.HTML(503), castest.Header(castest.HTML(503), "Retry-After", test.told))
					client := inMemory(t, server, func(c *Config) { c.MaxRetries = 0 })
					<-begin(t.Context(), client, 1)
					time.Sleep(20*second - test.latency)
					<-begin(t.Context(), client, 1)
					started := time.Now()
					var readers []<-chan result
					for _, limit := range test.limits {
						ctx, cancel := context.WithTimeout(t.Context(), limit)
						defer cancel()
						readers = append(readers, begin(ctx, client, 1))
						time.Sleep(second)
					}
					for i, reader := range readers {
						if got := <-reader; got.err != nil {
							t.Errorf("reader %d: got %v, want a response", i+1, got.err)
						}
					}
					calls := server.Calls()
					if len(calls) < 3 {
						t.Fatalf("got %d calls, want one after the two that failed", len(calls))
					}
					left = append(left, calls[2].Arrived.Sub(started))
				}
				slices.Sort(left)
				margin := (test.before - test.after) / 5
				if first := left[0]; first < test.after || first > test.after+margin {
					t.Errorf("got the first call after %s, want it soon after %s", first, test.after)
				}
				if last := left[len(left)-1]; last > test.before || last < test.before-margin {
					t.Errorf("got the last call after %s, want it shortly before %s", last, test.before)
				}
			})
		})
	}
}
