//go:debug x509usefallbackroots=1
package egress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/pki"
)

// noRoots is a variable of processes that trust nobody: because there are no roots, or because the system's can't be read.
const noRoots = "EGRESS_TEST_NO_ROOTS"

// trusted is the only system root of these tests, and stranger is none.
var trusted, stranger = pki.New(), pki.New()

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
func certified(a *pki.Authority, host string) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS10, // to see it refused
		Certificates: []tls.Certificate{a.Issue(time.Hour, host)},
	}
}

// listen starts a peer that does with each connection what serve says, and returns its address.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// closed returns an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return listener.Addr().String()
}

// says reads a request and responds with these bytes, then closes.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := conn.Read(make([]byte, 64<<10)); err == nil {
			_, _ = io.WriteString(conn, text)
		}
	}
}

// secured speaks TLS before it serves.
func secured(config *tls.Config, serve func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) { serve(tls.Server(conn, config)) }
}

// ask sends a request to an address with a transport of its own.
func ask(t *testing.T, address string, change ...func(*http.Transport)) (*Response, error) {
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
