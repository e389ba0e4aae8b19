// Package cas is a client of Certificate Management Service, API version 2020-04-07, that reads
// GetAssetCount. The service allows an account ten calls a second, over all its users, roles and
// machines. The client keeps all processes of one user on one machine within that limit, and makes
// no more calls than necessary: waiting reads share the next call, and a gate says when it leaves.
package cas

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// LevelTrace is the level of the log lines that show every call.
const LevelTrace = slog.LevelDebug - 4

// Config is what a client needs. CacheDir and Transport are optional.
type Config struct {
	Endpoint    *url.URL // see [Endpoint] and [ParseEndpoint]
	Credentials *credential.Cache
	UserAgent   string
	Logger      *slog.Logger

	RequestsPerSecond int           // maximum in any second, over all processes of this user on this machine
	MaxRetries        int           // how often a failure that may pass, other than throttling, is tried again
	RequestTimeout    time.Duration // maximum for one call, from connecting to the end of the response

	CacheDir  string            // where processes share the quota; if empty, this one counts for itself, and warns
	Transport http.RoundTripper // replaces the one that [New] makes
}

// Client reads from Certificate Management Service. It is safe for concurrent use. Share one per
// configuration: calls are shared and counted in one client.
type Client struct {
	config     Config
	share      *share
	gate       *gate
	identified sync.Once // for the log line with credentials and endpoint
}

// New makes a client. It doesn't touch the network.
func New(config Config) *Client {
	config.Transport = cmp.Or(config.Transport, egress.Transport(egress.NewTransport()))
	interval := time.Second / time.Duration(config.RequestsPerSecond)
	c := &Client{config: config, gate: &gate{config: config, interval: interval}}
	c.share = &share{attempt: c.attempt}
	return c
}

// Close closes the credentials' source, and waits up to a second until the last response is noted.
func (c *Client) Close() {
	c.config.Credentials.Close()
	c.gate.mu.Lock()
	last := c.gate.quota
	c.gate.mu.Unlock()
	if last != nil {
		last.Close()
	}
}

// GetAssetCount returns a result that is never older than the call, and is shared: don't modify it.
//
// It retries throttled calls, also those to STS, until ctx ends, other temporary failures at most
// MaxRetries times, and refused credentials once, if new ones can be had. The error is an [*Error],
// a [*WaitError] if ctx ended or would end first, or a [*credential.Error].
func (c *Client) GetAssetCount(ctx context.Context) (*AssetCount, error) {
	started, attempts, failures, renewed := time.Now(), 0, 0, false
	var last error
	for {
		count, err := c.share.read(ctx, last != nil)
		if err == nil {
			return count, nil
		}
		if wait, ok := errors.AsType[*WaitError](err); ok {
			wait.Attempts, wait.Elapsed, wait.Last = attempts+wait.Attempts, time.Since(started), last
			return nil, wait
		}
		var throttled, temporary, replaced bool
		if fetch, ok := errors.AsType[*credential.Error](err); ok {
			throttled, temporary = fetch.Kind == openapi.Throttled, fetch.Temporary()
		}
		if call, ok := errors.AsType[*Error](err); ok {
			throttled, temporary, replaced = call.Kind == openapi.Throttled, call.Temporary(), call.replaced
			attempts++
			own := *call // the other reads that share the call have their own figures
			own.Attempts, own.Elapsed = attempts, time.Since(started)
			err = &own
		}
		last = err
		switch {
		case throttled:
		case temporary && failures < c.config.MaxRetries:
			failures++
		case replaced && !renewed:
			renewed = true
		default:
			return nil, err
		}
	}
}
