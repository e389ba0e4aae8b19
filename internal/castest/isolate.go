package castest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/peer"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// Isolate keeps this process, and those that it starts, away from the credentials, the settings and
// the network of this machine: issuer is the proxy for every host, and home, which is empty, the
// home directory. It is for the beginning of a process, and returns what [IsolateChild] does. A
// process that this one starts calls that.
func Isolate(issuer *Issuer, home string) *http.Transport {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch prefix, _, _ := strings.Cut(strings.ToUpper(name), "_"); prefix {
		case "ALIBABA", "ALIBABACLOUD", "ALICLOUD", "CAS", "TF", "ALL", "HTTP", "HTTPS", "NO", "DEBUG":
			if !strings.HasPrefix(name, "TF_ACC_") {
				_ = os.Unsetenv(name)
			}
		}
	}
	for _, variable := range append(issuer.ChildEnvironment(), "HOME="+home, "USERPROFILE="+home,
		"XDG_CACHE_HOME="+home, "LOCALAPPDATA="+home, "HTTPS_PROXY="+issuer.ProxyURL(),
		"HTTP_PROXY=http://127.0.0.1:1") { // nothing may use this proxy
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			panic("castest: " + err.Error())
		}
	}
	return IsolateChild()
}

// ChildEnvironment is for the environment of a process that calls [IsolateChild].
func (i *Issuer) ChildEnvironment() []string {
	return []string{childRoot + "=" + string(CertPEM()), childMetadata + "=" + i.plain.Listener.Addr().String()}
}

const (
	childRoot     = "CASTEST_ROOT"
	childMetadata = "CASTEST_METADATA"
)

// IsolateChild makes this process trust the fakes, as [Trust] does, and returns a transport that
// sends nothing beyond this machine. What is meant for the ECS metadata service goes to the issuer.
// No name exists, except that a name server has trouble with those that end in .trouble.
func IsolateChild() *http.Transport {
	Trust([]byte(os.Getenv(childRoot)))
	transport := egress.NewTransport()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		ip := net.ParseIP(host)
		switch {
		case address == "100.100.100.200:80":
			return dial(ctx, network, os.Getenv(childMetadata))
		case ip.IsLoopback(), host == "localhost":
			return dial(ctx, network, address)
		case ip != nil:
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ENETUNREACH}
		}
		trouble := strings.HasSuffix(host, ".trouble")
		failure := &net.DNSError{Err: "no such host", Name: host, IsNotFound: !trouble, IsTemporary: trouble}
		return nil, &net.OpError{Op: "dial", Net: network, Err: failure}
	}
	return transport
}

// authority issues the certificates of every fake of this process, so that they can be trusted
// before one is started.
var authority = sync.OnceValue(peer.NewAuthority)

// serverTLS returns the TLS configuration of a fake at 127.0.0.1, and of its proxy, which responds
// for every host.
func serverTLS() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{authority().Issue(24*time.Hour, "127.0.0.1")},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { // if the client names the host
			return new(authority().Issue(24*time.Hour, hello.ServerName)), nil
		},
	}
}

// CertPEM returns, PEM encoded, the root of every fake of this process, for [Isolate] or a file
// that SSL_CERT_FILE names.
func CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority().Root.Raw})
}

// Trust makes root, PEM encoded, the only root of this process, on every platform: SSL_CERT_FILE is
// ignored on Windows and macOS. It panics if it is called twice. It works where the main package,
// or one of its test files, says
//
//	//go:debug x509usefallbackroots=1
func Trust(root []byte) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root) {
		panic("castest: no certificate to trust")
	}
	x509.SetFallbackRoots(pool)
}
