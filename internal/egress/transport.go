package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// handshakeTimeout bounds the TLS handshake. Mainland endpoints can be slow from abroad.
	handshakeTimeout = 10 * time.Second
	// idleTimeout is how long a connection is kept for the next request. Routers and load balancers drop idle connections
	// without a word, some after a few seconds, and the request that is sent on one then waits for its own time limit.
	idleTimeout = 2 * time.Second
	maxHeader   = 64 << 10
)

// NewTransport returns the transport to use with [Send]. It honors HTTPS_PROXY, NO_PROXY and the certificate roots of the
// system, sends what isn't encrypted directly, and requests no compression, so that a small response stays small.
//
// It speaks HTTP/1.1 only: calls leave one at a time, and without HTTP/2 there is less to load at every start.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  proxyOf,
		OnProxyConnectResponse: proxyAnswered,
		DialContext:            dial,
		TLSHandshakeTimeout:    handshakeTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableCompression:     true,
		MaxIdleConnsPerHost:    2, // one for a call, and one for the next if the first hangs
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// dial opens a connection in the time that its request has left. It looks up a name of Alibaba Cloud's as an absolute one, because
// in a pod each search domain would take a query, and with a name server that is silent some seconds.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	if r, ok := ctx.Value(roundKey{}).(*round); ok { // net/http keeps the values of a request's context, and not its deadline
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, r.deadline)
		defer cancel()
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil && strings.HasSuffix("."+strings.ToLower(host), ".aliyuncs.com") {
		address = net.JoinHostPort(host+".", port)
	}
	return (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
}
