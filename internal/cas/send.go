package cas

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/acs3"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// send signs and sends a request and reads its answer.
func (c *Client) send(ctx context.Context, creds credential.Credentials, number int) (count *AssetCount, err error) {
	started := time.Now()
	var status, size int
	defer func() { c.trace(ctx, number, status, size, time.Since(started), count, err) }()

	ctx, cancel := context.WithTimeoutCause(ctx, c.config.RequestTimeout, &requestTimeout{c.config.RequestTimeout})
	defer cancel()
	var tls handshake
	req := c.request(tls.watch(ctx), creds, started)
	redact := redactor(creds, req.Header)
	// A round trip, unlike an http.Client, never follows a redirect.
	resp, err := c.config.Transport.RoundTrip(req)
	if err != nil {
		return nil, c.unreached(ctx, 0, tls.explain(err), redact)
	}
	defer func() { _ = resp.Body.Close() }()
	status = resp.StatusCode
	var body []byte
	if status != http.StatusSwitchingProtocols { // whose body is the connection
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	}
	size = len(body)
	if err != nil {
		return nil, c.unreached(ctx, status, err, redact)
	}

	count, err = answer(resp, body, time.Now(), redact)
	if failure, ok := errors.AsType[*Error](err); ok {
		failure.Endpoint, failure.Credentials = c.address(), c.config.Credentials.String()
		if failure.Kind == BadKey || failure.Kind == BadToken {
			failure.renewed = c.config.Credentials.Discard(creds)
		}
	}
	return count, err
}

func (c *Client) request(ctx context.Context, creds credential.Credentials, now time.Time) *http.Request {
	req := (&http.Request{Method: http.MethodPost, URL: c.config.Endpoint, Body: http.NoBody}).WithContext(ctx)
	req.Header = acs3.Sign(acs3.Request{
		Method:  req.Method,
		Host:    req.URL.Host,
		Path:    "/",
		Action:  "GetAssetCount",
		Version: "2020-04-07",
	}, acs3.Key{
		AccessKeyID:     creds.AccessKeyID,
		AccessKeySecret: creds.AccessKeySecret,
		SecurityToken:   creds.SecurityToken,
	}, now, rand.Text())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.config.UserAgent)
	return req
}

// trace shows a call in the log, without anything that authenticates it.
func (c *Client) trace(ctx context.Context, number, status, size int, took time.Duration, count *AssetCount, err error) {
	if !c.config.Logger.Enabled(ctx, LevelTrace) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", http.MethodPost),
		slog.String("endpoint", c.address()),
		slog.Int("attempt", number),
		slog.Int("status", status),
		slog.Int("bytes", size),
		slog.String("duration", took.String()),
	}
	switch failure, failed := errors.AsType[*Error](err); {
	case failed:
		attrs = append(attrs, slog.String("request_id", failure.RequestID), slog.String("error", brief(err)))
	case err != nil:
		attrs = append(attrs, slog.String("error", err.Error()))
	case count != nil && count.RequestID != nil:
		attrs = append(attrs, slog.String("request_id", *count.RequestID))
	}
	c.config.Logger.LogAttrs(ctx, LevelTrace, "GetAssetCount", attrs...)
}

func (c *Client) address() string { return c.config.Endpoint.Scheme + "://" + c.config.Endpoint.Host }
