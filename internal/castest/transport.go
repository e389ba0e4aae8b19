package castest

import (
	"context"
	"io"
	"net"
	"net/http"
)

// Transport returns a transport whose connections to the server are in memory, for
// [testing/synctest]: time doesn't pass there while a goroutine waits for a socket. Each request
// has a connection of its own, without TLS.
func (s *Server) Transport() *http.Transport {
	dial := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { _ = (&http.Server{Handler: s, ReadHeaderTimeout: maxSkew}).Serve(&single{theirs}) }()
		return ours, nil
	}
	return &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}
}

// single is a listener of one connection.
type single struct{ net.Conn }

func (l *single) Accept() (net.Conn, error) {
	conn := l.Conn
	if conn == nil {
		return nil, io.EOF
	}
	l.Conn = nil
	return conn, nil
}

func (*single) Close() error   { return nil }
func (*single) Addr() net.Addr { return &net.TCPAddr{} }
