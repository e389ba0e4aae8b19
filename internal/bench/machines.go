package main

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	roundTrip   = 50 * time.Millisecond
	readTimeout = 5 * time.Minute // the data source's default
)

// machines lets many of them, which can't know of each other, read at the same moment. Their waits are random, so each
// case is run several times, from different parts of a second, and the worst run counts.
func machines(t *testing.T) {
	const runs = 5
	figures := newTable("Many machines at once, one read each, in virtual time: the worst of 5 runs",
		"machines", "limit", "calls", "unanswered", "last answer", "ideal", "ratio")
	goals := newTargets()
	for _, n := range []int{10, 100, 300, 1000} {
		ideal := time.Duration(n/limit) * time.Second
		for _, policy := range []struct {
			name  string
			admit func() func(time.Time) bool
		}{
			{"of each calendar second", calendarSecond},
			{"of any second, refused calls count", refusedCount},
		} {
			var worst crowd
			for run := range runs {
				synctest.Test(t, func(t *testing.T) {
					<-time.After(time.Duration(run) * time.Second / runs)
					c := gather(t, n, &service{roundTrip: roundTrip, admit: policy.admit()})
					worst = crowd{max(worst.calls, c.calls), max(worst.unanswered, c.unanswered), max(worst.last, c.last)}
				})
			}
			figures.add(n, policy.name, worst.calls, worst.unanswered, worst.last, ideal, worst.last.Seconds()/ideal.Seconds())
			switch name := policy.name; {
			case n == 1000 && name == "of each calendar second":
				most(goals, "1,000 machines, limit "+name, worst.last, ideal*3/2)
			case n == 100 && name == "of any second, refused calls count":
				most(goals, "100 machines, limit "+name, worst.last, readTimeout)
			}
		}
	}
	figures.print()
	goals.print()
}

// crowd is how a number of machines fared.
type crowd struct {
	calls, unanswered int
	last              time.Duration
}

func gather(t *testing.T, machines int, s *service) (c crowd) {
	var mu sync.Mutex
	var group sync.WaitGroup
	started := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), readTimeout)
	defer cancel()
	for range machines {
		client := newClient(t, s)
		group.Go(func() {
			_, err := client.GetAssetCount(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				c.unanswered++
			}
			c.last = max(c.last, time.Since(started))
		})
	}
	group.Wait()
	c.calls = s.calls
	return c
}
