package cas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// errCutShort is the error of a response that ends too early.
var errCutShort = errors.New("it is empty or breaks off")

// FieldError says what is wrong with an element of a response, or with a figure from several.
type FieldError string

func (e FieldError) Error() string { return string(e) }

func fieldError(format string, args ...any) error { return FieldError(fmt.Sprintf(format, args...)) }

// foreignError says why an object isn't the service's. No value of such an object is shown.
type foreignError string

func (e foreignError) Error() string { return string(e) }

// interpret returns the counts of a response that was received at now, or what it means instead.
func interpret(resp *egress.Response, now time.Time, secrets ...string) (*AssetCount, *Error) {
	e := &Error{Report: openapi.ReadReport(resp, now, secrets...), Err: resp.Encoded()}
	switch {
	case e.Err != nil:
	case !e.Failed:
		var count *AssetCount
		if count, e.Err = decode(resp.Body); e.Err == nil {
			return count, nil
		}
	case e.Status == http.StatusOK && e.Code == "":
		e.Err = foreignError("the response reports no success, and no error code")
	}
	if !e.Failed {
		e.Kind = egress.Malformed
	}
	if e.Code == "" && resp.Encoded() == nil {
		e.Message = egress.Quote(html.UnescapeString(string(resp.Body)), 200, secrets...)
	}
	if foreign, ok := errors.AsType[foreignError](e.Err); ok {
		e.Message, e.Recommend, e.Denied = "", "", openapi.AccessDenied{}
		e.Err = errors.New(egress.Quote(foreign.Error(), 300, secrets...)) // names can be anything
	}
	return nil, e
}

// readObject returns the members of a JSON object by name. Unmarshal would take "point" for Point,
// the last of two Points, and replacement characters for what isn't UTF-8.
func readObject(text []byte) (map[string]json.RawMessage, error) {
	var object json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&object); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errCutShort
	case err != nil:
		return nil, errors.New("it isn't JSON")
	case object[0] != '{':
		return nil, errors.New("it isn't a JSON object")
	case !utf8.Valid(text):
		return nil, errors.New("it isn't valid UTF-8")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	members, seen := map[string]json.RawMessage{}, map[string]bool{}
	decoder = json.NewDecoder(bytes.NewReader(object)) // the object is valid, so no token is an error
	_, _ = decoder.Token()
	for decoder.More() {
		var value json.RawMessage
		token, _ := decoder.Token()
		_ = decoder.Decode(&value)
		name := fmt.Sprint(token)
		folded := strings.ToLower(name) // the elements of an error may begin with a small letter
		if seen[folded] {
			return nil, foreignError(name + " is there twice")
		}
		members[name], seen[folded] = value, true
	}
	return members, nil
}
