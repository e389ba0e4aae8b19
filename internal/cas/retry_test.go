package cas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	const ever = math.MaxInt
	for name, test := range map[string]struct {
		step    http.HandlerFunc
		kind    Kind
		retries int // the most that max_retries allows, or ever
	}{
		"throttled":             {castest.Throttle(), Throttled, ever},
		"throttled by the API":  {castest.Fault(400, "Throttling.Api", ""), Throttled, ever},
		"too many requests":     {castest.HTML(429), Throttled, ever},
		"unavailable":           {castest.Fault(503, "ServiceUnavailable", ""), Temporary, 5},
		"internal error":        {castest.Fault(500, "InternalError", ""), Temporary, 5},
		"bad gateway":           {castest.HTML(502), Temporary, 5},
		"nonce":                 {castest.Fault(400, "SignatureNonceUsed", ""), Temporary, 5},
		"reset":                 {castest.Reset(), NotReached, 5},
		"truncated":             {castest.Truncated(), NotReached, 5},
		"hangs":                 {castest.Hang(), NotReached, 5},
		"clock":                 {castest.Fault(400, "InvalidTimeStamp.Expired", ""), Clock, 0},
		"key":                   {castest.Fault(404, "InvalidAccessKeyId.NotFound", ""), BadKey, 0},
		"signature":             {castest.Fault(400, "SignatureDoesNotMatch", ""), BadKey, 0},
		"token that is fixed":   {castest.Fault(400, "InvalidSecurityToken.Expired", ""), BadToken, 0},
		"permission":            {castest.Denied("somebody"), NoPermission, 0},
		"wrong place":           {castest.Fault(404, "InvalidApi.NotFound", ""), WrongPlace, 0},
		"elsewhere":             {castest.Redirect("https://other.test/"), Redirected, 0},
		"not JSON":              {castest.HTML(200), Malformed, 0},
		"anything else at once": {castest.Fault(400, "InvalidParameter", ""), Rejected, 0},
	} {
		for _, maxRetries := range []int{0, 1, 5} {
			t.Run(fmt.Sprint(name, maxRetries), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := castest.New(castest.Options{})
					server.Script(repeat(200, test.step)...)
					client := inMemory(t, server, func(c *Config) { c.MaxRetries = maxRetries })
					started := time.Now()
					const limit = 5 * time.Minute
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					_, err := client.GetAssetCount(ctx)
					failure, ok := errors.AsType[*Error](err)
					calls, elapsed := len(server.Calls()), time.Since(started)
					if !ok || failure.Kind != test.kind || failure.Attempts != calls || failure.Elapsed > elapsed {
						t.Fatalf("got %#v after %d calls", err, calls)
					}
					if wait, ok := errors.AsType[*WaitError](err); ok != (test.retries == ever) {
						t.Errorf("got %#v", err)
					} else if ok && (wait.Attempts != calls || wait.Elapsed != elapsed || wait.Needs == 0 || elapsed+wait.Needs < limit || calls < 10) {
						t.Errorf("got %#v after %d calls", wait, calls)
					}
					if want := 1 + min(test.retries, maxRetries); test.retries != ever && calls != want {
						t.Errorf("%d calls, want %d", calls, want)
					}
					within(t, server, 10)
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
		server.Script(castest.Throttle(), castest.Reset(), castest.Throttle(), castest.HTML(503), castest.Throttle())
		client := inMemory(t, server, func(c *Config) { c.MaxRetries = 2 })
		if _, err := client.GetAssetCount(t.Context()); err != nil || len(server.Calls()) != 6 {
			t.Errorf("got %v after %d calls", err, len(server.Calls()))
		}
	})
}

// Every attempt has a place, a nonce and a date of its own.
func TestAttemptsAreCountedAndSignedAfresh(t *testing.T) {
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
			nonces[call.Nonce] = true
			if date, want := call.Header.Get("X-Acs-Date"), call.Arrived.UTC().Format(time.RFC3339); date != want {
				t.Errorf("a call of %s is dated %s", want, date)
			}
		}
		if len(nonces) != 6 {
			t.Errorf("%d nonces in six calls", len(nonces))
		}
	})
}

// A refused token is fetched anew once, by a source that can.
func TestTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refusals, calls int
		ok              bool
	}{
		"fresh one accepted": {1, 2, true},
		"fresh one refused":  {2, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := castest.StartIssuer()
			defer issuer.Close()
			server := castest.New(castest.Options{})
			issuer.OnIssue(server.AddKey)
			server.Script(repeat(test.refusals, castest.Fault(400, "InvalidSecurityToken.Expired", ""))...)
			source, err := credential.New(credential.Config{CredentialsURI: issuer.CredentialsURI()})
			if err != nil {
				t.Fatal(err)
			}
			client := inMemory(t, server, func(c *Config) { c.Credentials, c.MaxRetries = source, 0 })
			_, err = client.GetAssetCount(t.Context())
			calls := server.Calls()
			if (err == nil) != test.ok || len(calls) != test.calls {
				t.Fatalf("got %v after %d calls", err, len(calls))
			}
			if calls[0].AccessKeyID == calls[1].AccessKeyID || len(issuer.Issued()) != 2 {
				t.Errorf("asked with %s and %s of %d keys", calls[0].AccessKeyID, calls[1].AccessKeyID, len(issuer.Issued()))
			}
		})
	}
}

