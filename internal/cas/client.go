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
	Credentials *credential.Source
	UserAgent   string
	Logger      *slog.Logger

	RequestsPerSecond int           // maximum in any one second, of all processes of this user on this machine
	MaxRetries        int           // how often a failure that may pass, other than throttling, is tried again
	RequestTimeout    time.Duration // maximum for one attempt, from connecting to the end of the answer

	// CacheDir is where processes share the quota. If it is empty, this process counts for itself.
	CacheDir string
	// Transport replaces the one that [New] makes.
	Transport http.RoundTripper
}

// Client reads from Certificate Management Service. It is safe for concurrent use, and meant to be used so: calls are
// shared and counted in one client.
type Client struct {
	config Config
	share  *share
	gate   *gate

	identified sync.Once // of the log line that says whose credentials are used, and where
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

// GetAssetCount reads the health score of the account's certificates and the numbers of its certificates and cloud
// resources. What it returns was asked for after it was called, and is shared: don't change it.
//
// What is throttled, by the service or by STS, is tried again until ctx ends, other failures that may pass at most
// Config.MaxRetries times, and refused credentials once if fresh ones can be had. It fails with an [*Error], with a
// [*WaitError] if ctx ended or would end first, or with what kept it from having credentials.
func (c *Client) GetAssetCount(ctx context.Context) (*AssetCount, error) {
	t := tries{started: time.Now()}
	for {
		count, err := c.share.read(ctx, t.last != nil)
		if err == nil {
			return count, nil
		}
		if again, err := t.again(err, c.config.MaxRetries); !again {
			return nil, err
		}
	}
}
