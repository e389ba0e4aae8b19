package credential

import (
	"cmp"
	"context"
	"errors"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// fetcher fetches credentials from one source. Each fetch makes a new object of the library, so that nothing is left of one
// that failed: the cache is in [Source].
type fetcher struct {
	source string
	fetch  func(context.Context) (Credentials, error)
}

// get fetches credentials. Every source's come through here, to sign requests or to assume a role, so what can't be used is
// refused here. An error is an [*Error] and, like the credentials, names f's source or a more precise one.
func (f fetcher) get(ctx context.Context) (Credentials, error) {
	c, err := f.fetch(ctx)
	c.source = cmp.Or(c.source, f.source)
	if err == nil {
		err = c.check()
	}
	if err == nil {
		return c, nil
	}
	e := Error{Kind: Invalid, Err: err}
	if failure, ok := errors.AsType[*Error](err); ok {
		e = *failure
	} else if unanswered, ok := errors.AsType[*egress.Error](err); ok {
		e.Kind = NotReached
		if unanswered.Temporary() {
			e.Kind = Unavailable
		}
	}
	e.Source = cmp.Or(e.Source, c.source)
	return Credentials{}, &e
}
