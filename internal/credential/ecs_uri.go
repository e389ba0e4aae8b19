package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// metadataTimeout bounds each request to the metadata service. One with its token may take twice as
// long. The service responds within milliseconds; on other machines, usually nothing responds.
const metadataTimeout = time.Second

// hopLimit is why a container gets no token: the response may not pass another router.
const hopLimit = "A container on an instance gets no token where the instance's hop limit is 1: set " +
	"HttpPutResponseHopLimit to 2, or use the host's network"

// ECSRole is the RAM role of the instance, by name or, if Name is empty, the one that it has.
//
// https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
type ECSRole struct{ Name string }

func (r ECSRole) String() string {
	if r.Name == "" {
		return "ECS metadata service"
	}
	return "ECS RAM role " + r.Name
}

func (r ECSRole) fetch(ctx context.Context, f *fetcher) (c Credentials, err error) {
	const off, onlyV2 = "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "ALIBABA_CLOUD_IMDSV1_DISABLED"
	if strings.EqualFold(os.Getenv(off), "true") {
		return Credentials{}, newError(NotFound, "switched off by "+off)
	}
	hardened := strings.EqualFold(os.Getenv(onlyV2), "true")
	var token string
	resp, err := f.metadata(ctx, http.MethodPut, "api/token", "")
	if err == nil {
		token = strings.TrimSpace(string(resp.Body))
	}
	if token != "" || !hardened {
		c, err = r.read(ctx, f, token)
	}
	failure := asError(err)
	if err != nil && token != "" && !hardened && (failure.Status >= http.StatusBadRequest || failure.Temporary()) {
		c, err = r.read(ctx, f, "") // like tools that request no token
	}
	if err == nil {
		return c, nil
	}
	denied := failure.Status == http.StatusUnauthorized || failure.Status == http.StatusForbidden
	switch {
	case failure.Temporary() && failure.Status != 0: // it is only busy
	case token == "" && hardened:
		const text = "%s is true, but it gave no token: %s. Enable IMDSv2 for the instance. %s"
		failure = newError(NotFound, text, onlyV2, failure.Err, hopLimit)
	case token == "" && failure.Temporary(): // final: another try would only take as long again
		failure.Kind, failure.Err = NotFound, errors.New(failure.Err.Error()+"; is this an ECS instance?")
	case token == "" && denied:
		const text = "it requires IMDSv2, and gave no token for it (HTTP %d). %s"
		failure.Kind, failure.Err = Invalid, fmt.Errorf(text, failure.Status, hopLimit)
	case failure.Status == http.StatusNotFound:
		failure.Kind, failure.Err = NotFound, errors.New(strings.TrimSpace("the instance has no RAM role "+r.Name))
	case denied:
		failure.Kind = Invalid
	}
	if hardened && token != "" && (denied || failure.Kind == NotFound) {
		failure.Err = fmt.Errorf("%w, and %s is true, so it isn't read without a token", failure.Err, onlyV2)
	}
	return Credentials{}, failure
}

// read requests the credentials, and the role's name first if it isn't known.
func (r ECSRole) read(ctx context.Context, f *fetcher, token string) (Credentials, error) {
	const path = "meta-data/ram/security-credentials/"
	resp, err := f.metadata(ctx, http.MethodGet, path+r.Name, token)
	if r.Name == "" && err == nil {
		resp, err = f.metadata(ctx, http.MethodGet, path+strings.TrimSpace(string(resp.Body)), token)
	}
	if err != nil {
		return Credentials{}, err
	}
	return parseIssued(resp)
}

// metadata sends a request to the metadata service.
func (f *fetcher) metadata(ctx context.Context, method, path, token string) (*egress.Response, error) {
	req := newRequest(ctx, method, &url.URL{Scheme: "http", Host: "100.100.100.200", Path: "/latest/" + path}, "")
	limit := metadataTimeout
	if method == http.MethodPut {
		req.Header.Set("X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds", "21600")
	}
	if token != "" { // so there is a metadata service
		limit *= 2
		req.Header.Set("X-Aliyun-Ecs-Metadata-Token", token)
	}
	resp, err := f.send(req, limit, token)
	if err == nil && len(bytes.TrimSpace(resp.Body)) == 0 {
		err = newError(egress.Malformed, "its response is empty")
	}
	return resp, err
}

// CheckURI reports why uri can't be requested. The error never quotes it, as it may hold a secret.
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

func (u URI) fetch(ctx context.Context, f *fetcher) (Credentials, error) {
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
	return f.issue(req, false, secrets...)
}
