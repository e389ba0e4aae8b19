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

// errRefused is the error of parse where the answer is an error of the service.
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

// classify returns what an answer means on which parse failed with err. No text of it holds a secret.
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
			e.Kind = egress.Throttled
		}
		if e.Kind != egress.Malformed {
			return e
		}
	}
	// Where an answer breaks off, the connection was closed early. Not so an error without a body: those are common.
	e.transient = errors.Is(err, io.ErrUnexpectedEOF) && (!refused || len(a.Body) > 0)
	e.Kind = egress.Malformed
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

// read takes over what the service wrote about an error. It sends names that begin with a small letter too, and
// encoding/json takes them in any case. An element of another type than text is left out. Where body isn't such an
// object, its first words are the message.
func (e *Error) read(body []byte, secrets []string) {
	var written struct {
		Code, Message, RequestID, Recommend scalar
		AccessDeniedDetail                  AccessDenied
	}
	isObject := object(body) == nil
	if isObject {
		_ = json.Unmarshal(body, &written)
	}
	e.Code, e.Message = string(written.Code), string(written.Message)
	e.RequestID, e.Recommend = string(written.RequestID), string(written.Recommend)
	d := written.AccessDeniedDetail
	for _, text := range []*string{
		&e.Code, &e.Message, &e.RequestID, &e.Recommend, &d.AuthAction, &d.AuthPrincipalType, &d.AuthPrincipalOwnerID,
		&d.AuthPrincipalDisplayName, &d.NoPermissionType, &d.PolicyType,
	} {
		*text = egress.Quote(*text, 1000, secrets...)
	}
	if d != (AccessDenied{}) {
		e.Denied = &d
	}
	if !isObject || e.Status/100 != 2 && e.Code+e.Message == "" {
		e.Message = egress.Quote(html.UnescapeString(string(body)), 200, secrets...)
	}
}

// succeeded reports whether a JSON object that came with an HTTP status of success says so too. GetAssetCount documents no
// code for it; other operations of Alibaba Cloud send these.
func succeeded(body []byte) error {
	var written struct{ Code json.RawMessage }
	if err := json.Unmarshal(body, &written); err != nil || written.Code == nil {
		return err
	}
	var code scalar
	_ = json.Unmarshal(written.Code, &code)
	switch strings.ToUpper(string(code)) {
	case "", "200", "OK", "SUCCESS":
	default:
		return errRefused
	}
	switch c := written.Code[0]; c {
	case '{', '[', 't', 'f':
		return &fieldError{"Code", errors.New("is " + jsonType(c) + " instead of a string")}
	}
	return nil
}
