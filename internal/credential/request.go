package credential

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
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

// send returns the response to a request, or the error that it reports, without the secrets.
func (f *fetcher) send(req *http.Request, limit time.Duration, secrets ...string) (*egress.Response, error) {
	resp, err := egress.Send(f.Transport, req, limit)
	if err != nil {
		return nil, err
	}
	return resp, reported(resp, secrets...)
}

// issue requests credentials. Those of a role or of a sign-in need a token.
func (f *fetcher) issue(req *http.Request, needToken bool, secrets ...string) (Credentials, error) {
	resp, err := f.send(req, requestTimeout, secrets...)
	if err != nil {
		return Credentials{}, err
	}
	c, err := parseIssued(resp)
	if err == nil && needToken && c.SecurityToken == "" {
		err = newError(egress.Malformed, "its response has no security token")
	}
	return c, err
}

// key is an access key as services spell it, in any case. Its last two parts may be empty.
type key struct{ AccessKeyID, AccessKeySecret, SecurityToken, Expiration string }

// keyIn reads a key: that of STS, that of CloudSSO, or one in no object of its own.
func keyIn(body []byte) (key, error) {
	var said struct {
		key
		Credentials, CloudCredential key
	}
	err := json.Unmarshal(body, &said)
	return cmp.Or(said.key, said.Credentials, said.CloudCredential), err
}

// reported returns the error that a response reports, if any. STS reports Code and Message, OAuth
// error and error_description (RFC 6749, section 5.2). Anything else in it may be a secret.
func reported(resp *egress.Response, secrets ...string) error {
	var said struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(resp.Body, &said) // missing fields stay empty
	k, _ := keyIn(resp.Body)
	secrets = append(secrets, k.AccessKeySecret, k.SecurityToken)
	e := &Error{Report: openapi.ReadReport(resp, time.Now(), secrets...)}
	if said.Code != "" {
		e.Failed, e.Code = true, egress.Quote(said.Code, 500, secrets...)
		e.Message, e.Kind = egress.Quote(said.Description, 500, secrets...), openapi.KindOf(resp.Status, e.Code)
	}
	switch {
	case resp.Status == http.StatusOK && !e.Failed:
		return nil
	case e.Code != "":
		e.Err = errors.New(strings.TrimSuffix("it returned "+e.Code+": "+e.Message, ": "))
		return e
	case resp.Status == http.StatusOK:
		e.Err = errors.New("its response reports no success, and no error code")
	default:
		e.Err = fmt.Errorf("it returned HTTP %d", resp.Status)
	}
	e.Message, e.Recommend, e.Denied = "", "", openapi.AccessDenied{}
	if e.Kind == egress.Malformed && resp.Status == http.StatusNotFound {
		e.Kind = NotFound
	}
	return e
}

// parseIssued reads the credentials in a response. An error quotes nothing of it.
func parseIssued(resp *egress.Response) (c Credentials, err error) {
	if err := resp.Encoded(); err != nil {
		return c, newError(egress.Malformed, "its response can't be used: %w", err)
	}
	k, err := keyIn(resp.Body)
	if err != nil {
		return c, newError(egress.Malformed, "its response isn't a JSON object of strings")
	}
	c.AccessKeyID, c.AccessKeySecret, c.SecurityToken = k.AccessKeyID, k.AccessKeySecret, k.SecurityToken
	if c.Expiration, err = time.Parse(time.RFC3339, k.Expiration); err != nil && k.Expiration != "" {
		return c, newError(egress.Malformed, "its expiration isn't an RFC 3339 time")
	}
	date, _ := http.ParseTime(resp.Header.Get("Date"))
	return c, c.check(date)
}
