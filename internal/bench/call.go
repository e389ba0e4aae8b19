package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// call runs the benchmarks that belong to the packages, since what they measure isn't exported, and compares them.
func call(t *testing.T) {
	costs := map[string]cost{}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-run", "^$", "-bench", "^Benchmark(Call|Sign|SHA256AndHMAC)$", "-count", "5",
		"./internal/cas", "./internal/acs3")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, output)
	}
	for line := range bytes.Lines(output) {
		name, c, ok := parse(string(line))
		if best, again := costs[name]; ok && (!again || c.time < best.time) {
			costs[name] = c
		}
	}
	figures := newTable("One call: the best of 5 benchmarks", "what", "time", "bytes", "allocations")
	for _, name := range []string{"Call/signed", "Call/bare", "Sign", "SHA256AndHMAC"} {
		c := costs[name]
		figures.add(name, c.time, c.bytes, c.allocations)
	}
	figures.print()
	goals := newTargets()
	signed, bare, sign, hashes := costs["Call/signed"], costs["Call/bare"], costs["Sign"], costs["SHA256AndHMAC"]
	most(goals, "signed call: time, of bare net/http's", signed.time.Seconds()/bare.time.Seconds(), 1.15)
	most(goals, "signed call: allocations, of bare net/http's", float64(signed.allocations)/float64(bare.allocations), 1.5)
	most(goals, "signer: time, of one SHA-256 and one HMAC", sign.time.Seconds()/hashes.time.Seconds(), 2.5)
	goals.print()
}

type cost struct {
	time               time.Duration
	bytes, allocations int
}

// parse reads a line such as "BenchmarkSign-2   850064   1327 ns/op   1392 B/op   7 allocs/op".
func parse(line string) (name string, c cost, ok bool) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(line, "Benchmark"), " ")
	if !ok || !strings.HasPrefix(line, "Benchmark") {
		return "", c, false
	}
	name, _, _ = strings.Cut(strings.TrimSpace(name), "-")
	var runs int
	var ns float64
	_, err := fmt.Sscanf(rest, "%d %f ns/op %d B/op %d allocs/op", &runs, &ns, &c.bytes, &c.allocations)
	c.time = time.Duration(ns)
	return name, c, err == nil
}
