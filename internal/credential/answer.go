package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// send sends a request over a connection of its own, and returns what the service answers.
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

// refused returns the error for an answer of another HTTP status than 200. STS says no with Code and Message, OAuth with error and
// error_description. Anything else in the answer may be a secret.
func refused(a *egress.Answer, secrets []string) *Error {
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
	switch egress.KindOf(a.Status, e.Code) {
	case egress.Throttled:
		e.Kind = Throttled
	case egress.Temporary:
		e.Kind = Unavailable
	case egress.Malformed:
		e.Kind = Malformed
		if a.Status == http.StatusNotFound {
			e.Kind = NotFound
		}
	default:
		e.Kind = Refused
		e.Err = fmt.Errorf("it answered %s: %s", e.Code, e.Message)
	}
	return e
}

// parseIssued reads the answer of a credentials URI or of the metadata service. An error never quotes it.
func parseIssued(body []byte) (Credentials, error) {
	var answer struct{ Code, AccessKeyID, AccessKeySecret, SecurityToken, Expiration string }
	if json.Unmarshal(body, &answer) != nil {
		return Credentials{}, malformed("its answer isn't a JSON object of strings")
	}
	if answer.Code != "" && answer.Code != "Success" {
		code := egress.Quote(answer.Code, 100, answer.AccessKeySecret, answer.SecurityToken)
		return Credentials{}, &Error{Kind: Refused, Code: code, Err: errors.New("it answered " + code)}
	}
	return answered(answer.AccessKeyID, answer.AccessKeySecret, answer.SecurityToken, answer.Expiration)
}

// answered returns the credentials that an answer holds, unless the key isn't complete. The token and the expiration may be empty.
func answered(id, secret, token, expiration string) (Credentials, error) {
	c := Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token}
	if token == "" {
		c.account = id
	}
	switch {
	case id == "":
		return Credentials{}, malformed("its answer has no access key ID")
	case secret == "":
		return Credentials{}, malformed("its answer has no access key secret")
	case expiration == "":
		return c, nil
	}
	var err error
	if c.Expiration, err = time.Parse(time.RFC3339, expiration); err != nil {
		return Credentials{}, malformed("its answer's expiration isn't an RFC 3339 time")
	}
	return c, nil
}

func malformed(reason string) *Error { return &Error{Kind: Malformed, Err: errors.New(reason)} }
