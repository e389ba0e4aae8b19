// Command demo shows the provider at work: the real Terraform plans and applies examples with it, against a fake of the
// service in this process. It needs no account, and leaves nothing behind.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

func main() {
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") != "" { // set by Terraform, which has a copy of this program as the provider
		options := providerserver.ServeOpts{Address: provider.Address}
		if err := providerserver.Serve(context.Background(), provider.New(version), options); err != nil {
			log.Fatal(err)
		}
		return
	}
	// A terminal that is closed, or a reader of the output that leaves, is no reason to leave anything behind.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	err := run(ctx, os.Stdout)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "demo: interrupted; everything is cleaned up")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// score and low are health scores that the examples accept, and don't.
const (
	score = 92
	low   = 61
)

func run(ctx context.Context, out io.Writer) (err error) {
	say := func(format string, args ...any) { fmt.Fprintf(out, "\n==> "+format+"\n", args...) }

	say("A fake of Certificate Management Service starts. Like the real one, it checks every signature.")
	service := castest.Start(castest.Options{})
	defer service.Close()
	fmt.Fprintf(out, "    %s\n", service.URL())

	say("Terraform is looked for, and the provider is installed for it.")
	tf, err := prepare(ctx, service, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tf.remove()) }()

	say("1. Terraform plans examples/demo: it reads the counts, and looks at the postcondition and the check.")
	if err := tf.run(ctx, "demo", "plan"); err != nil {
		return err
	}
	say("Terraform applies it: the counts become outputs.")
	if err := tf.run(ctx, "demo", "apply", "-auto-approve"); err != nil {
		return err
	}
	if err := checkOutputs(ctx, tf); err != nil {
		return err
	}

	say("2. The health score drops from %d to %d. Terraform plans again, and the postcondition has to stop it.", score, low)
	answer(service, low)
	if err := checkStopped(tf.run(ctx, "demo", "plan"), fmt.Sprintf("The certificate health score is %d.", low)); err != nil {
		return err
	}

	if tf.minor < firstEphemeral {
		say("3. This is left out: a gate that holds when a saved plan is applied needs Terraform 1.%d.", firstEphemeral)
	} else {
		say("3. The health score is %d again. Terraform plans examples/gate-at-apply, and saves the plan for an approval.", score)
		answer(service, score)
		if err := tf.copyExample(ctx, "gate-at-apply"); err != nil {
			return err
		}
		if err := tf.run(ctx, "gate-at-apply", "plan", "-out=tfplan"); err != nil {
			return err
		}
		say("Before the plan is approved, the score drops to %d. Terraform applies the plan, and the gate has to stop it.", low)
		answer(service, low)
		if err := checkStopped(tf.run(ctx, "gate-at-apply", "apply", "tfplan"), "The certificate health score is below 80."); err != nil {
			return err
		}
	}

	if refused := service.Refused() + service.Throttled(); refused > 0 {
		return fmt.Errorf("the service refused %d calls", refused)
	}
	say("Nothing that depends on the score was changed while it was too low.\n"+
		"    Terraform ran %d times, the service was called %d times, and every signature was right.", tf.runs, len(service.Calls()))
	return nil
}

// answer makes the service answer with a health score from now on.
func answer(service *castest.Server, point int) {
	assets := castest.Assets()
	assets["Point"], assets["LastPoint"] = point, score
	service.Answer(assets)
}

// checkOutputs compares what was applied with what the service answered.
func checkOutputs(ctx context.Context, tf *terraform) error {
	text, err := capture(tf.command(ctx, "demo", "output", "-json"))
	if err != nil {
		return err
	}
	var outputs map[string]struct{ Value any }
	if err := json.Unmarshal([]byte(text), &outputs); err != nil {
		return fmt.Errorf("read outputs: %w", err)
	}
	for name, want := range map[string]any{
		"score": float64(score), "updated_at": "2026-01-06T06:33:30Z", "certificates": 10.0, "cloud_assets": 48.0,
	} {
		if got := outputs[name].Value; got != want {
			return fmt.Errorf("output %s is %v, and %v was expected", name, got, want)
		}
	}
	return nil
}

// checkStopped makes sure that a command failed by the condition with that message, and before it changed anything.
func checkStopped(err error, message string) error {
	failed, ok := errors.AsType[*failure](err)
	switch {
	case err == nil:
		return fmt.Errorf("nothing stopped Terraform, and a condition should have: %s", message)
	case !ok:
		return err
	case !strings.Contains(failed.output, "condition failed") || !strings.Contains(failed.output, message):
		return fmt.Errorf("something other than the condition stopped Terraform: %w", err)
	case strings.Contains(failed.output, "Creating..."):
		return fmt.Errorf("something was created before the condition stopped Terraform: %w", err)
	}
	return nil
}
