package credential

import (
	"context"
	"errors"
)

// defaultChain asks the sources that every Alibaba Cloud tool asks, in order. Those that the environment names are in a
// [Config] already where they are set: the chain only says that they are not.
//
// A source that is set up but broken ends the search, and so does one that had credentials once: the next one might be
// someone else.
func defaultChain(cfg Config) fetcher {
	var found *fetcher // needs no lock: Source runs one fetch at a time
	links := []fetcher{
		notSet("environment", "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
		notSet("OIDC environment", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"),
		cliProfile(cfg),
		chainINI(cfg),
		chainMetadata(),
		notSet("credentials URI", "ALIBABA_CLOUD_CREDENTIALS_URI"),
	}
	return fetcher{source: "the default chain", fetch: func(ctx context.Context) (Credentials, error) {
		if found != nil {
			return found.get(ctx)
		}
		nothing := &Error{Kind: NotFound, Err: errors.New("none of its sources had any")}
		for _, link := range links {
			c, err := link.get(ctx)
			if err == nil {
				found = &link
				return c, nil
			}
			e, _ := errors.AsType[*Error](err)
			if !e.unused {
				return Credentials{}, e
			}
			cfg.Logger.DebugContext(ctx, "No credentials here", "source", e.Source, "error", e.Err)
			nothing.Tried = append(nothing.Tried, e)
		}
		return Credentials{}, nothing
	}}
}

func notSet(name, variables string) fetcher {
	return fetcher{source: name, fetch: func(context.Context) (Credentials, error) {
		return Credentials{}, unused(errors.New(variables + " not set"))
	}}
}
