package castest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"
)

// certificate is made once: every fake of a process shows the same one, so
// that it can be trusted before any of them is started.
var certificate = sync.OnceValue(newCertificate)

// CertPEM returns, PEM encoded, the certificate of every fake of this process,
// for [Trust] or a file that SSL_CERT_FILE names. It is valid for 127.0.0.1,
// ::1 and localhost.
func CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate().Certificate[0]})
}

// Trust makes roots, PEM encoded, the only roots of this process, on every
// platform: SSL_CERT_FILE is ignored on Windows and macOS. It panics if it is
// called twice. It works where the main package, or one of its test files, says
//
//	//go:debug x509usefallbackroots=1
func Trust(roots []byte) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		panic("castest: no certificate to trust")
	}
	x509.SetFallbackRoots(pool)
}

func serverTLS() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate()}, MinVersion: tls.VersionTLS12}
}

func newCertificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("castest: generate key: " + err.Error())
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "castest"},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic("castest: create certificate: " + err.Error())
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
