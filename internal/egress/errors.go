package egress

import (
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kind distinguishes failures by what the user can do about them.
type Kind string

// The kinds of a failure to get a response.
const (
	NoSuchHost       Kind = "host name not found"
	DNSFailed        Kind = "host name not resolved" // because the name server has trouble
	Refused          Kind = "connection refused"
	TimedOut         Kind = "no response in time"
	ConnectionFailed Kind = "connection failed"
	NotTLS           Kind = "no encrypted connection"
	Untrusted        Kind = "certificate not trusted"
	NoRoots          Kind = "no root certificates" // on this machine, so that no certificate is trusted
	InvalidProxy     Kind = "invalid proxy"        // a proxy variable isn't a URL
	ProxyRefuses     Kind = "refused by the proxy"
	Redirected       Kind = "redirected" // redirects aren't followed
	TooLarge         Kind = "response too large"
	Malformed        Kind = "malformed response" // the response isn't what is documented, or isn't HTTP
)

// Error is a failure to get a response. It holds no secret, and shows no body of a response.
type Error struct {
	Kind        Kind
	Address     string            // scheme and host that were requested
	Proxy       string            // host and port of the proxy, if it is the proxy that failed
	Variable    string            // the variable that names the proxy
	InHandshake bool              // the connection failed or the time ran out during the TLS handshake
	Status      int               // HTTP status of a response that isn't used
	Location    string            // scheme and host that a redirect points to
	Certificate *x509.Certificate // what the peer showed if it isn't trusted
	Err         error             // the cause; nil if its text would quote the peer
}

// Error says which host failed, and how.
func (e *Error) Error() string {
	parts := []string{e.Address, string(e.Kind), e.Variable, e.Proxy, e.Location}
	if e.Status != 0 {
		parts = append(parts, fmt.Sprint("HTTP ", e.Status))
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	return Printable(strings.Join(parts, ": "), 500)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether another try may succeed though nothing is changed.
func (e *Error) Temporary() bool {
	switch e.Kind {
	case DNSFailed, Refused, TimedOut, ConnectionFailed:
		return true
	case ProxyRefuses, TooLarge: // an error page, however large
		return TemporaryStatus(e.Status)
	}
	return false
}

// TemporaryStatus reports whether an HTTP status is that of a temporary failure.
func TemporaryStatus(status int) bool {
	return slices.Contains([]int{
		http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		509, 520, 521, 522, 523, 524, 529, // from gateways: a limit, a server that isn't reached, overload
	}, status)
}

// Backoff returns a random wait before the next try; elapsed is the time since the first failure in
// a row. The wait grows with it, so that machines that start at once spread.
func Backoff(elapsed time.Duration) time.Duration {
	longest := max(time.Second, 2*elapsed)
	return longest/2 + rand.N(longest/2) //nolint:gosec // keeps no secret
}
