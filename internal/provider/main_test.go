//go:debug x509usefallbackroots=1
package provider

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// shared responds for the addresses that can't be chosen: it is the proxy and the metadata service
// of the whole test binary.
var shared *castest.Issuer

// isolated is a transport that sends nothing beyond this machine.
var isolated *http.Transport

// TestMain serves the provider if Terraform started the test binary as one, and prints a file as
// [printing] says.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == printMode {
		content, err := os.ReadFile(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		_, _ = os.Stdout.Write(content)
		return
	}
	if len(os.Args) == 2 && os.Args[1] == libraryMode {
		castest.IsolateChild()
		serveLibrary()
		return
	}
	egress.Intercept()
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") != "" {
		p := New("test")
		p.Transport = castest.IsolateChild()
		if err := p.Serve(false); err != nil {
			log.Fatal(err)
		}
		return
	}
	// The test framework would look for one elsewhere, and end the process without a word about the
	// tests.
	cli, err := exec.LookPath(cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"))
	if err != nil {
		log.Fatalf("These tests need Terraform: put terraform on the PATH, or name one in TF_ACC_TERRAFORM_PATH (%v).", err)
	}
	// A source address without a host means the tool's own registry, and the test framework takes
	// Terraform's.
	registry := "registry.terraform.io"
	if said, err := exec.CommandContext(context.Background(), cli, "version").Output(); err != nil {
		log.Fatalf("%s version: %v", cli, err)
	} else if strings.Contains(string(said), "OpenTofu v") { // after warnings
		registry = "registry.opentofu.org"
	}
	setenv(map[string]string{
		"TF_ACC_TERRAFORM_PATH": cli, "TF_ACC_PROVIDER_HOST": registry,
		"TF_ACC_PROVIDER_NAMESPACE": "terraform-provider-cas",
		"CHECKPOINT_DISABLE":        "1",
		"GORACE":                    "atexit_sleep_ms=0", // else each provider takes a second more to end
	})
	os.Exit(run(m))
}

// run keeps the tests away from the user's credentials, network and quota.
// The certificate of the fakes has to be trusted before the first request to them.
func run(m *testing.M) int {
	home, err := os.MkdirTemp("", "provider")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	shared = castest.StartIssuer()
	defer shared.Close()
	isolated = castest.Isolate(shared, home)
	return m.Run()
}

const printMode = "print-file"

// printing returns the beginning of a command that prints the file which follows, on Windows too.
func printing() string { return filepath.ToSlash(os.Args[0]) + " " + printMode }

func setenv(variables map[string]string) {
	for name, value := range variables {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
}
