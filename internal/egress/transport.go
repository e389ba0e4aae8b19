package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

const handshakeTimeout = 10 * time.Second // mainland endpoints can be slow from abroad

// NewTransport returns the transport to use with [Send]. It honors HTTPS_PROXY, NO_PROXY and the
// certificate roots of the system, sends unencrypted requests directly, and speaks HTTP/1.1 without
// compression: calls leave one at a time, and there is less to load at every start.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy: proxyOf,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &Error{Kind: ProxyRefuses, Status: resp.StatusCode}
			}
			return nil
		},
		DialContext:            dial,
		TLSHandshakeTimeout:    handshakeTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		// Routers drop idle connections silently, some after seconds.
		IdleConnTimeout: 2 * time.Second,
	}
}

// proxyOf returns the proxy of a request, which is none if the request isn't encrypted.
func proxyOf(req *http.Request) (*url.URL, error) {
	config := httpproxy.FromEnvironment()
	if config.HTTPSProxy == "" {
		return nil, nil
	}
	// The library ignores what isn't a URL, so it only decides whether NO_PROXY names the host.
	exceptions := httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: withoutPeriods(config.NoProxy)}
	host := url.URL{Scheme: req.URL.Scheme, Host: withoutPeriods(req.URL.Host)}
	if used, err := exceptions.ProxyFunc()(&host); used == nil || err != nil {
		return nil, err
	}
	variable := "HTTPS_PROXY"
	if runtime.GOOS != "windows" && os.Getenv("https_proxy") != "" { // the library prefers it too; Windows knows no case
		variable = "https_proxy"
	}
	u, err := ParseAddress(config.HTTPSProxy, "http", "https", "socks5", "socks5h")
	if err != nil {
		return nil, &Error{Kind: InvalidProxy, Variable: variable, Err: err}
	}
	if r, ok := req.Context().Value(roundKey{}).(*round); ok {
		r.variable = variable
		r.proxy.Store(u)
	}
	return u, nil
}

// withoutPeriods returns a list of hosts, each without the period that would make it another name.
func withoutPeriods(hosts string) string {
	return regexp.MustCompile(`\.(:\d+)?(\s*(?:,|$))`).ReplaceAllString(hosts, "$1$2")
}

// dial opens a connection in the time that its request has left. It looks up names of Alibaba Cloud
// as absolute ones, because each search domain of a pod would cost a query, or some seconds.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	if r, ok := ctx.Value(roundKey{}).(*round); ok { // net/http keeps a context's values, not its deadline
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, r.deadline)
		defer cancel()
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil && strings.HasSuffix(strings.ToLower(host), ".aliyuncs.com") {
		address = net.JoinHostPort(host+".", port)
	}
	return (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
}

// Unsent is the error of every request that is sent with [http.DefaultTransport] or a copy of it
// after [Intercept]. It holds the request, whose body GetBody returns and whose context has ended.
type Unsent struct{ *http.Request }

// Error quotes nothing of the request, which may be signed.
func (Unsent) Error() string { return "not sent: requests go through package egress only" }

// Intercept replaces [http.DefaultTransport] by a transport that sends nothing. The vendor's
// library uses a copy: so it composes and signs a request, and [Send] sends it.
func Intercept() {
	http.DefaultTransport = &http.Transport{
		Proxy: func(req *http.Request) (*url.URL, error) { return nil, Unsent{req} },
	}
}
