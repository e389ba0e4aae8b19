package cas

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// What a plan costs: its reads, as many at once as Terraform runs, and the calls and the time that
// they take.
func TestCost(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		reads, parallelism int
		latency            time.Duration
		calls              int
		took               time.Duration
	}{
		"one":                            {reads: 1, parallelism: 1, latency: 50 * ms, calls: 1, took: 50 * ms},
		"one after the other":            {reads: 10, parallelism: 1, latency: 50 * ms, calls: 10, took: 950 * ms},
		"ten at once":                    {reads: 10, parallelism: 10, latency: 50 * ms, calls: 2, took: 150 * ms},
		"two hundred, near":              {reads: 200, parallelism: 10, latency: ms, calls: 21, took: 2101 * ms},
		"two hundred":                    {reads: 200, parallelism: 10, latency: 50 * ms, calls: 21, took: 2250 * ms},
		"two hundred, far":               {reads: 200, parallelism: 10, latency: 300 * ms, calls: 21, took: 6800 * ms},
		"a thousand, near":               {reads: 1000, parallelism: 10, latency: ms, calls: 101, took: 10200 * ms},
		"a thousand":                     {reads: 1000, parallelism: 10, latency: 50 * ms, calls: 101, took: 10800 * ms},
		"a thousand, far":                {reads: 1000, parallelism: 10, latency: 300 * ms, calls: 101, took: 33 * time.Second},
		"a thousand, slower than a hang": {reads: 1000, parallelism: 10, latency: 1500 * ms, calls: 102, took: 156 * time.Second},
		"a thousand, slower still":       {reads: 1000, parallelism: 10, latency: 10 * time.Second, calls: 103, took: 1010 * time.Second},
		"ten thousand at once":           {reads: 10_000, parallelism: 10_000, latency: 50 * ms, calls: 2, took: 150 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{Latency: test.latency})
				client := inMemory(t, server)
				started := time.Now()
				var group sync.WaitGroup
				for range test.parallelism {
					group.Go(func() {
						for range test.reads / test.parallelism {
							if _, err := client.GetAssetCount(t.Context()); err != nil {
								t.Error(err)
							}
						}
					})
				}
				group.Wait()
				if calls := len(server.Calls()); calls > test.calls {
					t.Errorf("got %d calls, want at most %d", calls, test.calls)
				}
				if took := time.Since(started); took > test.took {
					t.Errorf("got the last response after %s, want at most %s", took, test.took)
				}
				within(t, server, 10)
				synctest.Wait()
				idle(t, client)
			})
		})
	}
}

// Twenty clients stand for twenty processes: they meet in nothing but the file.
func TestClientsShareTheQuota(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{Latency: 20 * time.Millisecond})
		var group sync.WaitGroup
		for range 20 {
			client := inMemory(t, server, func(c *Config) { c.CacheDir = dir })
			for range 5 {
				group.Go(func() {
					for range 2 {
						if _, err := client.GetAssetCount(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		group.Wait()
		within(t, server, 10)
		if calls := len(server.Calls()); calls > 20*3 {
			t.Errorf("got %d calls, want at most 3 for each client", calls)
		}
	})
}

// A process may end at once when its client is closed, and others must know when the response came.
func TestCloseWaitsForTheNoteOfTheResponse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{Latency: 50 * time.Millisecond})
		for range 20 {
			client := inMemory(t, server, func(c *Config) { c.CacheDir, c.RequestsPerSecond = dir, 1 })
			if _, err := client.GetAssetCount(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
			client.Close()
			files, err := filepath.Glob(filepath.Join(dir, "quota-*"))
			if err != nil || len(files) != 1 {
				t.Fatalf("got files %v, %v, want one", files, err)
			}
			if noted, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(noted, want) {
				t.Fatalf("got %x, %v noted, want the time of the response %x", noted, err, want)
			}
		}
	})
}

