package credential

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// refused returns the error for an answer of another HTTP status than 200. STS says no with Code and Message, OAuth with error and
// error_description. Anything else in the answer may be a secret.
func refused(a *egress.Response, secrets []string) *Error {
	var said struct {
		Code        string
		Message     string
		RequestID   string `json:"RequestId"`
		OAuth       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(a.Body, &said) // what it isn't is empty then
	quote := func(text string) string { return egress.Quote(text, 500, secrets...) }
	e := &Error{
		Code: quote(said.Code + said.OAuth), Message: quote(said.Message + said.Description), RequestID: quote(said.RequestID),
		Err: fmt.Errorf("it answered HTTP %d", a.Status), status: a.Status,
	}
	if e.Code != "" {
		e.Err = fmt.Errorf("it answered %s: %s", e.Code, e.Message)
	}
	e.Kind = openapi.KindOf(a.Status, e.Code)
	if e.Kind == egress.Malformed && a.Status == http.StatusNotFound {
		e.Kind = NotFound
	}
	return e
}

// key is an access key as services call its parts, but for the case of letters, which encoding/json ignores. The token and the
// expiration may be empty.
type key struct{ AccessKeyID, AccessKeySecret, SecurityToken, Expiration string }

// parseIssued reads an answer: of STS, of CloudSSO, or of a source that puts the key in no object of its own. An error never
// quotes it.
func parseIssued(body []byte) (Credentials, error) {
	var answer struct {
		Code string
		key
		Credentials, CloudCredential key
	}
	if json.Unmarshal(body, &answer) != nil {
		return Credentials{}, malformed("its answer isn't a JSON object of strings")
	}
	issued := cmp.Or(answer.key, answer.Credentials, answer.CloudCredential)
	if answer.Code != "" && answer.Code != "Success" {
		code := egress.Quote(answer.Code, 100, issued.AccessKeySecret, issued.SecurityToken)
		return Credentials{}, &Error{Kind: openapi.Rejected, Code: code, Err: errors.New("it answered " + code)}
	}
	return issued.credentials()
}

func (k key) credentials() (Credentials, error) {
	c := Credentials{AccessKeyID: k.AccessKeyID, AccessKeySecret: k.AccessKeySecret, SecurityToken: k.SecurityToken}
	if c.AccessKeyID == "" || c.AccessKeySecret == "" {
		return Credentials{}, malformed("its answer has no access key ID or no access key secret")
	}
	if k.Expiration == "" {
		return c, nil
	}
	var err error
	if c.Expiration, err = time.Parse(time.RFC3339, k.Expiration); err != nil {
		return Credentials{}, malformed("its answer's expiration isn't an RFC 3339 time")
	}
	return c, nil
}

func malformed(reason string) *Error { return &Error{Kind: egress.Malformed, Err: errors.New(reason)} }
