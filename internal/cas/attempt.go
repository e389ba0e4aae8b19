package cas

import (
	"context"
	"fmt"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/quota"
)

// attempt makes one call: credentials, a place in the budget, a signature, the request, its answer.
func (c *Client) attempt(ctx context.Context, call *call) (*AssetCount, error) {
	if err := c.keepPace(ctx, call); err != nil {
		return nil, err
	}
	call.waitFor("credentials from " + c.config.Credentials.String())
	creds, err := c.config.Credentials.Get(ctx)
	if err != nil {
		c.ended(ctx, "Fetching credentials failed and may be tried again", err)
		return nil, err
	}
	place, err := c.place(ctx, call, creds)
	if err != nil {
		return nil, err
	}
	defer place.Release()
	if err := call.depart(ctx, "an answer from "+c.config.Endpoint.Host); err != nil {
		return nil, err
	}
	number := c.pace.departed(time.Now())
	count, err := c.send(ctx, creds, number)
	c.ended(ctx, "A call failed and may be tried again", err)
	return count, err
}

// ended has the next call wait for what this one ended with, and lets the wait show in the log.
func (c *Client) ended(ctx context.Context, message string, err error) {
	if wait := c.pace.answered(time.Now(), err); wait > 0 {
		c.config.Logger.InfoContext(ctx, message, "error", brief(err), "wait", wait.Round(time.Millisecond).String())
	}
}

// keepPace waits until the pace lets the next call leave.
func (c *Client) keepPace(ctx context.Context, call *call) error {
	slot, backoff := c.pace.earliest()
	if backoff {
		slot.at = call.halfway(slot.at)
	}
	if time.Until(slot.at) <= 0 {
		return nil
	}
	return call.pause(ctx, slot.at, slot.why)
}

// place waits for a place in the budget.
func (c *Client) place(ctx context.Context, call *call, creds credential.Credentials) (*quota.Place, error) {
	budget := c.budgetFor(creds)
	for {
		place, again := budget.Take(c.config.RequestTimeout)
		if place != nil {
			return place, nil
		}
		why := fmt.Sprintf("one of the account's %d calls a second", c.config.RequestsPerSecond)
		if err := call.pause(ctx, again, why); err != nil {
			return nil, err
		}
		if err := c.keepPace(ctx, call); err != nil { // a call that was out may have ended meanwhile
			return nil, err
		}
	}
}
