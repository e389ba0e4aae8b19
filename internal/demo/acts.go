package main

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// configs are the configurations of the acts.
//
//go:embed config
var configs embed.FS

// act is a configuration, the commands that Terraform runs with it, and the expected outcome.
type act struct {
	title, config string
	excerpt       string // a regular expression for the lines of the configuration that are shown
	steps         []step

	plan  string // part of the saved plan, as terraform show -json writes it
	calls int    // the number of calls that the last step makes
	done  string // the outcome, as it is shown
}

// step is a command of Terraform, and the value of one element that the service responds with.
type step struct {
	element  string
	value    int
	command  string
	straight bool // whether Terraform's standard output is shown; errors are always shown
	status   int  // the exit status
}

func acts(gate string) []act {
	return []act{{
		title: "1. Score 92, gate at 80: the plan passes.", config: "score", excerpt: `(?ms)^  lifecycle \{$.*?^  \}\n`,
		steps: []step{{element: "Point", value: 92, command: "plan -out=tfplan"}},
		plan:  `"score":{"sensitive":false,"type":"number","value":92}`, calls: 1, done: "passed, exit status 0, score = 92",
	}, {
		title: "2. The score falls to 61: the plan must stop.", config: "score",
		steps: []step{{element: "Point", value: 61, command: "plan -out=tfplan", status: 1}},
		plan:  `{"message":"The certificate health score is 61; at least 80 is needed."}`, calls: 1,
		done: "stopped, exit status 1, nothing changed",
	}, {
		title: "3. Approved at 92, applied at 61: the saved plan must not go through.", config: gate,
		steps: []step{
			{element: "Point", value: 92, command: "plan -out=tfplan"},
			{element: "Point", value: 61, command: "apply tfplan", status: 1},
		},
		calls: 1, done: "stopped before terraform_data.release",
	}, {
		title: "4. Free certificates run out: a warning, exit status 0.", config: "certificates",
		steps: []step{
			{element: "FreeCertificateCount", value: 19, command: "plan -out=tfplan"},
			{element: "FreeCertificateCount", value: 19, command: "apply tfplan", straight: true},
		},
		plan: `{"message":"19 of 20 free certificates are used."}`, done: "warned, exit status 0",
	}}
}

// play shows an act. None of them changes anything.
func (a act) play(ctx context.Context, tf *terraform, service *castest.Server) error {
	fmt.Println(style("1;36", a.title))
	config, err := configs.ReadFile("config/" + a.config + "/main.tf")
	if err != nil {
		return err
	}
	fmt.Print(string(regexp.MustCompile(a.excerpt).Find(config)))
	calls := 0
	for _, s := range a.steps {
		assets := castest.Assets()
		assets[s.element] = s.value
		service.Respond(assets)
		before := len(service.Calls())
		if err := tf.show(ctx, a.config, s); err != nil {
			return err
		}
		calls = len(service.Calls()) - before
	}
	plan, err := output(tf.command(ctx, a.config, "show", "-json", "tfplan"))
	if err != nil {
		return err
	}
	state, err := output(tf.command(ctx, a.config, "show", "-json"))
	switch {
	case err != nil:
		return err
	case !strings.Contains(plan, a.plan):
		return fmt.Errorf("the plan is %s\nwant %s in it", plan, a.plan)
	case strings.Contains(state, `"mode":"managed","type":`):
		return fmt.Errorf("the state is %s\nwant no resource in it", state)
	case calls != a.calls:
		return fmt.Errorf("terraform made %d calls, want %d", calls, a.calls)
	}
	fmt.Println(style("32", "✔ "+a.done) + "\n")
	return nil
}

// share is the fifth act: it runs several plans at once, and shows only the service's counts.
func share(ctx context.Context, tf *terraform, service *castest.Server) error {
	before := len(service.Calls())
	plans, ctx := errgroup.WithContext(ctx)
	for range 4 {
		plans.Go(func() error { return run(tf.command(ctx, "reads", "plan", "-lock=false"), 0) })
	}
	if err := plans.Wait(); err != nil {
		return err
	}
	calls, maximum, throttled := len(service.Calls())-before, service.MaxInAnySecond(), service.Throttled()
	text := fmt.Sprintf("5. Four plans at once, 20 reads each: %d calls, at most %d in any second, %d throttled.",
		calls, maximum, throttled)
	if calls >= 80 || maximum > 10 || throttled > 0 {
		return fmt.Errorf("%s\nwant fewer than 80, at most 10, and 0", text)
	}
	fmt.Println(style("1;36", text) + "\n")
	return nil
}
