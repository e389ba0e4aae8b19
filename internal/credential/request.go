package credential

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// requestTimeout bounds each request for credentials, from connecting to the end of the response.
const requestTimeout = 20 * time.Second

const userAgent = "terraform-provider-cas"

// newRequest returns a request, for a connection of its own.
func newRequest(ctx context.Context, method string, address *url.URL, body string) *http.Request {
	req := &http.Request{Method: method, URL: address, Header: http.Header{"User-Agent": {userAgent}}, Close: true}
	if body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	return req.WithContext(ctx)
}

// send sends a request, and returns its response. An error quotes none of the secrets.
func (e *env) send(req *http.Request, limit time.Duration, secrets ...string) (*egress.Response, error) {
	resp, err := egress.Send(e.Transport, req, limit)
	if err == nil && resp.Status != http.StatusOK {
		return nil, refused(resp, secrets...)
	}
	return resp, err
}

// issue sends a request whose response has credentials. Those of a role or of a sign-in need a
// token.
func (e *env) issue(req *http.Request, needToken bool, secrets ...string) (Credentials, error) {
	resp, err := e.send(req, requestTimeout, secrets...)
	if err != nil {
		return Credentials{}, err
	}
	c, err := parseIssued(resp, secrets...)
	if err == nil && needToken && c.SecurityToken == "" {
		err = malformed("its response has no security token")
	}
	return c, err
}

// exchange gets credentials for the access token of a sign-in.
func (e *env) exchange(ctx context.Context, address *url.URL, token, body string) (Credentials, error) {
	if flaw := KeyFlaw(token); flaw != "" {
		return Credentials{}, newError(NotAKey, errors.New("its access token "+flaw))
	}
	req := newRequest(ctx, http.MethodPost, address, body)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	return e.issue(req, true, token)
}
