package credential

import (
	"context"
	"errors"
)

func accessKey(id, secret, token string) (fetcher, error) {
	f := fetcher{source: "access key " + Shorten(id)}
	switch {
	case id == "" && secret == "" && token == "":
		return f, errors.New("there is no access key")
	case id == "" && secret == "":
		return f, errors.New("there is a security token, but no access key")
	case id == "":
		return f, errors.New("there is an access key secret, but no access key ID")
	case secret == "":
		return f, errors.New("there is an access key ID, but no access key secret")
	}
	c := Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token, given: true}
	if token == "" {
		c.account = id
	}
	f.fetch = func(context.Context) (Credentials, error) { return c, nil }
	return f, nil
}