// The first header that says it decides how long to wait; a jitter of at most 0.1 s comes on top.
func TestWaitIsWhatTheServiceAsksFor(t *testing.T) {
	t.Parallel()
	const limits = "Limit:1,Remain:0,TimeLeft:%d,Reset:1234"
	all := []string{
		"X-Acs-Retry-After", "2000",
		"X-Ratelimit-User-Api", fmt.Sprintf(limits, 3000),
		"X-Ratelimit-User", fmt.Sprintf(limits, 4000),
		"Retry-After", "5",
	}
	for name, test := range map[string]struct {
		header []string
		atMost time.Duration
		least  time.Duration
	}{
		"all four":         {all, 2100 * time.Millisecond, 2 * time.Second},
		"but the first":    {all[2:], 4100 * time.Millisecond, 4 * time.Second},
		"the larger":       {[]string{all[2], fmt.Sprintf(limits, 6000), all[4], all[5]}, 6100 * time.Millisecond, 6 * time.Second},
		"of the API alone": {append(all[2:4:4], all[6:]...), 3100 * time.Millisecond, 3 * time.Second},
		"the last":         {all[6:], 5100 * time.Millisecond, 5 * time.Second},
		"a date":           {[]string{"Retry-After", "Sat, 01 Jan 2000 00:00:07 GMT"}, 7100 * time.Millisecond, 7 * time.Second},
		"none":             {nil, time.Second, 25 * time.Millisecond},
	} {
		for status, fault := range map[string]http.HandlerFunc{"throttled": castest.Throttle(), "unavailable": castest.HTML(503)} {
			t.Run(name+" "+status, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := castest.New(castest.Options{})
					server.Script(castest.Header(fault, test.header...))
					if _, err := inMemory(t, server).GetAssetCount(t.Context()); err != nil {
						t.Fatal(err)
					}
					calls := server.Calls()
					if gap := calls[1].Arrived.Sub(calls[0].Arrived); gap < test.least || gap > test.atMost {
						t.Errorf("waited %s, want %s to %s", gap, test.least, test.atMost)
					}
				})
			})
		}
	}
}

// A wait that can't end in time isn't begun, by whoever has too little time for it.
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

		wait, ok := errors.AsType[*WaitError](alone.err)
		if !ok || alone.took != 0 || wait.Needs < time.Minute || wait.Attempts != 0 || !errors.Is(wait, context.DeadlineExceeded) ||
			!strings.Contains(wait.For, "Throttling.User") {
			t.Errorf("got %#v after %s", alone.err, alone.took)
		}
		if at := time.Since(started); lasted.err != nil || at < time.Minute || at > time.Minute+200*time.Millisecond {
			t.Errorf("who has the time for it got %v at %s", lasted.err, at)
		}

		server.Script(castest.Throttle("X-Ratelimit-User", "Limit:1,Remain:0,TimeLeft:9000,Reset:1"))
		<-time.After(time.Second)
		short, cancel = context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		tried := <-begin(short, client, 1)
		wait, ok = errors.AsType[*WaitError](tried.err)
		last, _ := errors.AsType[*Error](tried.err)
		if !ok || tried.took != 0 || wait.Needs < 9*time.Second || wait.Attempts != 1 || last == nil || last.Kind != Throttled {
			t.Errorf("got %#v after %s", tried.err, tried.took)
		}
		if calls := len(server.Calls()); calls != 3 {
			t.Errorf("%d calls, want 3", calls)
		}
	})
}

// Cancellation ends every wait at once, and the error says what for, how often, how long, and what came back last.
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
			castest.Throttle("X-Acs-Retry-After", "60000"), 10, 30 * time.Second, 1,
			"waiting for the next attempt (the last one ended with: throttled (Throttling.User)): context canceled after 30s (attempts: 1), " +
				"last: get asset count: throttled (Throttling.User)",
		},
		"place":  {castest.Fault(503, "ServiceUnavailable", ""), 1, 999 * time.Millisecond, 1, "waiting for one of the account's 1 calls a second: "},
		"answer": {castest.Hang(), 10, 20 * time.Second, 1, "waiting for an answer from cas.test: context canceled after 20s (attempts: 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{CallsPerSecond: test.limit})
				server.Script(test.step)
				client := inMemory(t, server, func(c *Config) { c.RequestsPerSecond = test.limit })
				client.pace.unhinted.InitialInterval = 1 // so that it isn't the backoff that the place waits for
				client.pace.interval = 0
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(test.after, cancel)
				got := <-begin(ctx, client, 1)
				wait, ok := errors.AsType[*WaitError](got.err)
				if !ok || got.took != test.after || wait.Elapsed != test.after || wait.Attempts != test.attempts || wait.Needs != 0 ||
					!errors.Is(got.err, context.Canceled) {
					t.Fatalf("got %#v after %s", got.err, got.took)
				}
				if message := wait.Error(); !strings.Contains(message, test.message) {
					t.Errorf("got %q, want %q in it", message, test.message)
				}
			})
		})
	}
}