// A reader that gives up gets its error at once, and the others get the response.
func TestReaderThatGivesUpLeavesTheOthersTheirResponse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after    time.Duration
		waiting  string
		attempts int
	}{
		"before the call leaves":    {after: 10 * time.Millisecond, waiting: "the response to the call before"},
		"between response and call": {after: 55 * time.Millisecond, waiting: sharing},
		"while it is out":           {after: 120 * time.Millisecond, waiting: "a response from cas.test", attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{Latency: 50 * time.Millisecond})
				client := inMemory(t, server)
				first := begin(t.Context(), client, 1)
				synctest.Wait()

				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(test.after, cancel)
				leaving, staying := begin(ctx, client, 1), begin(t.Context(), client, 1)
				left := <-leaving
				wait, _ := errors.AsType[*WaitError](left.err)
				want := &WaitError{For: test.waiting, Attempts: test.attempts, Elapsed: test.after, Cause: context.Canceled}
				if !reflect.DeepEqual(wait, want) {
					t.Errorf("the reader that left: got %#v, want %#v", left.err, want)
				}
				if left.took != test.after {
					t.Errorf("the reader that left: got back after %s, want %s", left.took, test.after)
				}
				for _, got := range []result{<-first, <-staying} {
					if got.err != nil {
						t.Errorf("a reader that stayed: got %v, want a response", got.err)
					}
				}
				if calls := len(server.Calls()); calls != 2 {
					t.Errorf("got %d calls, want 2", calls)
				}
			})
		})
	}
}

// A call that no read waits for any more is cancelled, and its place is given back.
func TestCallThatNoReadWaitsForIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		started := time.Now()
		var left time.Duration
		server.Script(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			left = time.Since(started)
			panic(http.ErrAbortHandler)
		})
		client := inMemory(t, server, func(c *Config) { c.RequestsPerSecond = 1 })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		for range 2 {
			if got := <-begin(ctx, client, 1); !errors.Is(got.err, context.DeadlineExceeded) {
				t.Errorf("got %v, want %v", got.err, context.DeadlineExceeded)
			}
		}
		synctest.Wait()
		idle(t, client)
		if left != 3*time.Second {
			t.Errorf("got the call abandoned after %s, want 3s", left)
		}
		if _, err := client.GetAssetCount(t.Context()); err != nil {
			t.Error(err)
		}
		latest := 4*time.Second + time.Millisecond
		if runtime.GOOS == "windows" {
			latest += 16 * time.Millisecond // as a place is kept for a tick of the clock of Windows longer
		}
		if at := server.Calls()[1].Arrived.Sub(started); at <= 4*time.Second || at > latest {
			t.Errorf("got the next call at %s, want it between 4s and %s", at, latest)
		}
	})
}

// A call that is abandoned before its turn ends at once, and takes no place, which it would make no
// use of.
func TestBatchThatNoReadWaitsForTakesNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		server.Script(castest.Hang())
		client := inMemory(t, server, func(c *Config) { c.RequestsPerSecond = 2 })
		out, endFirst := context.WithCancel(t.Context())
		first := begin(out, client, 1)
		<-time.After(client.gate.interval) // so that nothing but its turn is waited for
		waiting, endSecond := context.WithCancel(t.Context())
		second := begin(waiting, client, 1)
		synctest.Wait()
		abandoned := client.share.open
		endSecond()
		synctest.Wait()
		if !abandoned.ended {
			t.Error("got a call that goes on though no read waits for it, want it ended")
		}
		creds, err := client.config.Credentials.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if place, again := client.gate.quotaOf(creds).Take(); place == nil {
			t.Errorf("got a wait until %s, want the second place", again)
		}
		endFirst()
		for _, got := range []result{<-first, <-second} {
			if !errors.Is(got.err, context.Canceled) {
				t.Errorf("got %v, want %v", got.err, context.Canceled)
			}
		}
	})
}

// A response that comes in the moment in which a reader's time is up is a response.
func TestResponseAtTheLastMomentCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{Latency: 50 * time.Millisecond})
		client := inMemory(t, server)
		answered := new(AssetCount)
		c := client.share.join(t.Context(), &reader{}, false)
		synctest.Wait()
		c.end(answered, nil)
		if count, err := c.remove(&reader{}, context.Canceled); count != answered || err != nil {
			t.Errorf("got %v, %v, want %v", count, err, answered)
		}
	})
}

