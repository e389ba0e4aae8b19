package credential

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// Source is where credentials come from: an [AccessKey], a [Profile], a [URI], an [ECSRole], [OIDC]
// or the [Default] chain.
type Source interface {
	fetcher
	// Site returns where a profile of the CLI sends requests, and Site{} of every other source. It
	// reads the CLI's file.
	Site() Site
}

// Site is where a profile of the CLI sends requests.
type Site struct {
	Region string // empty if the profile names none
	VPC    bool   // whether it uses the endpoints within a VPC
	sts    STS
}

// fetcher fetches credentials, and keeps none.
type fetcher interface {
	// String names the source, and holds no secret.
	String() string
	fetch(ctx context.Context, e *env) (Credentials, error)
}

// env is what all fetches of one cache have in common. It needs no lock, because only one of them
// runs at a time.
type env struct {
	sts       STS
	transport egress.Transport
	logger    *slog.Logger
	found     fetcher // which of several sources had credentials
	ignored   sync.Once
}

// get fetches credentials, and refuses what can't be used. An error is an [*Error] and, like the
// credentials, names f or a more precise source.
func (e *env) get(ctx context.Context, f fetcher) (Credentials, error) {
	c, err := f.fetch(ctx, e)
	c.source = cmp.Or(c.source, f.String())
	if err == nil {
		err = c.check()
	}
	if err == nil {
		return c, nil
	}
	failure := asError(err)
	failure.Source = cmp.Or(failure.Source, c.source)
	return Credentials{}, failure
}

// AccessKey is a key that was configured as it is. The token is empty unless the key is a temporary
// one.
type AccessKey struct{ ID, Secret, Token string }

func (k AccessKey) String() string { return "access key " + Shorten(k.ID) }

// Site returns Site{}.
func (k AccessKey) Site() Site { return Site{} }

func (k AccessKey) fetch(context.Context, *env) (Credentials, error) {
	if k.ID == "" || k.Secret == "" {
		return Credentials{}, errors.New("there is no access key ID or no access key secret")
	}
	return Credentials{AccessKeyID: k.ID, AccessKeySecret: k.Secret, SecurityToken: k.Token, given: true}, nil
}
