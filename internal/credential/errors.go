package credential

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// The kinds of an [Error] besides those of packages egress and openapi.
const (
	Nowhere  egress.Kind = "nowhere"        // no source is named, and the default chain found none
	NotFound egress.Kind = "not found"      // a file, a profile or a role doesn't exist
	Invalid  egress.Kind = "invalid"        // what was configured can't work: half a key pair, an old session
	Login    egress.Kind = "sign-in needed" // the user has to sign in first, with Command
	NotAKey  egress.Kind = "not a key"      // the source returned an invalid key or token
)

// Error says why a source had no credentials. Neither it nor what it wraps holds a secret.
type Error struct {
	openapi.Report // of the service, if it responded

	Source  string // the source, as in "profile prod of ~/.aliyun/config.json"
	Err     error
	Command string   // what to run in a terminal first, if that helps
	Tried   []*Error // each source that was tried, if there were several, and why it had nothing

	notSetUp bool // the source is optional, and isn't set up, so that the default chain may go on
}

// newError returns an error of a kind, with a text as of [fmt.Errorf].
func newError(kind egress.Kind, format string, args ...any) *Error {
	return &Error{Report: openapi.Report{Kind: kind}, Err: fmt.Errorf(format, args...)}
}

// Error says which source had no credentials, and why.
func (e *Error) Error() string {
	return fmt.Sprintf("get credentials from %s: %v", e.Source, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether another try may succeed though nothing is changed.
func (e *Error) Temporary() bool {
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		return unanswered.Temporary()
	}
	return e.Kind == openapi.Temporary || e.Kind == openapi.Throttled
}

// asError returns err as an [*Error] that the caller may modify.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return new(*e)
	}
	kind := Invalid
	switch unanswered, ok := errors.AsType[*egress.Error](err); {
	case ok:
		kind, err = unanswered.Kind, unanswered
	case errors.Is(err, os.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		kind = NotFound
	}
	return &Error{Report: openapi.Report{Kind: kind}, Err: err}
}

// fileError is about a file that can't be read. It isn't set up if it is absent, or if it is
// another user's and the user of this process didn't name it.
func fileError(err error, unnamed bool) *Error {
	e := asError(err)
	e.notSetUp = e.Kind == NotFound || unnamed && errors.Is(err, os.ErrPermission)
	return e
}

// absent returns the error of a source that isn't there, which is optional or has to be.
func absent(optional bool, err error) *Error {
	return &Error{Report: openapi.Report{Kind: NotFound}, Err: err, notSetUp: optional}
}

// typeName returns a type or mode, or the beginning of a secret in its place, which is longer.
func typeName(s string) string {
	if regexp.MustCompile(`^[A-Za-z_]{0,24}$`).MatchString(s) {
		return s
	}
	return Shorten(s)
}
