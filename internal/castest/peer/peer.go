// Package peer makes peers for tests, which send what no HTTP server would, and their certificates.
package peer

import (
	"io"
	"net"
	"testing"
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
