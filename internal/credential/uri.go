package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// The library would follow a redirect of a credentials URI to anywhere, read an answer of any size, and quote it. So the
// URI is asked here.

// over http, a credential server may only be on this machine or its own link.
var errPlainURI = errors.New("http is only allowed for a loopback or link-local address; use https")

// CheckURI says whether credentials may be asked for at uri. The error never quotes it, as its query or user information
// may hold a secret.
func CheckURI(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return errors.New("it isn't an absolute URL")
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		ip, err := netip.ParseAddr(u.Hostname())
		if u.Hostname() == "localhost" || err == nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast()) {
			return nil
		}
		return errPlainURI
	}
	return fmt.Errorf("its scheme is %q, not https", u.Scheme)
}

func credentialsURI(uri string) (fetcher, error) {
	o := fetcher{source: "credentials URI " + withoutQuery(uri)}
	if err := CheckURI(uri); err != nil {
		return o, fmt.Errorf("the URI can't be used: %w", err)
	}
	o.fetch = func(ctx context.Context) (Credentials, error) {
		status, body, err := download(ctx, uri)
		if err != nil {
			return Credentials{}, err
		}
		switch {
		case status/100 == 3:
			return Credentials{}, &Error{Kind: Malformed, Err: fmt.Errorf("it answered HTTP %d, a redirect, which isn't followed", status)}
		case status != http.StatusOK:
			return Credentials{}, &Error{Kind: statusKind(status), Err: fmt.Errorf("it answered HTTP %d", status)}
		}
		return parseURI(body)
	}
	return o, nil
}

func download(ctx context.Context, uri string) (status int, body []byte, err error) {
	const (
		patience = 20 * time.Second
		most     = 64 << 10
	)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}
	if request.URL.Scheme == "http" {
		transport.Proxy = nil // what isn't encrypted doesn't leave this machine and its link
	}
	client := http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(response.Body, most+1))
	switch {
	case err != nil:
		return 0, nil, &url.Error{Op: "Get", URL: uri, Err: err}
	case len(body) > most:
		return 0, nil, &Error{Kind: Malformed, Err: fmt.Errorf("it answered more than %d KiB", most>>10)}
	}
	return response.StatusCode, body, nil
}

// statusKind is what an HTTP status other than 200 means.
func statusKind(status int) Kind {
	switch {
	case status == http.StatusNotFound:
		return NotFound
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return Unavailable
	}
	return Malformed
}

// parseURI never quotes the answer.
func parseURI(body []byte) (Credentials, error) {
	var answer struct{ Code, AccessKeyID, AccessKeySecret, SecurityToken, Expiration string }
	malformed := func(reason string) (Credentials, error) {
		return Credentials{}, &Error{Kind: Malformed, Err: errors.New(reason)}
	}
	if json.Unmarshal(body, &answer) != nil {
		return malformed("its answer isn't a JSON object of strings")
	}
	if answer.Code != "" && answer.Code != "Success" {
		code := newScrubber(answer.AccessKeySecret, answer.SecurityToken).text(answer.Code)
		return Credentials{}, &Error{Kind: Refused, Code: code, Err: errors.New("it answered " + code)}
	}
	for _, field := range []struct{ name, value string }{
		{"AccessKeyId", answer.AccessKeyID}, {"AccessKeySecret", answer.AccessKeySecret},
	} {
		if field.value == "" {
			return malformed("its answer has no " + field.name)
		}
	}
	c := Credentials{AccessKeyID: answer.AccessKeyID, AccessKeySecret: answer.AccessKeySecret, SecurityToken: answer.SecurityToken}
	if c.SecurityToken == "" {
		c.account = c.AccessKeyID
	}
	if answer.Expiration != "" {
		expires, err := time.Parse(time.RFC3339, answer.Expiration)
		if err != nil {
			return malformed("its answer's Expiration isn't an RFC 3339 time")
		}
		c.Expiration = expires
	}
	return c, nil
}
