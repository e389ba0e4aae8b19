package egress

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "",
		"plain":                       "plain",
		" a\r\n\tb\u2028c ":           "a b c",
		"a\x1b[2Jb\u202ec\xffd":       "a�[2Jb�c�d",
		strings.Repeat("é", 30):       strings.Repeat("é", 30),
		strings.Repeat("é", 31):       strings.Repeat("é", 29) + "…",
		strings.Repeat(" x", 15) + "": strings.TrimSpace(strings.Repeat(" x", 15)),
	} {
		if got := Printable(text, 30); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// These are of the size and the alphabet of real ones.
const (
	secret    = "q8Zr2VtKx0BnLw7YcM5sDf3HgJ9aPe"
	token     = "CAIS+w9/8Jk2=QmVn4Xr6ZtLb1CyHs/3GdPoKf7Wu0TqAe5Ni+RjMzSxBvUcYwEpDg=="
	signature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
)

// leak returns the first run of a secret that text holds.
func leak(text string) string {
	for _, secret := range []string{secret, token, signature} {
		for i := range len(secret) - minSecretRun + 1 {
			if strings.Contains(text, secret[i:i+minSecretRun]) {
				return secret[i : i+minSecretRun]
			}
		}
	}
	return ""
}

func TestQuoteRedacts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                      "",
		"nothing secret":                        "nothing secret",
		secret:                                  "[redacted]",
		"key " + secret + ".":                   "key [redacted].",
		"key " + secret[:16]:                    "key [redacted]",
		"key " + secret[3:19] + "…":             "key [redacted]…",
		"key " + secret[:15]:                    "key " + secret[:15],
		token + " " + signature:                 "[redacted] [redacted]",
		secret + token:                          "[redacted]",
		url.QueryEscape(token):                  "[redacted]",
		"x" + url.PathEscape(token) + "x":       "x[redacted]x",
		url.QueryEscape(url.QueryEscape(token)): "[redacted]",
		"x-acs-security-token:" + token[:20]:    "x-acs-security-token:[redacted]",
		"Credential=LTAI5tCasTestAccessKeyId":   "Credential=LTAI5tCasTestAccessKeyId",
		// Secrets that the caller didn't name:
		"bad SecurityToken=hush-hush-hush&x=1":   "bad SecurityToken=[redacted]&x=1",
		"bad AccessKeySecret%3Dhush-hush-hush":   "bad AccessKeySecret%3D[redacted]",
		"bad Authorization: Bearer hush-hush":    "bad Authorization: Bearer [redacted]",
		"proxy?password=hush-hush":               "proxy?password=[redacted]",
		`{"access_token": "hush-hush-hush"}`:     `{"access_token": "[redacted]"}`,
		"bad Signature%253Dhush-hush-hush":       "bad Signature%253D[redacted]",
		"Server String To Sign is:POST&%2F&hush": "Server String To Sign [redacted]",
		"The token is invalid.":                  "The token is invalid.",
		"InvalidSecurityToken.Expired":           "InvalidSecurityToken.Expired",
		"a\x00b":                                 "a\ufffdb",
	} {
		if got := Quote(text, 1000, secret, token, signature, ""); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got, want := Quote("a short secret", 1000, "short"), "a [redacted] secret"; got != want {
		t.Errorf("a short secret: got %q, want %q", got, want)
	}
	for _, code := range []string{"InvalidAccessKeyId.NotFound", "InvalidSecurityToken.Expired"} {
		if got := Quote(code, 1000, "YourAccessKeySecret", "YourSecurityToken"); got != code {
			t.Errorf("a code that shares a word with a secret: got %q, want %q", got, code)
		}
	}
}

// A text is redacted first and then cut: not even the first few characters of a secret are left.
func TestQuoteRedactsBeforeItCuts(t *testing.T) {
	t.Parallel()
	if got, want := Quote(strings.Repeat("x", 195)+secret, 200, secret), strings.Repeat("x", 195)+"[red…"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := Quote(strings.Repeat("x", maxInspected)+"y", 2*maxInspected); strings.Contains(got, "y") {
		t.Errorf("got %d characters, want at most %d inspected", len(got), maxInspected)
	}
	for _, s := range []string{secret, token, signature} {
		for _, pad := range []int{0, 150, 175, 199, 950, 980, 999, maxInspected - 40, maxInspected - 16, maxInspected - 1, maxInspected} {
			if piece := leak(Quote(strings.Repeat("x", pad)+s, maxInspected, secret, token, signature)); piece != "" {
				t.Fatalf("%d before the secret: got %q of it, want nothing", pad, piece)
			}
		}
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"https://cas.test", "HTTPS://CAS.test./path?query#fragment", "http://user:hush@a_b.c-d.test:65535", "https://127.0.0.1:1",
		"https://[::1]:8443/", "http://[fe80::1%25eth0]/", "http://-:hush@1.test",
	} {
		if u, err := ParseURL(text, "https", "http"); err != nil || u.Hostname() == "" {
			t.Errorf("%s: got %v, %v, want a URL with a host", text, u, err)
		}
	}
}

func TestParseURLSaysWhy(t *testing.T) {
	t.Parallel()
	const (
		space  = "it has white space in it"
		escape = "it has a % that isn't followed by two hexadecimal digits"
		none   = "it isn't a URL"
		scheme = "its scheme isn't https or http"
		host   = "its host is neither a host name nor an IP address"
		port   = "its port isn't between 1 and 65535"
	)
	for text, want := range map[string]string{
		"https://user:hush@cas.test\n":    space,
		" https://cas.test":               space,
		"https://user:hu sh@cas.test":     space,
		"https://user:50%hush@cas.test":   escape,
		"https://user:hush\x00@cas.test":  none,
		"https://user:hush@cas.test:port": none,
		"https://[::1":                    none,
		"":                                "it is empty",
		"cas.test/hush":                   scheme,
		"ftp://hush":                      scheme,
		"https:hush":                      host,
		"https://":                        host,
		"https://user:hush@:443":          host,
		"https://-cas.test":               host,
		"https://cas..test":               host,
		"https://*.test":                  host,
		"https://hush!":                   host,
		"https://cäs.test":                host,
		"https://" + strings.Repeat("a.", 127) + "/hush": host,
		"https://cas.test:":                 port,
		"https://cas.test:0/hush":           port,
		"https://user:hush@127.0.0.1:65536": port,
	} {
		if u, err := ParseURL(text, "https", "http"); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v, want %q", text, u, err, want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	const follows = "something follows its host and port"
	for text, want := range map[string]string{
		"cas.test":                   "https://cas.test",
		"user:hush@cas.test:8443":    "https://user:hush@cas.test:8443",
		"http://cas.test/":           "http://cas.test/",
		"[::1]:8443":                 "https://[::1]:8443",
		"https:cas.test":             "it isn't a URL",
		"://cas.test":                "it isn't a URL",
		"ftp://cas.test":             "its scheme isn't https or http",
		"":                           "its host is neither a host name nor an IP address",
		"cas.test:0":                 "its port isn't between 1 and 65535",
		"cas.test/hush":              follows,
		"cas.test//":                 follows,
		"https://cas.test?":          follows,
		"https://cas.test/?q=hush":   follows,
		"https://user@cas.test#":     follows,
		"https://user@cas.test#hush": follows,
	} {
		u, err := ParseAddress(text, "https", "http")
		got := fmt.Sprint(u)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
