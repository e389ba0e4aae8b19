//go:debug x509usefallbackroots=1

// Package examples runs everything under examples/ with a real Terraform, and holds the
// documentation to the code.
package examples

import (
	"log"
	"os"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

// root is the top of the repository.
const root = "../.."

// TestMain serves the provider where Terraform started the test binary as one.
func TestMain(m *testing.M) {
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") == "" {
		os.Exit(m.Run())
	}
	egress.Intercept() // as main does
	p := provider.New(version)
	p.Transport = castest.IsolateChild()
	if err := p.Serve(false); err != nil {
		log.Fatal(err)
	}
}
