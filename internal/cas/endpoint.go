package cas

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// International is the type of an account of that site. Any other account is of the China site.
const International = "International"

const (
	vendor  = ".aliyuncs.com"
	private = "cas-vpc."
)

// Endpoint returns the endpoint of a region, by default that of the account's site, and whether it
// is certain. An empty type stands for an account of either site. With vpc set, it is the region's
// endpoint within a VPC, if there is one; [Private] reports that.
//
// The vendor's sources disagree. This follows its Go SDK, by which two regions have a public
// endpoint of their own, and aliyun/alicloud, by which others abroad have that of their site.
func Endpoint(region, accountType string, vpc bool) (endpoint *url.URL, certain bool) {
	international := strings.EqualFold(accountType, International)
	if region == "" {
		region = "cn-hangzhou"
		if international {
			region = "ap-southeast-1"
		}
	}
	host, certain := "cas"+vendor, true
	switch {
	case vpc && slices.Contains([]string{"cn-hangzhou", "ap-southeast-1", "ap-southeast-3", "cn-hongkong"}, region):
		host = private + region + vendor
	case region == "ap-southeast-1", region == "eu-central-1":
		host = "cas." + region + vendor
	case strings.HasPrefix(region, "cn-") && region != "cn-hongkong":
	case international:
		host = "cas.ap-southeast-1" + vendor
	default:
		certain = accountType != ""
	}
	return &url.URL{Scheme: "https", Host: host, Path: "/"}, certain
}

// Private reports whether an endpoint is one within a VPC.
func Private(endpoint *url.URL) bool { return strings.HasPrefix(endpoint.Host, private) }

// ParseEndpoint reads an endpoint: a host with or without a port and https://. http:// is for a
// loopback address only. A host is always spelled in the same way: in lower case, an address short,
// without a default port. An error never repeats a password.
func ParseEndpoint(s string) (*url.URL, error) {
	u, err := egress.ParseAddress(s, "https", "http")
	if err != nil {
		return nil, err
	}
	host, port := strings.ToLower(u.Hostname()), strings.TrimLeft(u.Port(), "0")
	addr, err := netip.ParseAddr(host)
	switch {
	case u.User != nil:
		return nil, errors.New("it holds a user name or a password, which an endpoint has no use for")
	case addr.Zone() != "":
		return nil, errors.New("its IP address has a zone, which a Host header can't name")
	case u.Scheme == "http" && host != "localhost" && !addr.IsLoopback():
		return nil, errors.New("http:// is for loopback addresses only; requests to any other host must be " +
			"encrypted, so use https://")
	case err == nil:
		host = addr.Unmap().String()
	}
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		port = ""
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.TrimSuffix(net.JoinHostPort(host, port), ":"), Path: "/"}, nil
}

// quotaHost returns the same host for all endpoints of one quota: for all of the vendor, because
// the limit is the account's, and for a name with and without a period at its end.
func quotaHost(u *url.URL) string {
	name := strings.TrimSuffix(u.Hostname(), ".")
	if strings.HasSuffix(name, vendor) {
		name = "cas" + vendor
	}
	return strings.Replace(u.Host, u.Hostname(), name, 1)
}
