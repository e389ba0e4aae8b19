package cas

import (
	"context"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

// attempt makes one call: it finds out who calls and when, signs, sends and reads the answer.
func (c *Client) attempt(ctx context.Context, call *call) (*AssetCount, error) {
	var creds credential.Credentials
	var place *quota.Place
	for place == nil {
		var err error
		if creds, place, err = c.enter(ctx, call); err != nil {
			return nil, err
		}
	}
	defer place.Release()
	if err := call.depart(ctx, "an answer from "+c.config.Endpoint.Host); err != nil {
		return nil, err
	}
	number := c.gate.departed()
	count, err := c.send(ctx, creds, number)
	c.gate.answered(ctx, err)
	return count, err
}

// enter returns credentials and a place for a call. If it is too early for one of them, the call pauses, and has no place
// yet.
func (c *Client) enter(ctx context.Context, call *call) (creds credential.Credentials, place *quota.Place, err error) {
	latest, source := call.latest(), c.config.Credentials.String()
	fetch := slot{at: c.config.Credentials.NextFetch(), why: "the next attempt to get credentials from " + source, flexible: true}
	for _, s := range []slot{call.turn(), fetch} {
		if latest.Before(s.at) {
			s.at = latest
		}
		if !s.passed() {
			return creds, nil, call.pause(ctx, s)
		}
	}
	call.setWait(slot{why: "credentials from " + source})
	if creds, err = c.config.Credentials.Get(ctx); err != nil {
		return creds, nil, err
	}
	c.identified.Do(func() {
		c.config.Logger.InfoContext(ctx, "Reading Certificate Management Service", "source", c.config.Credentials.String(),
			"access_key_id", credential.Shorten(creds.AccessKeyID), "endpoint", c.config.Endpoint.Host)
	})
	call.setWait(slot{why: c.gate.quotaTitle()})
	place, wait := c.gate.enter(creds, latest)
	if place == nil {
		err = call.pause(ctx, wait)
	}
	return creds, place, err
}
