package cas

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// unreached turns a failure to get an answer, or to read one to its end, into an *Error. Where nobody waits for the
// answer any more, it is the context's error.
func (c *Client) unreached(ctx context.Context, status int, err error, redact func(string) string) error {
	if late, ok := context.Cause(ctx).(*requestTimeout); ok { //nolint:errorlint // a cause is what it was set to
		err = late
	} else if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &Error{Kind: NotReached, Endpoint: c.address(), Err: err, transient: transient(err)}
	if corrupt(err) {
		e.Kind, e.Status, e.transient = Malformed, status, false
	}
	if text := err.Error(); redact(text) != text || len(text) > enough { // net/http quotes what isn't HTTP
		e.Err = errors.New(shown(text, 300, redact))
	}
	return e
}

// transient reports whether a failure to get an answer may pass: all do, but those that need something to be changed.
func transient(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return false
	}
	if proxy, ok := errors.AsType[*ProxyError](err); ok {
		return temporary(proxy.Status)
	}
	return !IsTLS(err)
}

// corrupt reports whether an answer came whole and can't be decompressed.
func corrupt(err error) bool {
	_, ok := errors.AsType[flate.CorruptInputError](err)
	return ok || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}

// handshake notes why the TLS handshake of a request failed: to crypto/tls a peer that offers a version, a key or a
// message of the wrong kind is an error of no type.
type handshake struct{ failure atomic.Pointer[error] }

func (h *handshake) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
		if err != nil {
			h.failure.Store(&err)
		}
	}})
}

// explain marks err if it is why the handshake failed, and not for lack of an answer.
func (h *handshake) explain(err error) error {
	failure := h.failure.Load()
	if failure == nil || !errors.Is(err, *failure) {
		return err
	}
	_, unanswered := errors.AsType[net.Error](*failure)
	unanswered = unanswered || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if unanswered && !IsTLS(*failure) {
		return err
	}
	return &handshakeError{err}
}

type handshakeError struct{ error }

func (e *handshakeError) Unwrap() error { return e.error }

// IsTLS reports whether the two sides couldn't agree on an encrypted connection: a certificate that isn't trusted, a
// protocol version, or a peer that doesn't speak TLS. Running out of time meanwhile isn't that.
func IsTLS(err error) bool {
	if _, ok := errors.AsType[*handshakeError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "remote error" || op.Op == "local error") // crypto/tls sends and receives its alerts as these
}

// requestTimeout is an attempt that took longer than Config.RequestTimeout.
type requestTimeout struct{ limit time.Duration }

func (e *requestTimeout) Error() string {
	return fmt.Sprintf("the attempt ran into its limit of %s", e.limit)
}
func (e *requestTimeout) Timeout() bool { return true }

// ProxyError is a proxy that doesn't let a request through. Status is 0 where its address can't be read.
type ProxyError struct {
	Proxy  string // its host and port, without user name and password
	Status int    // HTTP status of its answer to CONNECT
}

// Error says which proxy and what it answered.
func (e *ProxyError) Error() string {
	if e.Status == 0 {
		return "the address of the proxy in HTTPS_PROXY isn't a valid URL"
	}
	return fmt.Sprintf("the proxy %s answered HTTP %d %s", e.Proxy, e.Status, http.StatusText(e.Status))
}

// proxy is http.ProxyFromEnvironment with an error that doesn't quote the variable, which may hold a password. What isn't
// a URL the standard library tries again with http:// before it, and so takes http://proxy:port to be the host http.
func proxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err != nil || u != nil && (u.Hostname() == "" || strings.HasPrefix(u.Path, "//")) {
		return nil, &ProxyError{}
	}
	return u, nil
}

func proxyAnswer(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{Proxy: proxy.Host, Status: resp.StatusCode}
	}
	return nil
}
