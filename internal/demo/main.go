// Command demo shows the provider at work: the real Terraform plans and applies examples/demo with it, against a fake of
// the service in this process. It needs no account, and leaves nothing behind.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

func main() {
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

// score and low are health scores that examples/demo accepts, and doesn't.
const (
	score = 92
	low   = 61
)

func run(ctx context.Context, out io.Writer) (err error) {
	say := func(format string, args ...any) { fmt.Fprintf(out, "\n==> "+format+"\n", args...) }

	say("A fake of Certificate Management Service starts. It checks every signature, as the real one does.")
	service := castest.Start(castest.Options{})
	defer service.Close()
	fmt.Fprintf(out, "    %s\n", service.URL())

	say("The provider is built, and Terraform looked for.")
	tf, err := prepare(ctx, service, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tf.remove()) }()

	say("Terraform plans examples/demo: it reads the counts, and looks at the postcondition and the check.")
	if err := tf.run(ctx, "plan"); err != nil {
		return err
	}
	say("Terraform applies it: the counts become outputs.")
	if err := tf.run(ctx, "apply", "-auto-approve"); err != nil {
		return err
	}
	if err := checkOutputs(ctx, tf); err != nil {
		return err
	}

	say("The health score drops from %d to %d. Terraform plans again, and the postcondition has to stop it.", score, low)
	worse := castest.Assets()
	worse["Point"], worse["LastPoint"] = low, score
	service.Answer(worse)
	if err := checkStopped(tf.run(ctx, "plan")); err != nil {
		return err
	}

	if refused := service.Refused() + service.Throttled(); refused > 0 {
		return fmt.Errorf("the service refused %d calls", refused)
	}
	say("The postcondition stopped the plan, so nothing that rests on the score would have been changed.\n"+
		"    Terraform ran three times, the service was called %d times, and every signature was right.", len(service.Calls()))
	return nil
}

// checkOutputs compares what was applied with what the service answered.
func checkOutputs(ctx context.Context, tf *terraform) error {
	text, err := capture(tf.command(ctx, "output", "-json"))
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

// checkStopped makes sure that the plan failed, and by the postcondition.
func checkStopped(err error) error {
	failed, ok := errors.AsType[*failure](err)
	switch message := fmt.Sprintf("The certificate health score is %d.", low); {
	case err == nil:
		return errors.New("the plan went through, and the postcondition should have stopped it")
	case !ok:
		return err
	case !strings.Contains(failed.output, "postcondition failed") || !strings.Contains(failed.output, message):
		return fmt.Errorf("something other than the postcondition stopped the plan: %w", err)
	}
	return nil
}
