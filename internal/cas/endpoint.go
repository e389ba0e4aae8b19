package cas

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// Endpoint returns the public endpoint of a region.
//
// The vendor's sources disagree about the regions that have one of their own; this follows its Go SDK, which sends all
// but two to the central one.
func Endpoint(region string) *url.URL {
	host := "cas.aliyuncs.com"
	switch region {
	case "ap-southeast-1", "eu-central-1":
		host = "cas." + region + ".aliyuncs.com"
	}
	return &url.URL{Scheme: "https", Host: host, Path: "/"}
}

// ParseEndpoint reads an endpoint: a host with or without a port, with or without https:// before it. http:// is for a
// loopback address only, because a signed request can be read on its way otherwise. An error never repeats a password.
func ParseEndpoint(s string) (*url.URL, error) {
	u, err := egress.ParseAddress(s, "https", "http")
	switch {
	case err != nil:
		return nil, err
	case u.User != nil:
		return nil, errors.New("it holds a user name or a password, which an endpoint has no use for")
	case strings.Contains(u.Host, "%"):
		return nil, errors.New("its IP address has a zone, which a Host header can't name")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("http:// is for loopback addresses only; requests to any other host must be encrypted, so use https://")
	}
	return &url.URL{Scheme: u.Scheme, Host: canonical(u), Path: "/"}, nil
}

// canonical spells a host in one way: in lower case, an address as short as it can be, and a port only if it isn't the
// scheme's.
func canonical(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), strings.TrimLeft(u.Port(), "0")
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.Unmap().String()
	}
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		port = ""
	}
	return strings.TrimSuffix(net.JoinHostPort(host, port), ":")
}

// quotaHost returns what an endpoint has in common with its other spelling, the absolute name: a dot at its end keeps the
// resolver from trying search domains, so requests keep it, and the host is the same.
func quotaHost(u *url.URL) string {
	name := u.Hostname()
	return strings.Replace(u.Host, name, strings.TrimSuffix(name, "."), 1)
}

func loopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
