package credential

import (
	"cmp"
	"context"
	"time"
)

// Source is where credentials come from: an [AccessKey], a [Profile], a [URI], an [ECSRole], [OIDC]
// or the [Default] chain.
type Source interface {
	// String names the source, and holds no secret.
	String() string
	// Site returns where a profile of the CLI sends requests, and Site{} of every other source. It
	// reads the CLI's file.
	Site() Site
	fetch(ctx context.Context, e *env) (Credentials, error)
}

// Site is where a profile of the CLI sends requests.
type Site struct {
	Region string // empty if the profile names none
	VPC    bool   // whether it uses the endpoints within a VPC
	sts    STS
}

// env is what all fetches of one cache have in common. It needs no lock, because only one of them
// runs at a time.
type env struct {
	Config
	found   Source // which of several sources had credentials
	ignored bool   // the log says that a profile's endpoint is ignored
}

// get fetches credentials, and refuses what can't be used. An error is an [*Error] and, like the
// credentials, names s or a more precise source.
func (e *env) get(ctx context.Context, s Source) (Credentials, error) {
	c, err := s.fetch(ctx, e)
	c.source = cmp.Or(c.source, s.String())
	if err == nil {
		err = c.check(time.Time{})
	}
	if err != nil {
		failure := asError(err)
		failure.Source = cmp.Or(failure.Source, c.source)
		return Credentials{}, failure
	}
	return c, nil
}

// AccessKey is a key that was configured as it is. The token is empty unless the key is a temporary
// one.
type AccessKey struct{ ID, Secret, Token string }

func (k AccessKey) String() string { return "access key " + Shorten(k.ID) }

// Site returns Site{}.
func (k AccessKey) Site() Site { return Site{} }

func (k AccessKey) fetch(context.Context, *env) (Credentials, error) {
	c := Credentials{AccessKeyID: k.ID, AccessKeySecret: k.Secret, SecurityToken: k.Token, given: true}
	return c, c.check(time.Time{})
}
