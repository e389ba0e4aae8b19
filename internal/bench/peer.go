package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// peer compares a plan with one read with a plan with one data "http", of a service as near.
func peer(t *testing.T) {
	const rounds = 41
	fake := castest.Start(castest.Options{CallsPerSecond: limit})
	defer fake.Close()
	web := httptest.NewServer(http.HandlerFunc(fake.ServeAnswer))
	defer web.Close()
	tf := newTerraform(t, fake.URL(), map[string]string{
		address:          build(t, ".", "terraform-provider-cas"),
		"hashicorp/http": build(t, "github.com/terraform-providers/terraform-provider-http@v1.2.0", "terraform-provider-http"),
	})
	names := []string{`data "cas_asset_count"`, `data "http" (v1.2.0)`, "no data"}
	dirs := map[string]string{
		names[0]: configuration(t, 1, 1),
		names[1]: folder(t, map[string]string{"main.tf": fmt.Sprintf("data \"http\" \"d0\" {\n  url = %q\n}\n", web.URL)}),
		names[2]: folder(t, map[string]string{"main.tf": ""}),
	}

	type usage struct{ wall, cpu time.Duration }
	usages := map[string][]usage{}
	for range rounds {
		for _, name := range names {
			wall, cpu, err := tf.plan(t.Context(), dirs[name])
			if err != nil {
				t.Fatal(err)
			}
			usages[name] = append(usages[name], usage{wall, cpu})
		}
	}
	figures := newTable(fmt.Sprintf("A plan with one read: medians of %d plans in turn", rounds), "plan", "wall", "CPU")
	medians := map[string]usage{}
	for _, name := range names {
		m := usage{
			median(usages[name], func(u usage) time.Duration { return u.wall }),
			median(usages[name], func(u usage) time.Duration { return u.cpu }),
		}
		medians[name] = m
		figures.add(name, m.wall, m.cpu)
	}
	figures.print()
	goals := newTargets()
	ours, theirs := medians[names[0]], medians[names[1]]
	most(goals, `wall time, of a plan with data "http"`, ours.wall.Seconds()/theirs.wall.Seconds(), 1.02)
	most(goals, `CPU time, of a plan with data "http"`, ours.cpu.Seconds()/theirs.cpu.Seconds(), 1.02)
	goals.print()
}
