//go:debug x509usefallbackroots=1
package egress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/peer"
)

// noRoots is a variable of processes that trust no certificate, because there are no roots or the
// system's can't be read.
const noRoots = "EGRESS_TEST_NO_ROOTS"

// trusted is the only system root of these tests, and stranger is none.
var trusted, stranger = peer.NewAuthority(), peer.NewAuthority()

func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			_ = os.Unsetenv(name)
		}
	}
	roots := x509.NewCertPool()
	if os.Getenv(noRoots) == "" {
		roots.AddCert(trusted.Root)
	}
	if os.Getenv(noRoots) != "system" {
		x509.SetFallbackRoots(roots)
	}
	os.Exit(m.Run())
}

// certified returns the settings of a peer at host with a certificate of an authority.
func certified(a *peer.Authority, host string) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS10, // to see it refused
		Certificates: []tls.Certificate{a.Issue(time.Hour, host)},
	}
}

// secured speaks TLS before it serves.
func secured(config *tls.Config, serve func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) { serve(tls.Server(conn, config)) }
}

// post sends a request to an address with a transport of its own.
func post(t *testing.T, address string, change ...func(*http.Transport)) (*Response, error) {
	t.Helper()
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	for _, f := range change {
		f(transport)
	}
	return Send(transport, request(t, address), time.Minute)
}

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// failed returns the [*Error] that err is.
func failed(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}
