package credential

import (
	"context"
	"errors"
)

// Default is the default chain: the sources that every Alibaba Cloud tool tries if nothing names
// one. These are the CLI's current profile, the INI file and the ECS metadata service.
type Default struct {
	Section string // section of the INI file; empty means [default]
	NoCLI   string // the variable that switches off the CLI's file; empty means that it is on
	Files
}

func (d Default) String() string { return "the default chain" }

// Site returns where the CLI's current profile sends requests.
func (d Default) Site() Site { return d.current().Site() }

func (d Default) current() Profile { return Profile{Files: d.Files, off: d.NoCLI} }

func (d Default) fetch(ctx context.Context, e *env) (Credentials, error) {
	nothing := errors.New("the provider block and the environment name no source, and none of these has credentials")
	return e.firstOf(ctx, newError(Nowhere, nothing),
		cliProfile{d.current()}, iniSection{Profile{Name: d.Section, Files: d.Files}}, ECSRole{})
}

// firstOf tries sources in order. A source that is set up but broken ends the search, and so does
// one that had credentials once: the next one might be another identity. If none of them has
// credentials, firstOf returns the error nothing, to which it adds why.
func (e *env) firstOf(ctx context.Context, nothing *Error, sources ...Source) (Credentials, error) {
	if e.found != nil {
		return e.get(ctx, e.found)
	}
	for i, source := range sources {
		c, err := e.get(ctx, source)
		if err == nil {
			e.found = source
			return c, nil
		}
		failure := asError(err)
		if last := i == len(sources)-1; !failure.notSetUp && (!last || failure.Kind != NotFound) {
			return c, failure
		}
		e.Logger.DebugContext(ctx, "No credentials here", "source", failure.Source, "error", failure.Err)
		nothing.Tried = append(nothing.Tried, failure)
	}
	return Credentials{}, nothing
}
