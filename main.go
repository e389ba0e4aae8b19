// Command terraform-provider-cas is the Terraform provider of Alibaba Cloud's Certificate
// Management Service.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

// Set by the linker.
var (
	version = "dev"
	commit  = "unknown"
)

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger such as delve, not for Terraform as the parent process")
	showVersion := flag.Bool("version", false, "print version and commit, and exit")
	flag.Parse()
	if *showVersion {
		fmt.Printf("terraform-provider-cas %s (%s)\n", version, commit)
		return
	}

	egress.Intercept()
	p := provider.New(version)
	err := serve(p, *debug)
	p.Close()
	if err != nil {
		log.Fatal(err)
	}
}

// serve serves p until this process has to end: Terraform no longer needs p, nothing can read the
// output any more, or a signal arrives.
func serve(p *provider.Provider, debug bool) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	// Once Terraform has been killed, nothing reads the log, and writing to it would end this
	// process before p is closed. Commands that p starts would inherit an ignored signal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	ended := make(chan error, 2)
	go func() {
		if !debug && unread() {
			ended <- errors.New("nothing reads the output")
		}
	}()
	go func() { ended <- p.Serve(debug) }()
	select {
	case err := <-ended:
		return err
	case s := <-signals:
		return fmt.Errorf("ended by a signal: %s", s)
	}
}
