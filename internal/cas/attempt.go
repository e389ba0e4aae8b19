package cas

import (
	"context"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

// attempt makes one call for a batch: it gets credentials and a place, signs, sends and reads the
// response.
func (c *Client) attempt(ctx context.Context, b *batch) (*AssetCount, error) {
	var creds credential.Credentials
	var place *quota.Place
	for place == nil {
		var err error
		if creds, place, err = c.enter(ctx, b); err != nil {
			return nil, err
		}
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

// enter returns credentials and a place for a b. If it is too early for one of them, the batch
// pauses, and has no place yet.
func (c *Client) enter(ctx context.Context, b *batch) (creds credential.Credentials, place *quota.Place, err error) {
	latest, source := b.latest(), c.config.Credentials.String()
	fetch := wait{at: c.config.Credentials.NextFetch(), why: "the next attempt to get credentials from " + source, flexible: true}
	for _, w := range []wait{b.previous(), fetch} {
		if latest.Before(w.at) {
			w.at = latest
		}
		if !w.passed() {
			return creds, nil, b.pause(ctx, w)
		}
	}
	b.setWait(wait{why: "credentials from " + source})
	if creds, err = c.config.Credentials.Get(ctx); err != nil {
		return creds, nil, err
	}
	c.identified.Do(func() {
		c.config.Logger.InfoContext(ctx, "Reading Certificate Management Service", "source", c.config.Credentials.String(),
			"access_key_id", credential.Shorten(creds.AccessKeyID), "endpoint", c.config.Endpoint.Host)
	})
	b.setWait(wait{why: c.gate.quotaTitle()})
	place, w := c.gate.enter(creds, latest)
	if place == nil {
		err = b.pause(ctx, w)
	}
	return creds, place, err
}
