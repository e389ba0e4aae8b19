// Package examples runs everything under examples/ with a real Terraform, and holds the documentation to the code.
package examples

import (
	"context"
	"crypto/x509"
	"log"
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

// root is the top of the repository.
const root = "../.."

// TestMain serves the provider where Terraform started the test binary as one.
func TestMain(m *testing.M) {
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") == "" {
		os.Exit(m.Run())
	}
	trust(os.Getenv("SSL_CERT_FILE"))
	options := providerserver.ServeOpts{Address: provider.Address}
	if err := providerserver.Serve(context.Background(), provider.New(version), options); err != nil {
		log.Fatal(err)
	}
}

// trust does what the variable does by itself on Linux, and doesn't where the system keeps its roots elsewhere. It needs
// GODEBUG=x509usefallbackroots=1.
func trust(file string) {
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(file)
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		log.Fatalf("no certificate in SSL_CERT_FILE: %v", err)
	}
	x509.SetFallbackRoots(roots)
}
