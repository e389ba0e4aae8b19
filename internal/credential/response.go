package credential

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// refused returns the error for a response of another HTTP status than 200. STS refuses with Code
// and Message, OAuth with error and error_description (RFC 6749, section 5.2). Anything else in the
// response may be a secret.
func refused(resp *egress.Response, secrets ...string) *Error {
	report := openapi.ReadReport(resp, time.Now(), secrets...)
	var oauth struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(resp.Body, &oauth) == nil && oauth.Code != "" {
		report.Code = egress.Quote(oauth.Code, 500, secrets...)
		report.Message = egress.Quote(oauth.Description, 500, secrets...)
		report.Kind = openapi.KindOf(resp.Status, report.Code)
	}
	if report.Code == "" {
		report.Message, report.Recommend, report.Denied = "", "", openapi.AccessDenied{}
	}
	e := &Error{Report: report, Err: fmt.Errorf("it returned HTTP %d", resp.Status)}
	switch {
	case e.Code != "":
		e.Err = errors.New(strings.TrimSuffix("it returned "+e.Code+": "+e.Message, ": "))
	case e.Kind == egress.Malformed && resp.Status == http.StatusNotFound:
		e.Kind = NotFound
	}
	return e
}

// key is an access key as services call its parts, but for the case of letters, which encoding/json
// ignores. The token and the expiration may be empty.
type key struct{ AccessKeyID, AccessKeySecret, SecurityToken, Expiration string }

// parseIssued reads a response: of STS, of CloudSSO, or of a source that puts the key in no object
// of its own. An error quotes nothing but its error code.
func parseIssued(resp *egress.Response, secrets ...string) (Credentials, error) {
	if err := resp.Encoded(); err != nil {
		return Credentials{}, malformed("its response can't be used: " + err.Error())
	}
	var issued struct {
		key
		Credentials, CloudCredential key
	}
	if json.Unmarshal(resp.Body, &issued) != nil {
		return Credentials{}, malformed("its response isn't a JSON object of strings")
	}
	k := cmp.Or(issued.key, issued.Credentials, issued.CloudCredential)
	report := openapi.ReadReport(resp, time.Now(), append(secrets, k.AccessKeySecret, k.SecurityToken)...)
	switch {
	case report.Failed && report.Code == "":
		return Credentials{}, malformed("its response reports no success, and no error code")
	case report.Failed:
		err := errors.New("it returned " + report.Code)
		return Credentials{}, &Error{Report: openapi.Report{Kind: report.Kind, Code: report.Code}, Err: err}
	}
	c := Credentials{AccessKeyID: k.AccessKeyID, AccessKeySecret: k.AccessKeySecret, SecurityToken: k.SecurityToken}
	if k.Expiration != "" {
		var err error
		if c.Expiration, err = time.Parse(time.RFC3339, k.Expiration); err != nil {
			return c, malformed("its expiration isn't an RFC 3339 time")
		}
	}
	date, _ := http.ParseTime(resp.Header.Get("Date"))
	return c, c.check(date)
}

func malformed(reason string) *Error { return newError(egress.Malformed, errors.New(reason)) }
