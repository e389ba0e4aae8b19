package credential

import (
	"context"
	"errors"
	"log/slog"
)

// defaultChain asks the sources that every Alibaba Cloud tool asks if its environment names none.
func defaultChain(cfg Config) fetcher {
	nothing := Error{
		Source: "the default chain", Kind: Nowhere,
		Err: errors.New("the provider block and the environment name no source, and none of these has any"),
	}
	return firstOf(cfg.Logger, nothing, cliProfile(cfg), iniFile(cfg), ecsRole(""))
}

// firstOf asks sources in order. If none of them has credentials, it fails with the error nothing, to which it adds why.
//
// A source that is set up but broken ends the search, and so does one that had credentials once: the next one might be
// someone else.
func firstOf(logger *slog.Logger, nothing Error, sources ...fetcher) fetcher {
	var found *fetcher // needs no lock: Source runs one fetch at a time
	return fetcher{source: nothing.Source, fetch: func(ctx context.Context) (Credentials, error) {
		if found != nil {
			return found.get(ctx)
		}
		failure := nothing
		for i, source := range sources {
			c, err := source.get(ctx)
			if err == nil {
				found = &source
				return c, nil
			}
			e := asError(err)
			if last := i == len(sources)-1; !e.unused && (!last || e.Kind != NotFound) {
				return Credentials{}, e
			}
			logger.DebugContext(ctx, "No credentials here", "source", e.Source, "error", e.Err)
			failure.Tried = append(failure.Tried, e)
		}
		return Credentials{}, &failure
	}}
}
