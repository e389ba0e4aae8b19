// Command terraform-provider-cas is the Terraform provider of Alibaba Cloud's Certificate Management Service.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

// Set by the linker.
var (
	version = "dev"
	commit  = "unknown"
)

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger such as delve, instead of for the Terraform that started this process")
	showVersion := flag.Bool("version", false, "print version and commit, and exit")
	flag.Parse()
	if *showVersion {
		fmt.Printf("terraform-provider-cas %s (%s)\n", version, commit)
		return
	}

	if !*debug {
		go exitWithParent(os.Getppid())
	}
	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: provider.Address,
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}

// exitWithParent ends this process when Terraform is gone without having stopped it, as after kill -9: go-plugin would
// wait for its next request for ever. Windows keeps the parent's ID whatever becomes of it, so nothing happens there.
func exitWithParent(parent int) {
	for range time.Tick(time.Second) {
		if os.Getppid() != parent {
			os.Exit(1)
		}
	}
}
