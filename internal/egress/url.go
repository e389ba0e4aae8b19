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
