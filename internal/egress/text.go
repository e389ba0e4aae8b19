package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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
	text = strings.ReplaceAll(text[:min(len(text), maxInspected)], "\x00", string(unicode.ReplacementChar))
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

// ParseURL reads a URL of one of the schemes, with a host. An error never quotes it.
func ParseURL(text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	_, badEscape := errors.AsType[url.EscapeError](err)
	switch {
	case text == "":
		return nil, errors.New("it is empty")
	case strings.ContainsFunc(text, unicode.IsSpace):
		return nil, errors.New("it has white space in it")
	case badEscape:
		return nil, errors.New("it has a % that isn't followed by two hexadecimal digits")
	case err != nil:
		return nil, errors.New("it isn't a URL")
	case !slices.Contains(schemes, u.Scheme):
		return nil, fmt.Errorf("its scheme isn't %s", strings.Join(schemes, " or "))
	case !isHost(u.Hostname()):
		return nil, errors.New("its host is neither a host name nor an IP address")
	case !hasPort(u):
		return nil, errors.New("its port isn't between 1 and 65535")
	}
	return u, nil
}

// ParseAddress reads a host, with or without a port or a scheme, which is the first by default.
func ParseAddress(text string, schemes ...string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = schemes[0] + "://" + text
	}
	u, err := ParseURL(text, schemes...)
	if err == nil && (u.Path != "" && u.Path != "/" || strings.ContainsAny(text, "?#")) {
		return nil, errors.New("something follows its host and port")
	}
	return u, err
}

func isHost(host string) bool {
	name := regexp.MustCompile(`^\w([\w-]*\w)?(\.\w([\w-]*\w)?)*\.?$`)
	_, err := netip.ParseAddr(host)
	return err == nil || len(host) <= 253 && name.MatchString(host)
}

// hasPort reports whether a URL has a valid port, or none.
func hasPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}

// Origin returns the scheme and host of a URL, or nothing if there is none.
func Origin(u *url.URL) string {
	if u == nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
