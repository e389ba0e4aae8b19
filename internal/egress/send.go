// Package egress sends every request of the provider, and says why one has no response.
package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// MaxBody is how much of a response is read, in bytes. Usual responses have some hundred.
const MaxBody = 1 << 20

// Transport sends requests; see [NewTransport].
type Transport = http.RoundTripper

// Response is a response that was read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Encoded returns an error if the body is compressed, which no request accepts.
func (r *Response) Encoded() error {
	encoding := strings.ToLower(r.Header.Get("Content-Encoding"))
	if bytes.HasPrefix(r.Body, []byte("\x1f\x8b")) {
		encoding = "gzip"
	}
	if encoding == "" || encoding == "identity" {
		return nil
	}
	return fmt.Errorf("it is compressed (%s), though the request didn't accept that", Printable(encoding, 20))
}

// Send sends a request and reads its response, both within limit. It follows no redirect and reads
// at most [MaxBody]. The error is the context's if that ended, and else an [*Error].
func Send(transport Transport, req *http.Request, limit time.Duration) (*Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), limit, fmt.Errorf("it took longer than %s", limit))
	defer cancel()
	r := new(round)
	r.deadline, _ = ctx.Deadline()
	resp, err := receive(transport, req.WithContext(r.trace(ctx)))
	switch {
	case err == nil:
		return resp, nil
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	}
	e := r.explain(err, ctx.Err() != nil)
	e.Address, e.InHandshake = Origin(req.URL), r.inHandshake.Load() && e.Temporary()
	if proxy := r.proxy.Load(); proxy != nil {
		e.Proxy, e.Variable = proxy.Host, r.variable
	}
	return nil, e
}

func receive(transport Transport, req *http.Request) (*Response, error) {
	resp, err := transport.RoundTrip(req) // unlike an http.Client, it never follows a redirect
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	received := &Response{Status: resp.StatusCode, Header: resp.Header}
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body would be the connection
		received.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	}
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode/100 == 3 && resp.Header.Get("Location") != "":
		to, _ := resp.Location()
		return nil, &Error{Kind: Redirected, Status: resp.StatusCode, Location: Origin(to)}
	case len(received.Body) > MaxBody:
		return nil, &Error{Kind: TooLarge, Status: resp.StatusCode}
	}
	return received, nil
}

// round is a round trip. The transport notes in it what happens, also after its end.
type round struct {
	deadline    time.Time
	variable    string                  // names the proxy
	proxy       atomic.Pointer[url.URL] // the proxy, as long as it is the proxy that can fail
	handshakes  atomic.Int32            // the number of TLS handshakes that have begun, with the proxy and the peer
	inHandshake atomic.Bool             // the last of them hasn't succeeded
	begun       atomic.Bool             // the first byte of the response has come
}

type roundKey struct{}

func (r *round) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(context.WithValue(ctx, roundKey{}, r), &httptrace.ClientTrace{
		TLSHandshakeStart: func() {
			r.inHandshake.Store(true)
			begun, proxy := r.handshakes.Add(1), r.proxy.Load()
			if begun == 2 || proxy != nil && proxy.Scheme != "https" { // it is the one with the peer
				r.proxy.Store(nil)
			}
		},
		TLSHandshakeDone:     func(_ tls.ConnectionState, err error) { r.inHandshake.Store(err != nil) },
		GotConn:              func(httptrace.GotConnInfo) { r.proxy.Store(nil) },
		GotFirstResponseByte: func() { r.begun.Store(true) },
	})
}

// explain returns what an error means, which it decides by types only.
func (r *round) explain(err error, late bool) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e := &Error{Kind: Untrusted, Err: untrusted.Err, Certificate: untrusted.UnverifiedCertificates[0]}
		// If the files with the roots are missing, crypto/x509 has an empty pool and no error.
		if roots, err := x509.SystemCertPool(); err != nil || roots.Equal(x509.NewCertPool()) {
			e.Kind = NoRoots
		}
		return e
	}
	name, unresolved := errors.AsType[*net.DNSError](err)
	network, failed := errors.AsType[net.Error](err)
	proxied := r.proxy.Load() != nil
	op, _ := errors.AsType[*net.OpError](err)
	alert := op != nil && (op.Op == "remote error" || op.Op == "local error") // as crypto/tls names them
	cut := failed
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		cut, err = true, errors.New("the connection was closed too early")
	}
	switch {
	case unresolved && name.IsNotFound:
		return &Error{Kind: NoSuchHost, Err: err}
	case unresolved:
		return &Error{Kind: DNSFailed, Err: err}
	case late, failed && network.Timeout():
		return &Error{Kind: TimedOut, Err: err}
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.Errno(10061)): // the latter on Windows
		return &Error{Kind: Refused, Err: err}
	case alert, r.inHandshake.Load() && (proxied || !cut): // a proxy that speaks no TLS closes at once
		return &Error{Kind: NotTLS, Err: err}
	case cut, !proxied && !r.begun.Load():
		return &Error{Kind: ConnectionFailed, Err: err}
	}
	return &Error{Kind: Malformed} // what came can't be read, and the network didn't fail
}
