package credential

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// Source is an [AccessKey], a [Profile], a [URI], an [ECSRole], [OIDC] or the [Default] chain.
type Source interface {
	// String names the source, and holds no secret.
	String() string
	// fetch returns checked credentials; see [Credentials.check].
	fetch(ctx context.Context, f *fetcher) (Credentials, error)
}

// RegionOf returns the region that a profile of the CLI names, if s is one, and whether it uses the
// endpoints within a VPC. It reads the CLI's file.
func RegionOf(s Source) (id string, vpc bool) {
	var p profile // stays empty after an error, which fetching credentials reports
	switch s := s.(type) {
	case Profile:
		p, _ = s.read()
	case Default:
		p, _ = s.current().read()
	}
	return p.RegionID, strings.EqualFold(p.EndpointType, "vpc")
}

// fetcher fetches for one cache. It needs no lock, because only one fetch runs at a time.
type fetcher struct {
	Config
	found   Source // which of several sources had credentials
	ignored bool   // the log says that a profile's endpoint is ignored
}

// get fetches credentials. They, or else the [*Error], name s or a more precise source.
func (f *fetcher) get(ctx context.Context, s Source) (Credentials, error) {
	c, err := s.fetch(ctx, f)
	c.source = cmp.Or(c.source, s.String())
	if err == nil {
		return c, nil
	}
	failure := asError(err)
	failure.Source = cmp.Or(failure.Source, c.source)
	return Credentials{}, failure
}

// firstOf tries sources in order. A source that is set up but broken ends the search, and so does
// one that had credentials once: the next one might be another identity. If none of them has
// credentials, firstOf returns the error nothing, to which it adds why.
func (f *fetcher) firstOf(ctx context.Context, nothing *Error, sources ...Source) (Credentials, error) {
	if f.found != nil {
		return f.get(ctx, f.found)
	}
	for i, source := range sources {
		c, err := f.get(ctx, source)
		if err == nil {
			f.found = source
			return c, nil
		}
		failure := asError(err)
		if last := i == len(sources)-1; !failure.notSetUp && (!last || failure.Kind != NotFound) {
			return c, failure
		}
		f.Logger.DebugContext(ctx, "No credentials here", "source", failure.Source, "error", failure.Err)
		nothing.Tried = append(nothing.Tried, failure)
	}
	return Credentials{}, nothing
}

// Default is the chain that every tool tries: the CLI's current profile, the INI file, an ECS role.
type Default struct {
	Section string // section of the INI file; empty means [default]
	NoCLI   string // the variable that switches off the CLI's file; empty means that it is on
	Files
}

func (d Default) String() string { return "the default chain" }

func (d Default) current() Profile { return Profile{Files: d.Files, off: d.NoCLI} }

func (d Default) fetch(ctx context.Context, f *fetcher) (Credentials, error) {
	const text = "the provider block and the environment name no source, and none of these has credentials"
	return f.firstOf(ctx, newError(Nowhere, text),
		cliProfile{d.current()}, iniSection{Profile{Name: d.Section, Files: d.Files}}, ECSRole{})
}

// AccessKey is a key that was configured as it is. Its JSON is what a profile of the CLI has.
type AccessKey struct {
	ID     string `json:"access_key_id"`
	Secret string `json:"access_key_secret"`
	Token  string `json:"sts_token"` // empty unless the key is a temporary one
}

func (k AccessKey) String() string { return "access key " + Shorten(k.ID) }

func (k AccessKey) fetch(context.Context, *fetcher) (Credentials, error) {
	c := Credentials{given: true}
	c.AccessKeyID, c.AccessKeySecret, c.SecurityToken = k.ID, k.Secret, k.Token
	return c, c.check(time.Time{})
}
