package credential

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// The library's errors quote what they could not use: addresses with every signed parameter, answers, files. Nothing that
// came from outside is passed on unless it was understood as a service's error, and even that is scrubbed.

// patterns are compiled where there is something to explain, because Terraform starts the provider several times for a
// plan.
var patterns = sync.OnceValue(func() (p struct {
	quoted, refused, malformed, query, userInfo, parameter, signed, identifier *regexp.Regexp
}) {
	// The phrases behind which the library, at v1.4.14, quotes an answer or a file.
	p.quoted = regexp.MustCompile(`^refresh session token failed: |` +
		`^get session token failed: |` +
		`^get session token from (sso|OAuth) failed: |` +
		`^refresh session token err, fail to get credentials from OAuth: |` +
		`^failed to refresh token from OAuth: |` +
		`message = |` +
		`[{<]`)
	// Those of them behind which it quotes an answer of another status than 200, without the status.
	p.refused = regexp.MustCompile(`^(refresh|get) session token( from \w+)? failed$`)
	// What net/http says about an answer that it can't read, and quotes.
	p.malformed = regexp.MustCompile(`(?is)(malformed |bad content-length |unsupported transfer encoding|failed to parse location).*`)
	p.query = regexp.MustCompile(`(https?://[^\s"'?#]*)[?#][^\s"']*`)
	p.userInfo = regexp.MustCompile(`(https?://)[^/\s"'@]*@`)
	p.parameter = regexp.MustCompile(`(?i)(secret|token|signature|authorization|password)` +
		`("?\s*(?:[:=]|%3D|%253D)\s*"?(?:bearer )?)[^\s"',;&)]{8,}`)
	p.signed = regexp.MustCompile(`(?is)string ?to ?sign.*`)
	p.identifier = regexp.MustCompile(`\b(?:LTAI|STS\.)[A-Za-z0-9]{8,}`)
	return p
})

// malformedAnswer stands for what net/http quotes.
const malformedAnswer = "malformed HTTP answer"

// serviceError is how STS (Code, Message) and OAuth (error, error_description) say no.
type serviceError struct {
	Code        string
	Message     string
	RequestID   string `json:"RequestId"`
	OAuth       string `json:"error"`
	Description string `json:"error_description"`
}

// explain turns an error of the library into one that can be shown.
func explain(err error, scrub scrubber) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return unreached(e, scrub)
	}
	p := patterns()
	text := p.malformed.ReplaceAllLiteralString(err.Error(), malformedAnswer)
	at := p.quoted.FindStringIndex(text)
	if at == nil {
		return &Error{Kind: Malformed, Err: errors.New(scrub.text(text))}
	}
	head, answer := text[:at[1]], text[at[1]:]
	if c := text[at[0]]; c == '{' || c == '<' {
		head, answer = text[:at[0]], text[at[0]:]
	}
	head = scrub.text(strings.TrimRight(head, ":= "))
	var said serviceError
	if json.Unmarshal([]byte(answer), &said) != nil || said.Code == "" && said.OAuth == "" {
		kind := Malformed
		if p.refused.MatchString(head) && !json.Valid([]byte(answer)) {
			kind = Unavailable // STS and its like speak JSON: a gateway before it doesn't
		}
		return &Error{Kind: kind, Err: fmt.Errorf("%s (what it answered is left out, as it may hold secrets: %d bytes)", head, len(answer))}
	}
	e := &Error{
		Kind:      Refused,
		Code:      scrub.text(said.Code + said.OAuth),
		Message:   scrub.text(said.Message + said.Description),
		RequestID: scrub.text(said.RequestID),
	}
	if busy(e.Code) {
		e.Kind = Unavailable
	}
	e.Err = fmt.Errorf("%s: %s: %s", head, e.Code, e.Message)
	if e.RequestID != "" {
		e.Err = fmt.Errorf("%w (request ID %s)", e.Err, e.RequestID)
	}
	return e
}

// unreached is about a request that had no answer, or one that can't be read, which another try won't change.
func unreached(err *url.Error, scrub scrubber) *Error {
	text := scrub.text(fmt.Sprintf("%s %s: %v", strings.ToLower(err.Op), withoutQuery(err.URL), err.Err))
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	if untrusted || strings.Contains(text, malformedAnswer) {
		return &Error{Kind: Malformed, Err: errors.New(text)}
	}
	return &Error{Kind: Unavailable, Err: errors.New(text)}
}

func busy(code string) bool {
	return strings.HasPrefix(code, "Throttling") || code == "ServiceUnavailable" || code == "InternalError"
}

func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the configured address"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Shorten makes an access key ID safe to show and still recognizable: LTAI…3xQz.
func Shorten(id string) string {
	const kept = 4
	if runes := []rune(id); len(runes) > 3*kept {
		return string(runes[:kept]) + "…" + string(runes[len(runes)-kept:])
	}
	return "…"
}

// scrubber takes secrets out of texts: those it knows, and what looks like one.
type scrubber struct{ known *strings.Replacer }

func newScrubber(secrets ...string) scrubber {
	var pairs []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		once := url.QueryEscape(s)
		for _, form := range []string{s, once, url.PathEscape(s), url.QueryEscape(once)} {
			pairs = append(pairs, form, "***")
		}
	}
	return scrubber{strings.NewReplacer(pairs...)}
}

func (s scrubber) text(text string) string {
	text = s.known.Replace(text)
	p := patterns()
	text = p.malformed.ReplaceAllLiteralString(text, malformedAnswer)
	text = p.query.ReplaceAllString(text, "$1")
	text = p.userInfo.ReplaceAllString(text, "$1")
	text = p.signed.ReplaceAllString(text, "string to sign (left out)")
	text = p.parameter.ReplaceAllString(text, "$1$2***")
	text = p.identifier.ReplaceAllStringFunc(text, Shorten)
	const limit = 500
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit]) + "…"
	}
	return strings.TrimSpace(text)
}
