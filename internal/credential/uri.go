package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// CheckURI reports why credentials can't be requested from uri. The error never quotes it, as its
// query or user information may hold a secret.
func CheckURI(uri string) error {
	_, err := parseURI(uri)
	return err
}

func parseURI(uri string) (*url.URL, error) {
	u, err := egress.ParseURL(uri, "https", "http")
	if err != nil {
		return nil, err
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast())
	if u.Scheme == "http" && !local {
		return nil, errors.New("http is only allowed for a loopback or link-local address; use https")
	}
	return u, nil
}

// URI is a server that returns credentials.
type URI struct{ Address string }

func (u URI) String() string {
	address, err := parseURI(u.Address)
	if err != nil {
		return "credentials URI"
	}
	return "credentials URI " + egress.Origin(address) + address.EscapedPath()
}

// Site returns Site{}.
func (u URI) Site() Site { return Site{} }

func (u URI) fetch(ctx context.Context, e *env) (Credentials, error) {
	address, err := parseURI(u.Address)
	if err != nil {
		return Credentials{}, fmt.Errorf("the URI can't be used: %w", err)
	}
	req := newRequest(ctx, http.MethodGet, address, "")
	secrets := []string{address.RawQuery}
	for _, values := range address.Query() {
		secrets = append(secrets, values...)
	}
	if user := address.User; user != nil { // an http.Client would do this by itself
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
		secrets = append(secrets, password, strings.TrimPrefix(req.Header.Get("Authorization"), "Basic "))
	}
	return e.issue(req, false, secrets...)
}
