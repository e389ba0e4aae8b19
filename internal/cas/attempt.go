package cas

import (
	"context"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

// attempt makes one call, as soon as it may leave.
func (c *Client) attempt(ctx context.Context, call *call) (*AssetCount, error) {
	for {
		creds, place, slot, err := c.enter(ctx, call)
		switch {
		case err != nil:
			return nil, err
		case place == nil:
			if err := call.pause(ctx, slot); err != nil {
				return nil, err
			}
		case place.Held():
			return c.depart(ctx, call, creds, place)
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
	call.waitFor("credentials from " + source)
	if creds, err = c.config.Credentials.Get(ctx); err != nil {
		return creds, nil, slot{}, err
	}
	call.waitFor(c.gate.quotaTitle())
	place, wait = c.gate.enter(ctx, creds, latest)
	return creds, place, wait, nil
}

// depart sends a call that has a place.
func (c *Client) depart(ctx context.Context, call *call, creds credential.Credentials, place *quota.Place) (*AssetCount, error) {
	defer place.Release()
	if err := call.depart(ctx, "an answer from "+c.config.Endpoint.Host); err != nil {
		return nil, err
	}
	number := c.gate.departed()
	count, err := c.send(ctx, creds, number)
	if wait := c.gate.answered(err); wait > 0 {
		c.config.Logger.InfoContext(ctx, "A call failed and may be tried again",
			"error", brief(err), "wait", wait.Round(time.Millisecond).String())
	}
	return count, err
}
