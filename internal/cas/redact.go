package cas

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// piece is how many bytes of a secret in a row are taken for a part of it: few enough to tell nothing, and more than an
// error code and a secret made up of words have in common.
const piece = 16

// redactor returns a function that takes what authenticates a request out of a text: the service quotes the token in its
// message about a wrong signature, and a proxy may show whole requests. A text may break off within a secret, or
// spell some of its characters in another way, so any piece of one counts.
func redactor(creds credential.Credentials, header http.Header) func(string) string {
	return func(text string) string {
		_, signature, _ := strings.Cut(header.Get("Authorization"), "Signature=")
		var b strings.Builder
		secret := secrets(text, creds.SecurityToken, creds.AccessKeySecret, signature)
		for i := range len(text) {
			switch {
			case !secret[i]:
				b.WriteByte(text[i])
			case i == 0 || !secret[i-1]:
				b.WriteString("[redacted]")
			}
		}
		return b.String()
	}
}

// secrets marks the bytes of text that are part of one of the secrets known.
func secrets(text string, known ...string) []bool {
	marks := make([]bool, len(text))
	for _, secret := range known {
		size := min(piece, len(secret))
		for i := 0; size > 0 && i+size <= len(text); i++ {
			if !strings.Contains(secret, text[i:i+size]) {
				continue
			}
			for j := range size {
				marks[i+j] = true
			}
		}
	}
	return marks
}

// enough is how many bytes of a text are looked at, so that a large one is cheap.
const enough = 4 << 10

// shown is a text of an answer as an error may show it.
func shown(text string, limit int, redact func(string) string) string {
	return clean(redact(text[:min(len(text), enough)]), limit)
}

// clean makes text from outside safe to print in one line of at most limit characters.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
