package credential

import (
	"cmp"
	"context"
	"errors"
)

// fetcher fetches credentials from one source. It keeps none: the cache is in [Source].
type fetcher struct {
	source string
	fetch  func(context.Context) (Credentials, error)
}

// get fetches credentials, and refuses what can't be used. An error is an [*Error] and, like the credentials, names f's source or
// a more precise one.
func (f fetcher) get(ctx context.Context) (Credentials, error) {
	c, err := f.fetch(ctx)
	c.source = cmp.Or(c.source, f.source)
	if err == nil {
		err = c.check()
	}
	if err == nil {
		return c, nil
	}
	e := asError(err)
	e.Source = cmp.Or(e.Source, c.source)
	return Credentials{}, e
}

// accessKey is a key that was configured as it is. The token is empty unless the key is a temporary one.
func accessKey(id, secret, token string) fetcher {
	return fetcher{fetch: func(context.Context) (Credentials, error) {
		if id == "" || secret == "" {
			return Credentials{}, errors.New("there is no access key ID or no access key secret")
		}
		return Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token, given: true}, nil
	}}
}
