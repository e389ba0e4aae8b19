package cas

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
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
	go b.logLongWaits(ctx, c.config.Logger)
	creds, place, err := c.enter(ctx, b)
	if err != nil {
		return nil, err
	}
	defer place.Release()
	if err := b.depart(ctx, "a response from "+c.config.Endpoint.Host); err != nil {
		return nil, err
	}
	count, err := c.send(ctx, creds, c.gate.departed())
	c.gate.ended(ctx, err)
	return count, err
}

// enter returns credentials and a place, once there is nothing to wait for. It starts again after
// each pause, because what it has seen may have changed.
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

// send signs and sends a request, reads its response, and logs the call without any secret.
func (c *Client) send(ctx context.Context, creds credential.Credentials, number int) (count *AssetCount, err error) {
	started, size := time.Now(), 0
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {c.config.UserAgent}}
	req := &http.Request{Method: http.MethodPost, URL: c.config.Endpoint, Header: header, Body: http.NoBody}
	openapi.Sign(req, "GetAssetCount", "2020-04-07", creds.Key, started, rand.Text())

	e := &Error{Endpoint: egress.Origin(req.URL)}
	resp, err := egress.Send(c.config.Transport, req.WithContext(ctx), c.config.RequestTimeout)
	if unanswered, ok := errors.AsType[*egress.Error](err); ok {
		e.Kind, e.Status, e.Err = unanswered.Kind, unanswered.Status, unanswered
		err = e
	} else if err == nil {
		size, e.Credentials = len(resp.Body), c.config.Credentials.String()
		_, signature, _ := strings.Cut(req.Header.Get("Authorization"), "Signature=")
		count, err = e.read(resp, time.Now(), creds.SecurityToken, creds.AccessKeySecret, signature)
	}

	attrs := []any{
		"method", req.Method, "endpoint", e.Endpoint, "attempt", number, "status", e.Status, "bytes", size,
		"duration", time.Since(started).String(), "request_id", e.RequestID,
	}
	if err != nil {
		attrs = append(attrs, "error", err)
	}
	c.config.Logger.Log(ctx, LevelTrace, "GetAssetCount", attrs...)
	if e.Kind == openapi.BadKey || e.Kind == openapi.BadToken {
		e.replaced = c.config.Credentials.Discard(creds)
	}
	return count, err
}

// read notes in e what a response says that was received at now, and returns its counts or else e.
func (e *Error) read(resp *egress.Response, now time.Time, secrets ...string) (*AssetCount, error) {
	e.Report, e.Err = openapi.ReadReport(resp, now, secrets...), resp.Encoded()
	readable := e.Err == nil
	switch {
	case !readable:
	case !e.Failed:
		var count *AssetCount
		if count, e.Err = decode(resp.Body); e.Err == nil {
			return count, nil
		}
	case e.Status == http.StatusOK && e.Code == "":
		e.Err = foreignError("the response reports no success, and no error code")
	}
	if !e.Failed {
		e.Kind = egress.Malformed
	}
	if foreign, ok := errors.AsType[foreignError](e.Err); ok {
		e.Message, e.Recommend, e.Denied = "", "", openapi.AccessDenied{}
		e.Err = errors.New(egress.Quote(foreign.Error(), 300, secrets...)) // names can be anything
	} else if e.Code == "" && readable {
		e.Message = egress.Quote(html.UnescapeString(string(resp.Body)), 200, secrets...)
	}
	return nil, e
}
