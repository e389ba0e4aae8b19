package credential

import (
	"context"
	"errors"
)

// defaultChain asks the sources that every Alibaba Cloud tool asks where its environment names none, in order.
//
// A source that is set up but broken ends the search, and so does one that had credentials once: the next one might be
// someone else.
func defaultChain(cfg Config) fetcher {
	var found *fetcher // needs no lock: Source runs one fetch at a time
	links := []fetcher{cliProfile(cfg), iniFile(cfg), ecsRole("")}
	return fetcher{source: "the default chain", fetch: func(ctx context.Context) (Credentials, error) {
		if found != nil {
			return found.get(ctx)
		}
		nothing := &Error{Kind: NotFound, Err: errors.New("none of its sources had any")}
		for i, link := range links {
			c, err := link.get(ctx)
			if err == nil {
				found = &link
				return c, nil
			}
			e := asError(err)
			if last := i == len(links)-1; !e.unused && !(last && e.Kind == NotFound) {
				return Credentials{}, e
			}
			cfg.Logger.DebugContext(ctx, "No credentials here", "source", e.Source, "error", e.Err)
			nothing.Tried = append(nothing.Tried, e)
		}
		return Credentials{}, nothing
	}}
}
