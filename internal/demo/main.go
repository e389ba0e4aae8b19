// Command demo shows the provider at work: the real Terraform plans and applies with it, against a
// fake of the service in this process. It needs no account, and leaves nothing behind. It fails if
// the outcome isn't the one that it shows.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

func main() {
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") != "" { // set by Terraform, which has a copy of this program as the provider
		if err := provider.New(version).Serve(false); err != nil {
			log.Fatal(err)
		}
		return
	}
	// The demo also cleans up if its terminal is closed, or if nothing reads its output any more.
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	err := show(ctx)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "demo: interrupted; everything is cleaned up")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func show(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "cas-demo-") // short, since sockets will be in it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	service := castest.Start(castest.Options{})
	defer service.Close()
	tf, err := prepare(ctx, dir, service)
	if err != nil {
		return err
	}
	for _, act := range acts(tf.gate) {
		if err := act.play(ctx, tf, service); err != nil {
			return err
		}
	}
	if err := share(ctx, tf, service); err != nil {
		return err
	}
	if refused := service.Refused(); refused > 0 {
		return fmt.Errorf("the service refused %d calls", refused)
	}
	fmt.Println("Next: make fake serves your own configuration, and README.md shows how to use your account.")
	return nil
}

// colors reports whether standard output gets colors, Terraform's included: a terminal does.
func colors() bool {
	info, err := os.Stdout.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return terminal && os.Getenv("NO_COLOR") == "" || os.Getenv("CLICOLOR_FORCE") != ""
}

// style returns text with a style of ANSI terminals, if there are colors.
func style(code, text string) string {
	if !colors() {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
