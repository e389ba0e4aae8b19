package credential

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// requestTimeout bounds each request for credentials, from connecting to the end of the answer.
const requestTimeout = 20 * time.Second

// transport is for every request of this package.
var transport http.RoundTripper = egress.NewTransport()

// newRequest returns a request. An error doesn't quote the address, which may hold a secret.
func newRequest(ctx context.Context, method, address, body string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("its address isn't a URL")
	}
	return req, nil
}

// send sends a request over a connection of its own, and returns what the service answers. An error quotes none of the secrets.
func send(req *http.Request, limit time.Duration, secrets ...string) ([]byte, error) {
	req.Close = true
	answer, err := egress.Send(transport, req, limit)
	switch {
	case err != nil:
		return nil, err
	case answer.Status != http.StatusOK:
		return nil, refused(answer, secrets)
	}
	return answer.Body, nil
}

// postForm sends a form.
func postForm(ctx context.Context, address string, form url.Values, secrets ...string) ([]byte, error) {
	req, err := newRequest(ctx, http.MethodPost, address, form.Encode())
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(req, requestTimeout, secrets...)
}

// exchange gets credentials for the access token of a sign-in.
func exchange(ctx context.Context, address, token, body string) (Credentials, error) {
	if flaw := KeyFlaw(token); flaw != "" {
		return Credentials{}, &Error{Kind: NotAKey, Err: errors.New("its access token " + flaw)}
	}
	req, err := newRequest(ctx, http.MethodPost, address, body)
	if err != nil {
		return Credentials{}, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := send(req, requestTimeout, token)
	if err != nil {
		return Credentials{}, err
	}
	return parseIssued(answer)
}