// A call that hangs holds up no read: a later read has a call of its own within a second, whose
// response also serves the reads of the first.
func TestCallThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		began, leaves time.Duration
		limit         time.Duration // of the second read; 0 is an hour
	}{
		"begun at once":      {began: 0, leaves: time.Second},
		"with little time":   {began: 0, leaves: 300 * time.Millisecond, limit: 800 * time.Millisecond},
		"begun a bit later":  {began: 300 * time.Millisecond, leaves: time.Second},
		"begun a second on":  {began: time.Second, leaves: time.Second},
		"begun minutes late": {began: 100 * time.Second, leaves: 100 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{Latency: 50 * time.Millisecond})
				server.Script(castest.Hang())
				client := inMemory(t, server, func(c *Config) { c.RequestTimeout = 10 * time.Minute })
				started := time.Now()
				first := begin(t.Context(), client, 1)
				synctest.Wait()
				<-time.After(test.began)
				ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(test.limit, time.Hour))
				defer cancel()
				second := begin(ctx, client, 1)
				a, b := <-first, <-second
				for _, got := range []result{a, b} {
					if got.err != nil {
						t.Errorf("got %v, want a response", got.err)
					}
				}
				if a.count != b.count {
					t.Errorf("got %v and %v, want one response for both", a.count, b.count)
				}
				calls := server.Calls()
				if len(calls) != 2 {
					t.Fatalf("got %d calls, want 2", len(calls))
				}
				if at := calls[1].Arrived.Sub(started); at != test.leaves {
					t.Errorf("got the second call at %s, want it at %s", at, test.leaves)
				}
				synctest.Wait()
				idle(t, client)
			})
		})
	}
}

// How long a call is out before it counts as hanging follows how long responses usually take. One
// slow response changes that little, and a failure without a response not at all.
func TestHangAfterALongCall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		long   http.HandlerFunc
		answer bool
		hang   time.Duration // how long the call that hangs is out when the next one leaves
	}{
		"a response":      {long: castest.Delay(8*time.Second, castest.Respond(castest.Assets())), answer: true, hang: 2 * time.Second},
		"an error":        {long: castest.Delay(8*time.Second, castest.Denied("somebody")), hang: 2 * time.Second},
		"no response":     {long: castest.Hang(), hang: time.Second},
		"a quick failure": {long: castest.Abort(), hang: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{})
				server.Script(test.long, castest.Hang())
				client := inMemory(t, server, func(c *Config) { c.MaxRetries, c.RequestTimeout = 0, 10*time.Second })
				if got := <-begin(t.Context(), client, 1); (got.err == nil) != test.answer {
					t.Fatalf("got %v, want a response: %t", got.err, test.answer)
				}
				<-time.After(time.Minute)
				first := begin(t.Context(), client, 1)
				synctest.Wait()
				second := begin(t.Context(), client, 1)
				for _, got := range []result{<-first, <-second} {
					if got.err != nil {
						t.Errorf("got %v, want a response", got.err)
					}
					if got.took != test.hang {
						t.Errorf("got it after %s, want %s", got.took, test.hang)
					}
				}
			})
		})
	}
}

// Two calls are out, because the first one is slow: neither an older response nor a later failure
// is for the reads of the other.
func TestEachReadGetsWhatItsOwnCallEndsWith(t *testing.T) {
	t.Parallel()
	slow := func(d time.Duration) http.HandlerFunc { return castest.Delay(d, castest.Respond(castest.Assets())) }
	for name, test := range map[string]struct {
		steps []http.HandlerFunc
		took  []time.Duration
		fails bool // the second read
	}{
		"older response": {
			steps: []http.HandlerFunc{slow(1500 * time.Millisecond), slow(5 * time.Second)},
			took:  []time.Duration{1500 * time.Millisecond, 6 * time.Second},
		},
		"later failure": {
			steps: []http.HandlerFunc{slow(3 * time.Second), castest.Denied("somebody")},
			took:  []time.Duration{3 * time.Second, time.Second}, fails: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := castest.New(castest.Options{})
				server.Script(test.steps...)
				client := inMemory(t, server)
				first := begin(t.Context(), client, 1)
				synctest.Wait()
				second := begin(t.Context(), client, 1)
				a, b := <-first, <-second
				if a.err != nil || (b.err != nil) != test.fails {
					t.Errorf("got %v and %v, want a response to the first, and an error of the second: %t", a.err, b.err, test.fails)
				}
				if took := []time.Duration{a.took, b.took}; !slices.Equal(took, test.took) {
					t.Errorf("got them after %v, want %v", took, test.took)
				}
			})
		})
	}
}

