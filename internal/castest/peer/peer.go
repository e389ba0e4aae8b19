// Package peer makes peers for tests, which send what no HTTP server would, and their certificates.
package peer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
)

// Listen starts a peer that handles each connection with serve, and returns its address.
func Listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			go func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// Says reads a request and responds with these bytes, then closes.
func Says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := conn.Read(make([]byte, 64<<10)); err == nil {
			_, _ = io.WriteString(conn, text)
		}
	}
}

// Authority issues certificates. Clients that trust its root trust them.
type Authority struct {
	Root *x509.Certificate
	key  crypto.PrivateKey
}

// NewAuthority returns an authority with a root of its own. It panics if it can't, as Issue does.
func NewAuthority() *Authority {
	root := new(Authority).sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test root"}, NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return &Authority{root.Leaf, root.PrivateKey}
}

// Issue returns a certificate for hosts, which are names or addresses, that expires after so long.
func (a *Authority) Issue(expires time.Duration, hosts ...string) tls.Certificate {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "test peer"}, NotAfter: time.Now().Add(expires)}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.sign(template)
}

// sign completes template and signs it, with its own key if there is no root yet.
func (a *Authority) sign(template *x509.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-48 * time.Hour)
	parent, signer := a.Root, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
