package cas

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

// LevelTrace is the level of the log lines that show every call.
const LevelTrace = slog.LevelDebug - 4

// Config is what a client needs. All but CacheDir and Transport is required.
type Config struct {
	Endpoint    *url.URL // see [Endpoint] and [ParseEndpoint]
	Credentials *credential.Source
	UserAgent   string
	Logger      *slog.Logger

	RequestsPerSecond int           // the most calls in any one second, of all processes of this user on this machine
	MaxRetries        int           // how often a failure that may pass, other than throttling, is tried again
	RequestTimeout    time.Duration // the most that one attempt may take, from connecting to the end of the answer

	// CacheDir is where processes share the budget; empty keeps it to this process.
	CacheDir string
	// Transport replaces the one that [New] makes.
	Transport http.RoundTripper
}

// Client reads from Certificate Management Service. It is safe for concurrent use, and meant to be used so: calls are
// shared and counted in one client.
type Client struct {
	config Config
	share  *share
	pace   *pace

	mu     sync.Mutex
	quota  *quota.Quota // of
	budget string       // this endpoint and identity
}

// New makes a client. It doesn't touch the network.
func New(config Config) *Client {
	if config.Transport == nil {
		config.Transport = newTransport()
	}
	c := &Client{config: config, pace: newPace(config.RequestsPerSecond)}
	c.share = &share{attempt: c.attempt, logger: config.Logger}
	return c
}

// connectTimeout bounds each of connecting and the TLS handshake. Mainland endpoints can be slow from abroad.
const connectTimeout = 10 * time.Second

// newTransport is the standard transport, which honours the proxy variables and the system's certificate roots, with
// connecting bounded and reasons that hold no password.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		OnProxyConnectResponse: proxyAnswer,
		DialContext:            (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: connectTimeout, PingTimeout: connectTimeout}, // lest calls go on using a dead connection
		MaxIdleConnsPerHost:    2,                                                                               // a call, and another where one hangs
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// budgetFor returns the quota of the account that the credentials belong to, as far as they tell it.
func (c *Client) budgetFor(creds credential.Credentials) *quota.Quota {
	budget := fmt.Sprintf("%s %s", c.config.Endpoint.Host, c.config.Credentials.Identity(creds))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quota == nil || c.budget != budget {
		c.budget = budget
		c.quota = quota.Open(quota.Config{
			Dir:    c.config.CacheDir,
			Name:   budget,
			Places: c.config.RequestsPerSecond,
			Logger: c.config.Logger,
		})
	}
	return c.quota
}
