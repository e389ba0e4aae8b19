package main

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

const (
	address     = "terraform-provider-cas/cas"
	parallelism = 10 // of Terraform's graph walk, by default
)

// plans runs the real Terraform against the strict fake: with this provider, and with one that has a rate limiter in each
// process and shares nothing.
func plans(t *testing.T) {
	ours := build(t, ".", "terraform-provider-cas")
	plain := build(t, "./internal/bench/plain", "terraform-provider-cas")
	figures := newTable("Plans by the real Terraform, against the strict fake (alone: the same plans without any call)",
		"plans", "providers", "blocks", "client", "calls", "throttled", "refused", "most in a second", "wall", "alone", "ideal")
	measured := map[workload]outcome{}
	var arrivals []series
	for _, w := range []workload{{1, 1, 1}, {1, 1, 10}, {1, 1, 200}, {1, 1, 1000}, {1, 5, 100}, {4, 5, 100}} {
		alone := w.measure(t, plain, false).wall
		us, them := w.measure(t, ours, true), w.measure(t, plain, true)
		us.alone = alone
		measured[w] = us
		reads := w.plans * w.blocks
		figures.add(w.plans, w.plans*w.providers, reads, "this provider", us.calls, us.throttled, us.refused, us.most, us.wall, alone,
			alone+ideal((reads+parallelism-1)/parallelism))
		figures.add("", "", "", "rate.NewLimiter(10, 1)", them.calls, them.throttled, them.refused, them.most, them.wall, alone,
			alone+ideal(reads))
		arrivals = []series{{"rate.NewLimiter(10, 1) in each process", them.arrivals}, {"this provider", us.arrivals}}
	}
	w := saturating
	us := w.measure(t, ours, true)
	measured[w] = us
	figures.add(w.plans, w.plans*w.providers, w.plans*w.blocks, "this provider", us.calls, us.throttled, us.refused, us.most, us.wall, "", "")
	figures.print()
	judge(measured)
	if err := draw(t.Context(), "400 reads by 20 provider processes of four plans at once", arrivals); err != nil {
		t.Error(err)
	}
}

// saturating keeps every process waiting for a call until the first of them has nothing left to read.
var saturating = workload{4, 5, 300}

// ideal is how long the limit keeps a number of calls waiting.
func ideal(calls int) time.Duration {
	return time.Duration((calls-1)/limit) * time.Second
}

func judge(measured map[workload]outcome) {
	goals := newTargets()
	var throttled, refused, busiest int
	for _, o := range measured {
		throttled, refused, busiest = throttled+o.throttled, refused+o.refused, max(busiest, o.most)
	}
	one, ten, thousand := measured[workload{1, 1, 1}], measured[workload{1, 1, 10}], measured[workload{1, 1, 1000}]
	most(goals, "throttled, in all plans", throttled, 0)
	most(goals, "signatures refused, in all plans", refused, 0)
	most(goals, "calls in any second", busiest, limit)
	most(goals, "1 block: calls", one.calls, 1)
	most(goals, "10 blocks: calls", ten.calls, 3)
	most(goals, "10 blocks: time above a plan with one", ten.wall-one.wall, 200*time.Millisecond)
	most(goals, "200 blocks: calls", measured[workload{1, 1, 200}].calls, 24)
	most(goals, "1,000 blocks: calls", thousand.calls, 105)
	most(goals, "1,000 blocks: time above the plan alone", thousand.wall-thousand.alone, 10500*time.Millisecond)
	busy := measured[saturating].arrivals
	busy = busy[:len(busy)*3/4]
	least(goals, "20 busy processes: calls a second", float64(len(busy)-limit)/busy[len(busy)-1].Seconds(), 0.9*limit)
	goals.print()
}

// workload is a number of plans at once, each with so many provider blocks and data blocks.
type workload struct{ plans, providers, blocks int }

// outcome is what the fake saw, and how long it took.
type outcome struct {
	calls, throttled, refused, most int
	arrivals                        []time.Duration // since the first
	wall, alone                     time.Duration
}

// measure does the work with executable as the provider, several times where it is short: then the median time counts,
// and the worst of the rest. Without calls the fake's address is kept from the provider.
func (w workload) measure(t *testing.T, executable string, calls bool) outcome {
	t.Helper()
	times := 1
	if w.blocks <= parallelism {
		times = 7
	}
	var worst outcome
	walls := make([]time.Duration, times)
	for i := range walls {
		o := w.run(t, executable, calls)
		walls[i] = o.wall
		worst.calls, worst.throttled = max(worst.calls, o.calls), max(worst.throttled, o.throttled)
		worst.refused, worst.most = max(worst.refused, o.refused), max(worst.most, o.most)
		worst.arrivals = o.arrivals
	}
	worst.wall = median(walls, func(wall time.Duration) time.Duration { return wall })
	return worst
}

func (w workload) run(t *testing.T, executable string, call bool) (o outcome) {
	t.Helper()
	fake := castest.Start(castest.Options{CallsPerSecond: limit})
	defer fake.Close()
	endpoint := ""
	if call {
		endpoint = fake.URL()
	}
	tf := newTerraform(t, endpoint, map[string]string{address: executable})
	dir := configuration(t, w.blocks, w.providers)
	var group sync.WaitGroup
	started := time.Now()
	for range w.plans {
		group.Go(func() {
			if _, _, err := tf.plan(t.Context(), dir); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	o.wall = time.Since(started)
	if t.Failed() {
		t.FailNow()
	}
	calls := fake.Calls()
	for _, call := range calls {
		o.arrivals = append(o.arrivals, call.Arrived.Sub(calls[0].Arrived))
	}
	slices.Sort(o.arrivals)
	o.calls, o.throttled, o.refused, o.most = len(calls), fake.Throttled(), fake.Refused(), fake.MostInAnySecond()
	return o
}
