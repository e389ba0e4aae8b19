package cas

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// errRefused is an answer that says no.
var errRefused = errors.New("the service reported an error")

// parse reads the counts. It fails with errRefused, or with what is wrong with the answer.
func parse(a *egress.Answer) (*AssetCount, error) {
	if err := object(a.Body); err != nil {
		return nil, err
	}
	if a.Status/100 != 2 {
		return nil, errRefused
	}
	if err := succeeded(a.Body); err != nil {
		return nil, err
	}
	return decode(a.Body)
}

// classify returns what an answer means that parse failed with err on. It holds no text in which a secret is.
func classify(a *egress.Answer, err error, now time.Time, secrets []string) *Error {
	e := &Error{Status: a.Status, retryAfter: retryAfter(a.Header, now)}
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		e.Skew, e.HasSkew = now.Sub(date), true
	}
	e.read(a.Body, secrets)
	refused := a.Status/100 != 2 || errors.Is(err, errRefused)
	if refused {
		e.Kind = egress.KindOf(e.Status, e.Code)
		if e.Status >= 400 && a.Header.Get(retryAfterMillis) != "" {
			e.Kind = Throttled
		}
		if e.Kind != Malformed {
			return e
		}
	}
	// An answer that breaks off is a connection that was closed early; but errors without a word are common.
	e.transient = errors.Is(err, io.ErrUnexpectedEOF) && (!refused || len(a.Body) > 0)
	e.Kind = Malformed
	if !refused || e.transient {
		e.Err = err
	}
	if field, found := errors.AsType[*fieldError](err); found {
		e.Field, e.Err = field.name, field.err
	}
	return e
}

// object reports what keeps body from being a JSON object, [io.ErrUnexpectedEOF] where it breaks off.
func object(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	var value json.RawMessage
	switch err := decoder.Decode(&value); {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case !errors.Is(decoder.Decode(new(json.RawMessage)), io.EOF):
		return errors.New("something follows the JSON value")
	case value[0] != '{':
		return errors.New("it is " + jsonType(value[0]) + " instead of an object")
	}
	return nil
}

// read takes over the service's words about an error. It sends names that begin with a small letter too, so case
// doesn't matter, and an element of another type than text is left out. Of anything else the first words must do.
func (e *Error) read(body []byte, secrets []string) {
	isObject := object(body) == nil
	if isObject {
		texts(body, secrets, map[string]*string{
			"code": &e.Code, "message": &e.Message, "requestid": &e.RequestID, "recommend": &e.Recommend,
		})
		e.Denied = denied(body, secrets)
	}
	if !isObject || e.Status/100 != 2 && e.Code+e.Message == "" {
		e.Message = egress.Quote(html.UnescapeString(string(body)), 200, secrets...)
	}
}

// denied is the detail about a permission, nil where there is none.
func denied(body []byte, secrets []string) *AccessDenied {
	d := new(AccessDenied)
	for name, detail := range members(body) {
		if strings.EqualFold(name, "AccessDeniedDetail") {
			texts(detail, secrets, map[string]*string{
				"authaction": &d.AuthAction, "authprincipaltype": &d.AuthPrincipalType,
				"authprincipalownerid": &d.AuthPrincipalOwnerID, "authprincipaldisplayname": &d.AuthPrincipalDisplayName,
				"nopermissiontype": &d.NoPermissionType, "policytype": &d.PolicyType,
			})
		}
	}
	if *d == (AccessDenied{}) {
		return nil
	}
	return d
}

// texts sets what it finds in a JSON object under the names of into, which are in lower case.
func texts(object []byte, secrets []string, into map[string]*string) {
	for name, value := range members(object) {
		if text, ok := into[strings.ToLower(name)]; ok {
			*text = egress.Quote(scalarText(value), 1000, secrets...)
		}
	}
}

// succeeded reports whether a JSON object that came with an HTTP status of success says so too. GetAssetCount documents no
// code for it; other operations of Alibaba Cloud send these.
func succeeded(body []byte) error {
	for name, value := range members(body) {
		if !strings.EqualFold(name, "Code") {
			continue
		}
		switch strings.ToUpper(scalarText(value)) {
		case "", "200", "OK", "SUCCESS":
		default:
			return errRefused
		}
		switch c := value[0]; c {
		case '{', '[', 't', 'f':
			return &fieldError{"Code", errors.New("is " + jsonType(c) + " instead of a string")}
		}
	}
	return nil
}
