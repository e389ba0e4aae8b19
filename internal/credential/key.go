package credential

import (
	"strings"
	"unicode"
)

// KeyFlaw reports why s can't be an access key ID, an access key secret or a token, as in "has white space in it". It is
// empty where nothing is wrong, and never quotes s. All of them are printable ASCII without quotes.
func KeyFlaw(s string) string {
	printableASCII := func(r rune) bool { return r > ' ' && r <= '~' }
	switch i := strings.IndexFunc(s, func(r rune) bool { return !printableASCII(r) }); {
	case strings.TrimSpace(s) != s:
		return "begins or ends with white space"
	case strings.ContainsFunc(s, unicode.IsSpace):
		return "has white space in it"
	case i >= 0:
		return "has a character in it that is invisible or isn't ASCII"
	case strings.ContainsAny(s, "\"'`"):
		return "has quotes in or around it"
	}
	return ""
}

// Shorten makes an access key ID safe to show and still recognizable: LTAI…3xQz.
func Shorten(id string) string {
	const kept = 4
	if runes := []rune(id); len(runes) > 3*kept {
		return string(runes[:kept]) + "…" + string(runes[len(runes)-kept:])
	}
	return "…"
}
