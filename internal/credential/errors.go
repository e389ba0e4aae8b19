package credential

import (
	"fmt"
	"strings"
)

// Kind says what went wrong, and so what can be done about it.
type Kind int

// The kinds of an [Error].
const (
	// Unavailable: what was asked couldn't be reached, or was too busy to answer. Trying again may help.
	Unavailable Kind = iota
	// NotFound: there is nothing where credentials were looked for.
	NotFound
	// Invalid: what was configured can't work: half a key pair, a malformed file, a cycle of profiles.
	Invalid
	// Login: someone has to sign in first; Command says how.
	Login
	// Refused: the service answered with an error; Code, Message and RequestID are its own.
	Refused
	// Malformed: something answered, but not with credentials.
	Malformed
)

// Error says why a source had no credentials. It holds no secret, whatever the
// vendor's library said, and neither does anything that it wraps.
type Error struct {
	Source string // what was asked, as in "profile prod of ~/.aliyun/config.json"
	Kind   Kind
	Err    error

	// Command is what to run in a terminal first, if that helps.
	Command string

	// Code, Message and RequestID are the service's own, where it answered.
	Code, Message, RequestID string

	// Tried is each source of the default chain, in order, and why it had nothing.
	Tried []*Error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "get credentials from %s: %v", e.Source, e.Err)
	for i, tried := range e.Tried {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		fmt.Fprintf(&b, "%s%s: %v", separator, tried.Source, tried.Err)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }
