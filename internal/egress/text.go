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

// Quote returns a text of a response as an error may show it: redacted, and then [Printable].
func Quote(text string, limit int, secrets ...string) string {
	return Printable(redact(text[:min(len(text), maxInspected)], secrets...), limit)
}

// PublicAddress returns an address, valid or not, without user information, query and fragment.
func PublicAddress(address string) string {
	address = regexp.MustCompile(`(?s)[?#].*`).ReplaceAllString(address, "")
	return regexp.MustCompile(`(?s)^(.*?://)?.*@`).ReplaceAllString(address, "${1}…@")
}

// Origin returns the scheme and host of a URL, or nothing if there is none.
func Origin(u *url.URL) string {
	if u == nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// redact takes secrets, and what looks like one, out of a text from outside. The text may break off
// within a secret, or spell it in another way, so a run of [minSecretRun] bytes counts.
func redact(text string, secrets ...string) string {
	var forms []string
	for _, secret := range secrets {
		once := url.QueryEscape(secret)
		forms = append(forms, secret, once, url.PathEscape(secret), url.QueryEscape(once))
	}
	var b strings.Builder
	end := -1 // of the last run of a secret
	for i := range len(text) {
		for _, form := range forms {
			size := min(minSecretRun, len(form))
			if size == 0 || i+size > len(text) || !strings.Contains(form, text[i:i+size]) {
				continue
			}
			if i > end {
				b.WriteString("[redacted]")
			}
			end = max(end, i+size)
		}
		if i >= end {
			b.WriteByte(text[i])
		}
	}
	// A string to sign holds all parameters, encoded twice.
	text = regexp.MustCompile(`(?is)(string ?to ?sign).*`).ReplaceAllString(b.String(), "$1 [redacted]")
	const unknown = `(?i)((?:secret|token|signature|authorization|password)"?` +
		`\s*(?:[:=]|%3D|%253D)\s*"?(?:bearer )?)[^\s"',;&)]{8,}`
	return regexp.MustCompile(unknown).ReplaceAllString(text, "${1}[redacted]")
}
