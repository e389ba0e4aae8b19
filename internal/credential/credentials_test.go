package credential

import (
	"io/fs"
	"syscall"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

func TestKeyFlaw(t *testing.T) {
	t.Parallel()
	const (
		around    = "begins or ends with white space"
		inside    = "has white space in it"
		invisible = "has a character in it that is invisible or isn't ASCII"
		quotes    = "has quotes in or around it"
	)
	for s, want := range map[string]string{
		"":                       "",
		"LTAI5tExample":          "",
		"a/b+c=.~!#$%&()*,-_:;?": "",
		"LTAI\n":                 around,
		"\tLTAI":                 around,
		"\u00a0LTAI":             around,
		"LT AI":                  inside,
		"LT\r\nAI":               inside,
		"LTAI\u2028x":            inside,
		"LTAI\u200b":             invisible,
		"\ufeffLTAI":             invisible,
		"LT\x00AI":               invisible,
		"LT\x7fAI":               invisible,
		"LTАI":                   invisible, // a Cyrillic letter
		"LT\xffAI":               invisible,
		`"LTAI"`:                 quotes,
		"LTAI'":                  quotes,
		"`LTAI`":                 quotes,
		"{LTAI}":                 "has brackets in it",
		"<html>":                 "has brackets in it",
		"null":                   `is the word "null"`,
		"undefined":              `is the word "undefined"`,
	} {
		if got := KeyFlaw(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"LTAI5tAbCdEfGhIj3xQz": "LTAI…3xQz", "STS.NTAbCdEfGhIj3xQz": "STS.…3xQz", "LTAI5tAbCdEf": "LTA…",
		"cAsTeStAcCeSsKeYsEcReT": "cAs…", "short": "sho…", "ab": "ab…", "": "…",
	} {
		if got := Shorten(id); got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
}

// A source in another user's home directory isn't set up. The error is made here, because a
// superuser who runs the tests has all permissions.
func TestFileError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		unnamed bool
		kind    egress.Kind
		unset   bool
	}{
		"absent":               {err: fs.ErrNotExist, kind: NotFound, unset: true},
		"forbidden, unnamed":   {err: fs.ErrPermission, unnamed: true, kind: Invalid, unset: true},
		"forbidden, named":     {err: fs.ErrPermission, kind: Invalid},
		"a directory, unnamed": {err: syscall.EISDIR, unnamed: true, kind: Invalid},
	} {
		e := fileError(&fs.PathError{Op: "open", Path: "f", Err: test.err}, test.unnamed)
		if e.Kind != test.kind || e.notSetUp != test.unset {
			t.Errorf("%s: got kind %s, not set up: %t, want %s, %t", name, e.Kind, e.notSetUp, test.kind, test.unset)
		}
	}
}
