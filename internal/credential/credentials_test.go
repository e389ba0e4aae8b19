package credential

import "testing"

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