// A wait that ends with the read's time leaves none for an answer.
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
		if wait, ok := errors.AsType[*WaitError](got.err); !ok || wait.Needs != time.Second || got.took != 0 {
			t.Errorf("got %#v after %s", got.err, got.took)
		}
	})
}

// Once its time is up, a read makes no call, and takes no place from those who do.
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
		if wait, ok := errors.AsType[*WaitError](err); !ok || wait.For == "" || !errors.Is(err, context.Canceled) {
			t.Errorf("got %#v", err)
		}
		synctest.Wait()
		if got := <-begin(t.Context(), client, 1); got.err != nil || got.took != 0 || len(server.Calls()) != 2 {
			t.Errorf("the next read got %v after %s and %d calls", got.err, got.took, len(server.Calls()))
		}
	})
}

// A source of credentials that is out of reach for a moment is asked again, as often as the service would be, and no call
// leaves meanwhile.
func TestFetchingCredentialsIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		failures int
		ok       bool
	}{
		"for a moment": {2, true},
		"for good":     {3, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := castest.Start(castest.Options{})
			defer server.Close()
			var fetches atomic.Int32
			source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if int(fetches.Add(1)) <= test.failures {
					panic(http.ErrAbortHandler)
				}
				_ = json.NewEncoder(w).Encode(map[string]string{
					"Code": "Success", "Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "SecurityToken": renewable.SecurityToken,
					"AccessKeyId": renewable.AccessKeyID, "AccessKeySecret": renewable.AccessKeySecret,
				})
			}))
			defer source.Close()
			credentials, err := credential.New(credential.Config{CredentialsURI: source.URL})
			if err != nil {
				t.Fatal(err)
			}
			server.AddKey(renewable)
			client := wired(t, server.URL(), func(c *Config, _ *http.Transport) { c.Credentials, c.MaxRetries = credentials, 2 })
			const wait = 10 * time.Millisecond
			client.pace.unhinted.InitialInterval, client.pace.unhinted.RandomizationFactor = wait, 0
			started := time.Now()
			_, err = client.GetAssetCount(t.Context())
			if took := time.Since(started); took < wait+2*wait {
				t.Errorf("tried three times within %s, without a wait in between", took)
			}
			failed, _ := errors.AsType[*credential.Error](err)
			if (err == nil) != test.ok || !test.ok && failed == nil || fetches.Load() != 3 || (len(server.Calls()) > 0) != test.ok {
				t.Errorf("got %v after %d fetches and %d calls", err, fetches.Load(), len(server.Calls()))
			}
		})
	}
}

// The backoff of a read that has given up is no business of those that come after it.
func TestBackoffEndsWithTheReadsThatGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		client := inMemory(t, server, func(c *Config) { c.MaxRetries = 4 })
		client.pace.unhinted.RandomizationFactor = 0
		server.Script(repeat(10, castest.HTML(503))...)
		for wave := range 2 {
			got := <-begin(t.Context(), client, 1)
			first := server.Calls()[5*wave].Arrived
			if waited := got.took - time.Since(first); got.err == nil || waited > client.pace.interval || len(server.Calls()) != 5*(wave+1) {
				t.Errorf("wave %d: %v; the first of %d calls left after %s", wave, got.err, len(server.Calls()), waited)
			}
		}
		server.Script(castest.Throttle("Retry-After", "60"), castest.HTML(503))
		client.config.MaxRetries = 0
		if got := <-begin(t.Context(), client, 1); got.err == nil || got.took < time.Minute {
			t.Errorf("what the service asks for holds: got %v after %s", got.err, got.took)
		}
	})
}

// A wait that the service doesn't ask for leaves every reader time for another attempt, even one that came to it late.
func TestBackoffLeavesTimeForAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		client := inMemory(t, server)
		client.pace.unhinted.InitialInterval, client.pace.unhinted.RandomizationFactor = 20*time.Second, 0
		server.Script(castest.Throttle())
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		if got := <-begin(ctx, client, 1); got.err != nil || got.took != 3*time.Second {
			t.Errorf("got %v after %s, want an answer in half of its time", got.err, got.took)
		}
	})
}

var renewable = castest.Key{AccessKeyID: "STS.renewable", AccessKeySecret: "renewable-secret", SecurityToken: "renewable-token"}
