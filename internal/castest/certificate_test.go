//go:debug x509usefallbackroots=1
package castest_test

import (
	"net/http"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// A client that is told no roots trusts the fakes.
func TestTrust(t *testing.T) {
	t.Parallel()
	castest.Trust(castest.CertPEM())
	server := castest.Start(castest.Options{TLS: true})
	t.Cleanup(server.Close)
	if a := send(t, wire(t), newCall().to(t, server.URL())); a.status != http.StatusOK {
		t.Errorf("got status %d, want %d: %s", a.status, http.StatusOK, a.body)
	}
}
