package cas

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
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

// newTransport honours the proxy variables and the system's certificate roots. It speaks HTTP/1.1 only: calls leave one at a
// time, and without HTTP/2 there is
// less to load at every start and less to go wrong.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		OnProxyConnectResponse: proxyAnswer,
		DialContext:            (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost:    2, // a call, and another where one hangs
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// budgetFor returns the quota of the account that the credentials belong to, as far as they tell it.
func (c *Client) budgetFor(creds credential.Credentials) *quota.Quota {
	host := strings.TrimSuffix(c.config.Endpoint.Host, ".") // two ways to write one name
	budget := fmt.Sprintf("%s %s", host, c.config.Credentials.Identity(creds))
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
