package main

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// growth shows what more reads cost in one process: all at once, and ten at a time as Terraform reads.
func growth(t *testing.T) {
	figures := newTable("Reads in one process, against the strict fake, in virtual time",
		"reads", "round trip", "at a time", "calls", "throttled", "most in a second", "time", "time one by one")
	goals := newTargets()
	for _, latency := range []time.Duration{time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond} {
		for _, reads := range []int{1, 10, 100, 1000, 10_000} {
			for _, atATime := range slices.Compact([]int{reads, min(reads, 10)}) {
				synctest.Test(t, func(t *testing.T) {
					fake := castest.New(castest.Options{CallsPerSecond: limit, Latency: latency})
					started := time.Now()
					read(t, newClient(t, fake.Transport()), reads, atATime)
					took, calls := time.Since(started), len(fake.Calls())
					oneByOne := max(latency, time.Second/limit) * time.Duration(reads)
					figures.add(reads, latency, atATime, calls, fake.Throttled(), fake.MostInAnySecond(), took, oneByOne)
					if atATime == 10_000 && latency == 50*time.Millisecond {
						most(goals, "10,000 reads at once, 50 ms: calls", calls, 5)
					}
				})
			}
		}
	}
	figures.print()
	goals.print()
}

func read(t *testing.T, client *cas.Client, reads, atATime int) {
	var group sync.WaitGroup
	for reader := range atATime {
		group.Go(func() {
			for i := reader; i < reads; i += atATime {
				if _, err := client.GetAssetCount(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
