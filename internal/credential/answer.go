package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// refused is about an answer of another HTTP status than 200. STS says no with Code and Message, OAuth with error and
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
	malformed := func(reason string) (Credentials, error) {
		return Credentials{}, &Error{Kind: Malformed, Err: errors.New(reason)}
	}
	if json.Unmarshal(body, &answer) != nil {
		return malformed("its answer isn't a JSON object of strings")
	}
	if answer.Code != "" && answer.Code != "Success" {
		code := egress.Quote(answer.Code, 100, answer.AccessKeySecret, answer.SecurityToken)
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