// A failure reaches every read that shared the call, with the figures of that read.
func TestFailureIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{Latency: 50 * time.Millisecond})
		server.Script(castest.Fault(503, "ServiceUnavailable", "later"), castest.Denied("somebody"))
		client := inMemory(t, server)
		first := begin(t.Context(), client, 1)
		synctest.Wait()
		others := begin(t.Context(), client, 9)
		a, ok := errors.AsType[*Error]((<-first).err)
		if !ok || a.Kind != openapi.NoPermission {
			t.Fatalf("the first reader: got %+v, want kind %q", a, openapi.NoPermission)
		}
		if a.Attempts != 2 {
			t.Errorf("the first reader: got %d attempts, want 2", a.Attempts)
		}
		for range 9 {
			b, ok := errors.AsType[*Error]((<-others).err)
			if !ok || b.Kind != openapi.NoPermission {
				t.Fatalf("another reader: got %+v, want kind %q", b, openapi.NoPermission)
			}
			if b.Attempts != 1 {
				t.Errorf("another reader: got %d attempts, want 1", b.Attempts)
			}
			if b == a {
				t.Error("another reader: got the error of the first one, want one of its own")
			}
		}
		if calls := len(server.Calls()); calls != 2 {
			t.Errorf("got %d calls, want 2", calls)
		}
	})
}

// A long wait shows in the log after ten seconds, and then every thirty.
func TestLongWaitsAreLogged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		server := castest.New(castest.Options{})
		server.Script(castest.Delay(5*time.Millisecond, castest.Throttle("X-Acs-Retry-After", "50000")), castest.Hang())
		var log bytes.Buffer
		client := inMemory(t, server, func(c *Config) {
			c.Logger, c.CacheDir, c.RequestTimeout, c.MaxRetries = slog.New(slog.NewTextHandler(&log, nil)), dir, time.Minute, 0
		})
		started := time.Now()
		first := begin(t.Context(), client, 1)
		<-time.After(time.Millisecond)
		others := begin(t.Context(), client, 2)
		<-first
		for range 2 {
			<-others
		}
		const throttled = `msg="Still waiting for the next attempt (the last one ended with: throttled (Throttling.User))"`
		const response = `msg="Still waiting for a response from cas.test"`
		want := []struct {
			at   time.Duration
			text string
		}{
			{at: 0, text: `msg="Reading Certificate Management Service"`},
			{at: 5 * time.Millisecond, text: `msg="A call failed and may be tried again" error="throttled (Throttling.User)"`},
			{at: 10*time.Second + time.Millisecond, text: throttled + " waited=10s reads=3"},
			{at: 40*time.Second + time.Millisecond, text: throttled + " waited=40s reads=3"},
			{at: 70*time.Second + time.Millisecond, text: response + " waited=1m10s reads=3"},
			{at: 100*time.Second + time.Millisecond, text: response + " waited=1m40s reads=3"},
		}
		lines := strings.Split(log.String(), "\n")
		if len(lines) != len(want)+2 { // the last failure, at a random time, and what follows it
			t.Fatalf("got %d lines, want %d: %s", len(lines), len(want)+2, &log)
		}
		for i, w := range want {
			if at := started.Add(w.at).Format("15:04:05.000"); !strings.Contains(lines[i], at) || !strings.Contains(lines[i], w.text) {
				t.Errorf("line %d: got %s, want %s at %s", i, lines[i], w.text, at)
			}
		}
	})
}
