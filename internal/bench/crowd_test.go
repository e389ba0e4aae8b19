package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

const responseTime = 30 * time.Millisecond

// crowd starts many processes of one user that read once each, all at one instant.
func crowd(t *testing.T) {
	executable := build(t, ".")
	figures := newTable("Processes of one user, one read each, at one instant",
		"processes", "calls", "throttled", "maximum in a second", "failed", "last response", "ideal", "ratio")
	for _, n := range []int{50, 100, 150, 200} {
		fake := castest.Start(castest.Options{CallsPerSecond: limit, Latency: responseTime})
		processes := launchAll(t, n, executable, environment(fake, t.TempDir()), "{}")
		started := time.Now()
		failed := readAll(t.Context(), processes)
		took := time.Since(started)
		figures.add(n, len(fake.Calls()), fake.Throttled(), fake.MaxInAnySecond(), failed,
			took, ideal(n), took.Seconds()/ideal(n).Seconds())
		killAll(processes)
		fake.Close()
	}
	_ = figures.Flush()
}

// limits lets processes that have different limits read without a pause.
func limits(t *testing.T) {
	const period = 15 * time.Second
	executable := build(t, ".")
	fake := castest.Start(castest.Options{CallsPerSecond: limit, Latency: responseTime})
	defer fake.Close()
	home := t.TempDir()
	blocks := map[string]string{
		"ordinary-1": `{}`,
		"ordinary-2": `{}`,
		"three":      `{"requests_per_second": 3}`,
	}
	processes := map[string]*process{}
	for name, block := range blocks {
		variables := append(environment(fake, home), "TF_APPEND_USER_AGENT="+name)
		processes[name] = launchAll(t, 1, executable, variables, block)[0]
	}
	var group sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), period)
	defer cancel()
	for _, p := range processes {
		group.Go(func() {
			for p.read(ctx) == nil {
			}
		})
	}
	group.Wait()
	figures := newTable("Three processes that read without a pause for 15 s, one of them with requests_per_second = 3",
		"process", "calls", "calls a second")
	add := func(label string, calls []castest.Call) {
		figures.add(label, len(calls), float64(len(calls))/period.Seconds())
	}
	for _, name := range []string{"ordinary-1", "ordinary-2", "three"} {
		add(name, slices.DeleteFunc(fake.Calls(), func(c castest.Call) bool {
			return !strings.Contains(c.Header.Get("User-Agent"), name)
		}))
	}
	add(fmt.Sprintf("all, at most %d in any second", fake.MaxInAnySecond()), fake.Calls())
	_ = figures.Flush()
}

// restart kills processes whose calls hang, and reads again.
func restart(t *testing.T) {
	executable := build(t, ".")
	fake := castest.Start(castest.Options{CallsPerSecond: limit})
	defer fake.Close()
	for range limit {
		fake.Script(castest.Hang())
	}
	variables := environment(fake, t.TempDir())
	hanging := launchAll(t, limit, executable, variables, `{"request_timeout": "10m"}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go readAll(ctx, hanging)
	for len(fake.Calls()) < limit {
		<-time.After(10 * time.Millisecond)
	}
	killAll(hanging)
	killed := time.Now()
	next := launchAll(t, 1, executable, variables, "{}")[0]
	if err := next.read(t.Context()); err != nil {
		t.Error(err)
	}
	figures := newTable(`Ten calls that hang, with request_timeout = "10m", and kill -9 of their processes`,
		"hanging calls", "next response after")
	figures.add(limit, time.Since(killed))
	_ = figures.Flush()
}

// launchAll starts n processes.
func launchAll(t *testing.T, n int, executable string, environment []string, block string) []*process {
	t.Helper()
	processes := make([]*process, n)
	var group errgroup.Group
	for i := range processes {
		group.Go(func() (err error) {
			processes[i], err = launch(t, executable, environment, block)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return processes
}

// readAll lets every process read once, at one instant, and returns how many failed.
func readAll(ctx context.Context, processes []*process) int {
	return failures(len(processes), func(number int) error { return processes[number].read(ctx) })
}

func killAll(processes []*process) {
	for _, p := range processes {
		p.kill()
	}
}
