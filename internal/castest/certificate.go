package castest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"sync"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/peer"
)

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
