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

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
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
		go exitWhenUnread(os.Stdout) // now, because go-plugin replaces os.Stdout
	}
	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: provider.Address,
		Debug:   *debug,
	})
	// Terraform kills a provider that hasn't ended two seconds after it was told to.
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	quota.Flush(ctx)
	cancel()
	credential.Finish()
	if err != nil {
		log.Fatal(err)
	}
}
