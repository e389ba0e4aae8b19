package egress

import (
	"fmt"
	"strings"
	"testing"
)

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
