package cas

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody is how much of an answer is read, in bytes. A real one has about 400.
const maxBody = 1 << 20

// answer turns what the service sent into an AssetCount or an *Error, which holds no text that redact hasn't seen.
func answer(resp *http.Response, body []byte, now time.Time, redact func(string) string) (*AssetCount, error) {
	err := object(body)
	ok := resp.StatusCode/100 == 2 && len(body) <= maxBody
	if ok && err == nil {
		ok, err = succeeded(body)
	}
	if ok && err == nil {
		var count *AssetCount
		if count, err = decode(body); err == nil {
			return count, nil
		}
	}

	e := &Error{Status: resp.StatusCode, retryAfter: retryAfter(resp.Header, now)}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		e.Skew, e.HasSkew = now.Sub(date), true
	}
	if len(body) <= maxBody {
		e.read(body, redact)
	}
	e.Kind = classify(e.Status, e.Code, resp.Header)
	switch {
	case e.Status >= 300 && e.Status < 400:
		e.Kind = Redirected
		e.Location = shown(location(resp), 200, redact)
	case len(body) > maxBody:
		e.transient = retryable(e) // a gateway's page, however large
		e.Kind = TooLarge
	case ok || e.Kind == Malformed:
		// An answer that breaks off is a connection that was closed early; but errors without a word are common.
		e.transient = errors.Is(err, io.ErrUnexpectedEOF) && (ok || len(body) > 0)
		e.Kind = Malformed
		if ok || e.transient {
			e.Err = err
		}
		if field, found := errors.AsType[*fieldError](err); found {
			e.Field, e.Err = field.name, field.err
		}
	}
	return nil, e
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
func (e *Error) read(body []byte, redact func(string) string) {
	isObject := object(body) == nil
	if isObject {
		texts(body, redact, map[string]*string{
			"code": &e.Code, "message": &e.Message, "requestid": &e.RequestID, "recommend": &e.Recommend,
		})
		e.Denied = denied(body, redact)
	}
	if !isObject || e.Status/100 != 2 && e.Code+e.Message == "" {
		e.Message = shown(html.UnescapeString(string(body[:min(len(body), enough)])), 200, redact)
	}
}

// denied is the detail about a permission, nil where there is none.
func denied(body []byte, redact func(string) string) *AccessDenied {
	d := new(AccessDenied)
	for name, detail := range members(body) {
		if strings.EqualFold(name, "AccessDeniedDetail") {
			texts(detail, redact, map[string]*string{
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
func texts(object []byte, redact func(string) string, into map[string]*string) {
	for name, value := range members(object) {
		if text, ok := into[strings.ToLower(name)]; ok {
			*text = shown(scalarText(value), 1000, redact)
		}
	}
}

// succeeded reports whether a JSON object that came with an HTTP status of success is one. GetAssetCount documents no
// code for it; other operations of Alibaba Cloud send these.
func succeeded(body []byte) (bool, error) {
	for name, value := range members(body) {
		if !strings.EqualFold(name, "Code") {
			continue
		}
		switch strings.ToUpper(scalarText(value)) {
		case "", "200", "OK", "SUCCESS":
		default:
			return false, nil
		}
		switch c := value[0]; c {
		case '{', '[', 't', 'f':
			return true, &fieldError{"Code", errors.New("is " + jsonType(c) + " instead of a string")}
		}
	}
	return true, nil
}

// codes are the error codes of which a reader can do something specific, as the service documents them. An asterisk
// stands for whatever follows.
var codes = map[Kind][]string{
	Throttled:    {"Throttling*"},
	Temporary:    {"ServiceUnavailable", "InternalError", "SignatureNonceUsed"},
	Clock:        {"InvalidTimeStamp.*"},
	BadKey:       {"InvalidAccessKeyId*", "SignatureDoesNotMatch", "IncompleteSignature"},
	BadToken:     {"InvalidSecurityToken*", "MissingSecurityToken"},
	NoPermission: {"Forbidden*", "NoPermission*"},
	WrongPlace:   {"InvalidApi.NotFound", "InvalidAction.NotFound", "InvalidVersion"},
}

// classify finds the kind of an error by its code, else by its HTTP status.
func classify(status int, code string, header http.Header) Kind {
	if status >= 400 && header.Get(retryAfterMillis) != "" {
		return Throttled
	}
	for kind, patterns := range codes {
		for _, pattern := range patterns {
			prefix, open := strings.CutSuffix(pattern, "*")
			if code == prefix || open && strings.HasPrefix(code, prefix) {
				return kind
			}
		}
	}
	switch {
	case status == http.StatusTooManyRequests:
		return Throttled
	case temporary(status):
		return Temporary
	case code == "":
		return Malformed
	}
	return Rejected
}

// temporary reports whether an HTTP status tells of a trouble that may pass.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// location is where a redirect points to, without what might be secret in it.
func location(resp *http.Response) string {
	u, err := resp.Location()
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
