package credential

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// Credentials sign requests.
type Credentials struct {
	openapi.Key
	Expiration time.Time // zero if the source doesn't say

	source  string // which source they came from, if that isn't known beforehand
	sts     STS    // where the profile that they came from assumes roles
	account string // the account of the role or the sign-in that they are for
	given   bool   // they were configured as they are, not issued
}

// String returns the shortened access key ID, in case credentials are printed by mistake.
func (c Credentials) String() string { return Shorten(c.AccessKeyID) }

// GoString returns the same as String, for %#v.
func (c Credentials) GoString() string { return c.String() }

// Identity returns what stands for c's account, the same in every run: its ID if the role or the
// sign-in says so, else the ID of a key without a token. All other credentials share one name: two
// accounts with one quota are slower than necessary, but an account with two would be throttled.
func (c Credentials) Identity() string {
	switch {
	case c.account != "":
		return c.account
	case c.SecurityToken == "":
		return c.AccessKeyID
	}
	return "temporary credentials"
}

var errExpired = errors.New("the session that it gave expired")

// check refuses credentials that aren't complete, that can't be a key or a token, or that have
// expired by this machine's clock. It quotes nothing. The date is the response's Date, or zero.
func (c Credentials) check(date time.Time) error {
	if c.AccessKeyID == "" || c.AccessKeySecret == "" {
		const lacks = "no access key ID or no access key secret"
		if c.given {
			return errors.New("there is " + lacks)
		}
		return newError(egress.Malformed, "its response has "+lacks)
	}
	for _, part := range [][2]string{
		{"access key ID", c.AccessKeyID}, {"access key secret", c.AccessKeySecret}, {"security token", c.SecurityToken},
	} {
		if flaw := KeyFlaw(part[1]); flaw != "" {
			return newError(NotAKey, "its %s %s", part[0], flaw)
		}
	}
	now := time.Now()
	if c.Expiration.IsZero() || now.Before(c.Expiration) {
		return nil
	}
	e := newError(Invalid, "%w at %s by this machine's clock", errExpired, c.Expiration.UTC().Format(time.RFC3339))
	switch {
	case date.IsZero(): // so nothing shows that the clock is off
	case date.Before(c.Expiration):
		e.Kind, e.Skew = openapi.Clock, now.Sub(date)
	default:
		e.Err = fmt.Errorf("%w, and by the Date of its response as well", e.Err)
	}
	return e
}

// KeyFlaw reports why s can't be an access key ID, an access key secret or a token, as in "has
// white space in it", without quoting s. It is empty if nothing is wrong.
func KeyFlaw(s string) string {
	switch {
	case strings.TrimSpace(s) != s:
		return "begins or ends with white space"
	case strings.ContainsFunc(s, unicode.IsSpace):
		return "has white space in it"
	case strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' }):
		return "has a character in it that is invisible or isn't ASCII"
	case strings.ContainsAny(s, "\"'`"):
		return "has quotes in or around it"
	case strings.ContainsAny(s, "{}[]<>"):
		return "has brackets in it"
	case s == "null", s == "undefined":
		return "is the word " + strconv.Quote(s)
	}
	return ""
}

// Shorten makes an access key ID safe to show: LTAI…3xQz, or Abc… if it may be a secret instead.
func Shorten(id string) string {
	runes, looksLikeID := []rune(id), strings.HasPrefix(id, "LTAI") || strings.HasPrefix(id, "STS.")
	if looksLikeID && len(runes) > 12 {
		return string(runes[:4]) + "…" + string(runes[len(runes)-4:])
	}
	return string(runes[:min(3, len(runes))]) + "…"
}

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
func (e *Error) Error() string { return fmt.Sprintf("get credentials from %s: %v", e.Source, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether another try may succeed though nothing is changed.
func (e *Error) Temporary() bool { return e.Report.Temporary(e.Err) }

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

// absent returns the error of a source that doesn't exist. If it is optional, it isn't set up.
func absent(optional bool, err error) *Error {
	return &Error{Report: openapi.Report{Kind: NotFound}, Err: err, notSetUp: optional}
}

// typeName returns a type or mode, shortened if it may be a secret in the wrong place.
func typeName(s string) string {
	if regexp.MustCompile(`^[A-Za-z_]{0,24}$`).MatchString(s) {
		return s
	}
	return Shorten(s)
}
