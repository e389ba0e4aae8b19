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
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
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

	egress.Intercept()
	if !*debug {
		go exitWhenUnread(os.Stdout) // now, because go-plugin replaces os.Stdout
	}
	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: provider.Address,
		Debug:   *debug,
	})
	finish()
	if err != nil {
		log.Fatal(err)
	}
}

// finish completes what others depend on: they learn which places are free, and a sign-in that is being renewed is saved.
// Terraform kills a provider two seconds after it has told it to end, so the quota gets half a second.
func finish() {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	quota.Flush(ctx)
	credential.Finish()
}
