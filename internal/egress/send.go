package egress

import (
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
	"runtime"
	"sync"
	"syscall"
	"time"
)

// MaxBody is how much of an answer is read, in bytes. Real ones have some hundred.
const MaxBody = 1 << 20

// Answer is an answer that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send sends a request and reads its answer, both within limit. It follows no redirect and reads no more than [MaxBody].
// Where it gets no answer that can be used the error is an [*Error]; where the request's context ended, the context's.
func Send(transport http.RoundTripper, req *http.Request, limit time.Duration) (*Answer, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), limit, &limitError{limit})
	defer cancel()
	r := &round{req: req}
	// A round trip, unlike an http.Client, never follows a redirect.
	resp, err := transport.RoundTrip(req.WithContext(r.trace(ctx)))
	if err != nil {
		return nil, r.failed(err, 0)
	}
	defer func() { _ = resp.Body.Close() }()
	var body []byte
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body would be the connection
		body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	}
	switch {
	case err != nil:
		return nil, r.failed(err, resp.StatusCode)
	case resp.StatusCode/100 == 3:
		e := &Error{Kind: Redirected, Status: resp.StatusCode}
		if to, err := resp.Location(); err == nil {
			e.Location = hostOf(to)
		}
		return nil, r.about(e)
	case len(body) > MaxBody:
		return nil, r.about(&Error{Kind: TooLarge, Status: resp.StatusCode})
	}
	return &Answer{resp.StatusCode, resp.Header, body}, nil
}

// limitError is a request that took longer than it may.
type limitError struct{ limit time.Duration }

func (e *limitError) Error() string { return fmt.Sprintf("it took longer than %s", e.limit) }
func (e *limitError) Timeout() bool { return true }

// round is a request on its way. The transport calls it from goroutines of its own, also after the request has ended.
type round struct {
	req *http.Request

	mu         sync.Mutex
	proxy      *url.URL // nil where there is none
	variable   string   // names the proxy
	handshakes int      // the number of TLS handshakes that have begun, with a proxy that speaks TLS and with the peer
	broken     error    // the error of the last handshake; crypto/tls has no types for many of them
	connected  bool
	begun      bool // the answer's first byte has come
}

type roundKey struct{}

func (r *round) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(context.WithValue(ctx, roundKey{}, r), &httptrace.ClientTrace{
		TLSHandshakeStart:    func() { r.note(func() { r.handshakes++ }) },
		TLSHandshakeDone:     func(_ tls.ConnectionState, err error) { r.note(func() { r.broken = err }) },
		GotConn:              func(httptrace.GotConnInfo) { r.note(func() { r.connected = true }) },
		GotFirstResponseByte: func() { r.note(func() { r.begun = true }) },
	})
}

func (r *round) note(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// failed returns the error of a request that had no answer, or an answer of this status that couldn't be read to its end.
func (r *round) failed(err error, status int) error {
	if ended := r.req.Context().Err(); ended != nil {
		return ended
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	peer := 1 // the number of the handshake with the peer
	if r.proxy != nil && r.proxy.Scheme == "https" {
		peer = 2
	}
	atProxy := r.proxy != nil && !r.connected && r.handshakes < peer
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Kind: r.kind(err, atProxy), Err: err}
	}
	if e.Kind == Malformed {
		e.Err, e.Status = nil, status
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(untrusted.UnverifiedCertificates) > 0 {
		e.Certificate, e.Err = untrusted.UnverifiedCertificates[0], untrusted.Err
	}
	if atProxy {
		e.Proxy, e.Variable = r.proxy.Host, r.variable
	}
	return r.about(e)
}

func (r *round) about(e *Error) *Error {
	e.Address = hostOf(r.req.URL)
	return e
}

// kind decides by types only. The caller holds mu.
func (r *round) kind(err error, atProxy bool) Kind {
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return kindOfUntrusted(untrusted.Err)
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		if name.IsNotFound {
			return NoSuchHost
		}
		return DNSFailed
	}
	inHandshake := r.broken != nil && errors.Is(err, r.broken) && !isTimeout(r.broken)
	switch {
	case isAlert(err), inHandshake && (atProxy || !isCut(r.broken)): // a proxy that speaks no TLS closes at once
		return NotTLS
	case isTimeout(err):
		return TimedOut
	case isRefused(err):
		return Refused
	case isCut(err), !r.begun && !atProxy:
		return ConnectionFailed
	}
	return Malformed // what came can't be read, and the network didn't fail
}

func kindOfUntrusted(err error) Kind {
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return NoRoots
	}
	// Where the files with the roots are missing, crypto/x509 has an empty pool and no error.
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	if roots, err := x509.SystemCertPool(); unknown && (err != nil || roots.Equal(x509.NewCertPool())) {
		return NoRoots
	}
	return Untrusted
}

// isAlert reports whether one side sent the other a TLS alert. Errors of crypto/tls about alerts have these names.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "remote error" || op.Op == "local error")
}

// isCut reports whether the network failed.
func isCut(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

func isRefused(err error) bool {
	const windows = syscall.Errno(10061) // WSAECONNREFUSED, for which package syscall has no name
	return errors.Is(err, syscall.ECONNREFUSED) || runtime.GOOS == "windows" && errors.Is(err, windows)
}
