package credential

import (
	"cmp"
	"context"
)

// fetcher fetches credentials from one source. Each fetch builds the library's provider again, so that nothing is left of one
// that failed: the cache is in [Source]. A fetch ends soon after its context.
type fetcher struct {
	source string
	fetch  func(context.Context) (Credentials, error)
}

// get fetches credentials. An error, like the credentials, names f's source or a more precise one.
func (f fetcher) get(ctx context.Context) (Credentials, error) {
	c, err := f.fetch(ctx)
	if err != nil {
		e := *explain(err, newScrubber())
		e.Source = cmp.Or(e.Source, f.source)
		return Credentials{}, &e
	}
	c.source = cmp.Or(c.source, f.source)
	return c, nil
}
