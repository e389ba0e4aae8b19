package egress

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/http/httpproxy"
)

// proxyOf returns the proxy of a request. HTTP_PROXY isn't looked at: what isn't encrypted is for this machine and its own link.
func proxyOf(req *http.Request) (*url.URL, error) {
	config := httpproxy.FromEnvironment()
	if config.HTTPSProxy == "" {
		return nil, nil
	}
	// The library takes what isn't a URL for no proxy at all, so it only decides whether NO_PROXY names the host.
	exceptions := httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: config.NoProxy}
	if used, err := exceptions.ProxyFunc()(req.URL); used == nil || err != nil {
		return nil, err
	}
	variable := "HTTPS_PROXY"
	if runtime.GOOS != "windows" && os.Getenv("https_proxy") != "" { // the library prefers it too; Windows knows no case
		variable = "https_proxy"
	}
	u, err := parseProxy(config.HTTPSProxy)
	if err != nil {
		return nil, &Error{Kind: InvalidProxy, Variable: variable, Err: err}
	}
	if r, ok := req.Context().Value(roundKey{}).(*round); ok {
		r.note(func() { r.proxy, r.variable = u, variable })
	}
	return u, nil
}

// parseProxy reads a URL or a host with or without a port. An error never quotes it, as it may hold a password.
func parseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	if strings.ContainsFunc(text, unicode.IsSpace) {
		return nil, errors.New("it has white space in it")
	}
	u, err := url.Parse(text)
	if _, ok := errors.AsType[url.EscapeError](err); ok {
		return nil, errors.New("it has a % in it that no two hexadecimal digits follow")
	} else if err != nil {
		return nil, errors.New("it isn't a URL")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, errors.New("its scheme isn't http, https, socks5 or socks5h")
	}
	switch {
	case u.Hostname() == "":
		return nil, errors.New("it has no host")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "", strings.ContainsAny(text, "?#"):
		return nil, errors.New("something follows its host and port")
	case !isHost(u.Hostname()), !ValidPort(u):
		return nil, errors.New("its host or its port isn't one")
	}
	return u, nil
}

func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.ContainsFunc(host, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r)
	})
}

// ValidPort reports whether a URL has no port, or one between 1 and 65535.
func ValidPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

func proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &Error{Kind: ProxyRefuses, Status: resp.StatusCode}
	}
	return nil
}
