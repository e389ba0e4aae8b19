package cas

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// LevelTrace is the level of the log lines that show every call.
const LevelTrace = slog.LevelDebug - 4

// Config is what a client needs. CacheDir and Transport are optional.
type Config struct {
	Endpoint    *url.URL // see [Endpoint] and [ParseEndpoint]
	Credentials *credential.Cache
	UserAgent   string
	Logger      *slog.Logger

	RequestsPerSecond int           // maximum in any one second, at least 1, of all processes of this user on this machine
	MaxRetries        int           // how often a failure that may pass, other than throttling, is tried again
	RequestTimeout    time.Duration // maximum for one call, from connecting to the end of the response

	// CacheDir is where processes share the quota. If it is empty, this process counts for itself,
	// with a warning.
	CacheDir string
	// Transport replaces the one that [New] makes.
	Transport http.RoundTripper
}

// Client reads from Certificate Management Service. It is safe for concurrent use. Share one per
// configuration: calls are shared and counted in one client.
type Client struct {
	config Config
	share  *share
	gate   *gate

	identified sync.Once // for the log line with credentials and endpoint
}

// New makes a client. It doesn't touch the network.
func New(config Config) *Client {
	if config.Transport == nil {
		config.Transport = egress.NewTransport()
	}
	c := &Client{config: config, gate: newGate(config)}
	c.share = &share{attempt: c.attempt, logger: config.Logger}
	return c
}

// Close closes the source of the credentials, and waits until the quota has noted the last
// response, for a second at most.
func (c *Client) Close() {
	c.config.Credentials.Close()
	c.gate.close()
}

// GetAssetCount reads the health score of the account's certificates and the numbers of its
// certificates and cloud resources. The result is never older than the call, and is shared: don't
// modify it.
//
// It retries throttled calls, also those to STS, until ctx ends, other temporary failures at most
// MaxRetries times, and refused credentials once, if new ones can be had. The error is an [*Error],
// a [*WaitError] if ctx ended or would end first, or a [*credential.Error].
func (c *Client) GetAssetCount(ctx context.Context) (*AssetCount, error) {
	t := tries{started: time.Now()}
	for {
		count, err := c.share.read(ctx, t.last != nil)
		if err == nil {
			return count, nil
		}
		if err := t.next(err, c.config.MaxRetries); err != nil {
			return nil, err
		}
	}
}
