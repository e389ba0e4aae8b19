package cas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"unicode/utf8"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

var (
	// errRefused is the error of parse for a response that reports an error.
	errRefused = errors.New("the service reported an error")
	// errCutShort is the error of a response that ends too early, because the connection was closed.
	errCutShort = errors.New("it is empty or breaks off")
)

// FieldError says what is wrong with an element of a response, or with a figure that follows from several.
type FieldError string

func (e FieldError) Error() string { return string(e) }

func fieldError(format string, args ...any) error { return FieldError(fmt.Sprintf(format, args...)) }

// foreignError says why an object isn't the service's. No value of such an object is shown.
type foreignError string

func (e foreignError) Error() string { return string(e) }

// parse returns the counts of a response. It fails with errRefused, or with what is wrong with the response.
func parse(resp *egress.Response, r openapi.Report) (*AssetCount, error) {
	if err := resp.Encoded(); err != nil {
		return nil, err
	}
	switch {
	case !r.Failed:
		return decode(resp.Body)
	case resp.Status == http.StatusOK && r.Code == "":
		return nil, foreignError("the response reports no success, and no error code")
	}
	return nil, errRefused
}

// classify returns what a response means on which parse failed with err. No text of it holds a secret.
func classify(resp *egress.Response, r openapi.Report, err error, secrets ...string) *Error {
	e := &Error{
		Kind: r.Kind, Status: resp.Status, Code: r.Code, Message: r.Message, RequestID: r.RequestID, Recommend: r.Recommend,
		Denied: r.Denied, Skew: r.Skew, retryAfter: r.RetryAfter,
	}
	if !r.Failed {
		e.Kind = egress.Malformed
	}
	if e.Code+e.Message == "" && resp.Encoded() == nil {
		e.Message = egress.Quote(html.UnescapeString(string(resp.Body)), 200, secrets...)
	}
	if !errors.Is(err, errRefused) {
		e.Err = err
	}
	if foreign, ok := errors.AsType[foreignError](err); ok {
		e.Message, e.Recommend, e.Denied = "", "", nil
		e.Err = errors.New(egress.Quote(foreign.Error(), 500, secrets...)) // names can be anything
	}
	return e
}

// readObject returns the members of a JSON object by name.
//
// Unmarshalling into a struct would take "point" for Point, the last of two Points, and replacement characters for what
// isn't UTF-8: each a value that is quietly wrong.
func readObject(text []byte) (map[string][]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	start, err := decoder.Token()
	switch {
	case err != nil:
		return nil, notJSON(err)
	case start != json.Delim('{'):
		return nil, errors.New("it isn't a JSON object")
	case !utf8.Valid(text):
		return nil, errors.New("it isn't valid UTF-8")
	}
	members := map[string][]json.RawMessage{}
	for decoder.More() {
		var value json.RawMessage
		name, err := decoder.Token()
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			return nil, notJSON(err)
		}
		members[name.(string)] = append(members[name.(string)], value) //nolint:forcetypeassert // the decoder takes no other name
	}
	if _, err := decoder.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return members, nil
}

// notJSON returns what an error of encoding/json means, without the words of that package.
func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutShort
	}
	return errors.New("it isn't JSON")
}
