package egress

import (
	"crypto/x509"
	"errors"
	"io"
	"testing"
	"time"
)

func TestTemporary(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]bool{
		NoSuchHost: false, DNSFailed: true, Refused: true, TimedOut: true, ConnectionFailed: true, NotTLS: false, Untrusted: false,
		NoRoots: false, InvalidProxy: false, ProxyRefuses: false, Redirected: false, TooLarge: false, Malformed: false,
	} {
		if got := (&Error{Kind: kind}).Temporary(); got != want {
			t.Errorf("%s: got %t, want %t", kind, got, want)
		}
	}
	for status, want := range map[int]bool{
		200: false, 302: false, 403: false, 407: false, 408: true, 425: true, 429: true, 500: true, 501: false, 502: true, 503: true, 504: true,
		505: false, 509: true, 519: false, 520: true, 521: true, 522: true, 523: true, 524: true, 525: false, 529: true,
	} {
		for _, kind := range []Kind{ProxyRefuses, TooLarge} {
			if got := (&Error{Kind: kind, Status: status}).Temporary(); got != want {
				t.Errorf("%s, HTTP %d: got %t, want %t", kind, status, got, want)
			}
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	const address = "https://cas.aliyuncs.com"
	for want, e := range map[string]*Error{
		"https://cas.aliyuncs.com: connection failed: unexpected EOF": {
			Kind: ConnectionFailed, Err: io.ErrUnexpectedEOF,
		},
		"https://cas.aliyuncs.com: malformed response: HTTP 200": {Kind: Malformed, Status: 200},
		"https://cas.aliyuncs.com: redirected: http://portal.test: HTTP 307": {
			Kind: Redirected, Status: 307, Location: "http://portal.test",
		},
		"https://cas.aliyuncs.com: refused by the proxy: HTTPS_PROXY: proxy.test:3128: HTTP 407": {
			Kind: ProxyRefuses, Variable: "HTTPS_PROXY", Proxy: "proxy.test:3128", Status: 407,
		},
		"https://cas.aliyuncs.com: invalid proxy: https_proxy: it isn't a URL": {
			Kind: InvalidProxy, Variable: "https_proxy", Err: errors.New("it isn't a URL"),
		},
		"https://cas.aliyuncs.com: certificate not trusted: x509: certificate signed by unknown author": {
			Kind: Untrusted, Err: x509.UnknownAuthorityError{},
		},
		"https://cas.aliyuncs.com: connection failed: a�[2Jb c": {
			Kind: ConnectionFailed, Err: errors.New("a\x1b[2Jb\r\n\tc"),
		},
	} {
		e.Address = address
		if got := e.Error(); got[:min(len(got), len(want))] != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if e.Err != nil && !errors.Is(e, e.Err) {
			t.Errorf("%s: got cause %v, want %v", e, errors.Unwrap(e), e.Err)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for elapsed, longest := range map[time.Duration]time.Duration{
		0:                time.Second,
		time.Second / 2:  time.Second,
		4 * time.Second:  8 * time.Second,
		10 * time.Minute: 20 * time.Minute,
	} {
		shortest, seen := longest/2, map[bool]bool{}
		for range 1000 {
			wait := Backoff(elapsed)
			if wait < shortest || wait >= longest {
				t.Fatalf("%s after the first failure: got %s, want %s to %s", elapsed, wait, shortest, longest)
			}
			seen[wait < (shortest+longest)/2] = true
		}
		if len(seen) != 2 {
			t.Errorf("%s after the first failure: got waits in one half of %s to %s, want them in both", elapsed, shortest, longest)
		}
	}
}
