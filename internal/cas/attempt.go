package cas

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

// attempt makes one call for a batch.
func (c *Client) attempt(ctx context.Context, b *batch) (*AssetCount, error) {
	creds, place, err := c.enter(ctx, b)
	if err != nil {
		return nil, err
	}
	defer place.Release()
	if err := b.depart(ctx, "a response from "+c.config.Endpoint.Host); err != nil {
		return nil, err
	}
	number := c.gate.departed()
	count, err := c.send(ctx, creds, number)
	c.gate.ended(ctx, err)
	return count, err
}

// enter returns credentials and a place, once there is nothing to wait for. It starts again after each
// pause, because what it has seen may have changed.
func (c *Client) enter(ctx context.Context, b *batch) (creds credential.Credentials, place *quota.Place, err error) {
	free := wait{why: fmt.Sprintf("one of the account's %d calls a second", c.config.RequestsPerSecond)}
	for ctx.Err() == nil {
		source := c.config.Credentials.String()
		nextFetch := "the next attempt to get credentials from " + source
		fetch := wait{at: c.config.Credentials.NextFetch(), why: nextFetch, early: atLatest}
		if b.pause(ctx, c.share.previous()) || b.pause(ctx, fetch) {
			continue
		}
		b.pause(ctx, wait{why: "credentials from " + source})
		if creds, err = c.config.Credentials.Get(ctx); err != nil {
			return creds, nil, err
		}
		c.identified.Do(func() {
			c.config.Logger.InfoContext(ctx, "Reading Certificate Management Service", "source", source,
				"access_key_id", credential.Shorten(creds.AccessKeyID), "endpoint", c.config.Endpoint.Host)
		})
		next, backoff := c.gate.waits()
		if b.pause(ctx, next) || b.pause(ctx, backoff) || b.pause(ctx, free) {
			continue
		}
		if place, free.at = c.gate.quotaOf(creds).Take(); place != nil {
			return creds, place, nil
		}
	}
	return creds, nil, ctx.Err()
}

// send signs and sends a request and reads its response.
func (c *Client) send(ctx context.Context, creds credential.Credentials, number int) (count *AssetCount, err error) {
	started := time.Now()
	resp := new(egress.Response)
	defer func() { c.trace(ctx, number, resp, time.Since(started), count, err) }()

	req := c.request(ctx, creds, started)
	got, err := egress.Send(c.config.Transport, req, c.config.RequestTimeout)
	if unanswered, ok := errors.AsType[*egress.Error](err); ok {
		resp.Status = unanswered.Status
		report := openapi.Report{Kind: unanswered.Kind, Status: unanswered.Status}
		return nil, &Error{Report: report, Endpoint: unanswered.Address, Err: unanswered}
	} else if err != nil {
		return nil, err
	}
	resp = got
	_, signature, _ := strings.Cut(req.Header.Get("Authorization"), "Signature=")
	count, failure := interpret(resp, time.Now(), creds.SecurityToken, creds.AccessKeySecret, signature)
	if failure == nil {
		return count, nil
	}
	failure.Endpoint, failure.Credentials = egress.Origin(req.URL), c.config.Credentials.String()
	if failure.Kind == openapi.BadKey || failure.Kind == openapi.BadToken {
		failure.renewed = c.config.Credentials.Discard(creds)
	}
	return nil, failure
}

func (c *Client) request(ctx context.Context, creds credential.Credentials, now time.Time) *http.Request {
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {c.config.UserAgent}}
	req := &http.Request{Method: http.MethodPost, URL: c.config.Endpoint, Header: header, Body: http.NoBody}
	key := openapi.Key{
		AccessKeyID: creds.AccessKeyID, AccessKeySecret: creds.AccessKeySecret, SecurityToken: creds.SecurityToken,
	}
	openapi.Sign(req, "GetAssetCount", "2020-04-07", key, now, rand.Text())
	return req.WithContext(ctx)
}

// trace logs a call, without anything that authenticates it.
func (c *Client) trace(
	ctx context.Context, number int, resp *egress.Response, took time.Duration, count *AssetCount, err error,
) {
	attrs := []any{
		"method", http.MethodPost, "endpoint", egress.Origin(c.config.Endpoint), "attempt", number,
		"status", resp.Status, "bytes", len(resp.Body), "duration", took.String(),
	}
	failure, failed := errors.AsType[*Error](err)
	switch {
	case failed:
		attrs = append(attrs, "request_id", failure.RequestID, "error", failure.brief())
	case err != nil:
		attrs = append(attrs, "error", err)
	case count.RequestID != nil:
		attrs = append(attrs, "request_id", *count.RequestID)
	}
	c.config.Logger.Log(ctx, LevelTrace, "GetAssetCount", attrs...)
}
