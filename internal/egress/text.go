package egress

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

const (
	maxInspected = 4 << 10 // how many bytes of a text are inspected, to bound the cost
	minSecretRun = 16      // how many bytes of a secret in a row show it; an error code may share fewer
)

// Printable makes text from outside safe to print: as one line of at most limit characters.
func Printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}

// Quote returns a text of a response as an error may show it: without secrets and what looks like
// one, and then [Printable]. The text may break off within a secret, or spell it in another way, so
// a run of [minSecretRun] bytes counts.
func Quote(text string, limit int, secrets ...string) string {
	text = text[:min(len(text), maxInspected)]
	shown := []byte(text) // with zeros in place of secrets
	for _, secret := range secrets {
		once := url.QueryEscape(secret)
		for _, form := range []string{secret, once, url.PathEscape(secret), url.QueryEscape(once)} {
			size := min(minSecretRun, len(form))
			for i := 0; size > 0 && i+size <= len(text); i++ {
				if strings.Contains(form, text[i:i+size]) {
					clear(shown[i : i+size])
				}
			}
		}
	}
	text = regexp.MustCompile(`\x00+`).ReplaceAllString(string(shown), "[redacted]")
	// A string to sign holds all parameters, encoded twice.
	text = regexp.MustCompile(`(?is)(string ?to ?sign).*`).ReplaceAllString(text, "$1 [redacted]")
	const unknown = `(?i)((?:secret|token|signature|authorization|password)"?` +
		`\s*(?:[:=]|%3D|%253D)\s*"?(?:bearer )?)[^\s"',;&)]{8,}`
	text = regexp.MustCompile(unknown).ReplaceAllString(text, "${1}[redacted]")
	return Printable(text, limit)
}

// Origin returns the scheme and host of a URL, or nothing if there is none.
func Origin(u *url.URL) string {
	if u == nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
