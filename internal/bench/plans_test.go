package bench

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// plans runs the real Terraform against the strict fake: with this provider, with this provider
// where processes can't share a file, and with one that has a rate limiter in each process and
// shares nothing.
func plans(t *testing.T) {
	ours, plain := build(t, "."), build(t, "./internal/bench/plain")
	figures := newTable(
		"Plans by Terraform, with this provider, with this provider without its files, and with rate.NewLimiter(10, 1)",
		"plans at once × provider blocks × data blocks", "calls", "throttled", "wall",
		"no files: calls", "throttled", "wall", "limiter: calls", "throttled", "wall")
	var last, lastPlain outcome
	for _, w := range []workload{{1, 1, 1}, {1, 1, 10}, {1, 1, 1000}, {1, 5, 20}, {4, 5, 20}} {
		us := w.run(t, ours, t.TempDir())
		alone := w.run(t, ours, os.DevNull) // where nothing can be created
		them := w.run(t, plain, t.TempDir())
		figures.add(fmt.Sprintf("%d × %d × %d", w.plans, w.providers, w.blocks),
			us.calls, us.throttled, us.wall, alone.calls, alone.throttled, alone.wall, them.calls, them.throttled, them.wall)
		last, lastPlain = us, them
	}
	_ = figures.Flush()
	draw(t, "400 reads by 20 provider processes of four plans at once", []series{
		{"rate.NewLimiter(10, 1) in each process", lastPlain.arrivals},
		{"this provider", last.arrivals},
	})
}

// workload is a number of plans at once, of provider blocks in each plan, and of data blocks for
// each provider block.
type workload struct{ plans, providers, blocks int }

// outcome is what the fake saw, and how long it took.
type outcome struct {
	calls, throttled int
	arrivals         []time.Duration // since the first
	wall             time.Duration
}

// run plans the workload with executable as the provider, for a user whose home directory is home.
func (w workload) run(t *testing.T, executable, home string) outcome {
	t.Helper()
	fake := castest.Start(castest.Options{CallsPerSecond: limit})
	defer fake.Close()
	dir := configuration(t, w.providers, w.blocks)
	started := time.Now()
	var group sync.WaitGroup
	for range w.plans {
		group.Go(func() { plan(t, dir, executable, environment(fake, home)) })
	}
	group.Wait()
	return outcome{len(fake.Calls()), fake.Throttled(), arrivals(fake.Calls()), time.Since(started)}
}

// arrivals returns when calls arrived, since the first of them.
func arrivals(calls []castest.Call) []time.Duration {
	since := make([]time.Duration, len(calls))
	for i, call := range calls {
		since[i] = call.Arrived.Sub(calls[0].Arrived)
	}
	slices.Sort(since)
	return since
}

// series is when the calls of one client arrived.
type series struct {
	name     string
	arrivals []time.Duration
}

// draw writes the picture with the plotting tool, whose module keeps its dependencies out of this
// one.
func draw(t *testing.T, title string, all []series) {
	t.Helper()
	var rows, stderr bytes.Buffer
	w := csv.NewWriter(&rows)
	for _, s := range all {
		for _, arrival := range s.arrivals {
			_ = w.Write([]string{s.name, strconv.FormatFloat(arrival.Seconds(), 'f', 4, 64)})
		}
	}
	w.Flush()
	cmd := exec.CommandContext(t.Context(), "go", "run", "-C", "internal/tools", "./plot", title)
	cmd.Stdin, cmd.Stderr = &rows, &stderr
	svg, err := cmd.Output()
	if err == nil {
		err = os.WriteFile("assets/arrivals.svg", svg, 0o644)
	}
	if err != nil {
		t.Errorf("draw: %v\n%s", err, stderr.Bytes())
	}
}
