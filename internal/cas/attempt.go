package cas

import (
	"context"
	"errors"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

// attempt makes one call: it finds out who calls and when, signs, sends and reads the answer.
func (c *Client) attempt(ctx context.Context, call *call) (*AssetCount, error) {
	creds, place, err := c.admit(ctx, call)
	if err != nil {
		return nil, err
	}
	defer place.Release()
	if err := call.depart(ctx, "an answer from "+c.config.Endpoint.Host); err != nil {
		return nil, err
	}
	count, err := c.send(ctx, creds, c.gate.departed())
	if wait := c.gate.answered(err); wait > 0 {
		failure, _ := errors.AsType[*Error](err)
		c.config.Logger.InfoContext(ctx, "A call failed and may be tried again",
			"error", failure.brief(), "wait", wait.Round(time.Millisecond).String())
	}
	return count, err
}

// admit waits until a call may leave, and returns its credentials and its place.
func (c *Client) admit(ctx context.Context, call *call) (credential.Credentials, *quota.Place, error) {
	for {
		creds, place, wait, err := c.enter(ctx, call)
		switch {
		case err != nil:
			return creds, nil, err
		case place == nil:
			if err := call.pause(ctx, wait); err != nil {
				return creds, nil, err
			}
		case place.Held():
			return creds, place, nil
		default: // its lease ran out, as on a machine that was suspended
			place.Release()
		}
	}
}

// enter returns credentials and a place for a call. Without a place, it returns what the call waits for before it enters
// again.
func (c *Client) enter(ctx context.Context, call *call) (
	creds credential.Credentials, place *quota.Place, wait slot, err error,
) {
	latest, source := call.latest(), c.config.Credentials.String()
	fetch := slot{at: c.config.Credentials.NextFetch(), why: "the next attempt to get credentials from " + source, ours: true}
	for _, s := range []slot{call.turn(), fetch} {
		if latest.Before(s.at) {
			s.at = latest
		}
		if !s.passed() {
			return creds, nil, s, nil
		}
	}
	call.waitFor(slot{why: "credentials from " + source})
	if creds, err = c.config.Credentials.Get(ctx); err != nil {
		return creds, nil, slot{}, err
	}
	c.identified.Do(func() {
		c.config.Logger.InfoContext(ctx, "Reading Certificate Management Service", "source", c.config.Credentials.String(),
			"access_key_id", credential.Shorten(creds.AccessKeyID), "endpoint", c.config.Endpoint.Host)
	})
	call.waitFor(slot{why: c.gate.quotaTitle()})
	place, wait = c.gate.enter(ctx, creds, latest)
	return creds, place, wait, nil
}
