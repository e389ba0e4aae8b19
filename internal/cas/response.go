package cas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// errRefused is the error of parse for an answer that reports an error.
var errRefused = errors.New("the service reported an error")

// successCodes are the codes of a success in capital letters. GetAssetCount documents none; other operations send these.
var successCodes = []string{"", "200", "OK", "SUCCESS"}

// parse reads the counts. It fails with errRefused, or with what is wrong with the answer.
func parse(a *egress.Response) (*AssetCount, error) {
	if a.Status/100 != 2 || !slices.Contains(successCodes, strings.ToUpper(readReport(a.Body).code())) {
		return nil, errRefused
	}
	count, err := decode(a.Body)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it is empty or breaks off: %w", io.ErrUnexpectedEOF)
	}
	return count, err
}

// classify returns what an answer means on which parse failed with err. No text of it holds a secret.
func classify(a *egress.Response, err error, now time.Time, secrets []string) *Error {
	e := &Error{Kind: egress.Malformed, Status: a.Status, retryAfter: openapi.RetryAfter(a.Header, now)}
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		e.Skew = now.Sub(date)
	}
	e.quote(a.Body, secrets)
	switch {
	case a.Status >= 400 && a.Header.Get(openapi.HeaderRetryAfter) != "":
		e.Kind = openapi.Throttled
	case errors.Is(err, errRefused):
		e.Kind = openapi.KindOf(e.Status, e.Code)
	default:
		e.Err = err
	}
	return e
}

// FieldError says what is wrong with an element of an answer, or with a figure that follows from several.
type FieldError string

func (e FieldError) Error() string { return string(e) }

func fieldError(format string, args ...any) error { return FieldError(fmt.Sprintf(format, args...)) }

// readObject reads the members of a JSON object into fields, which are pointers by name. The error is [io.EOF] or
// [io.ErrUnexpectedEOF] if the text breaks off.
//
// Unmarshalling into a struct would take "point" for Point, the last of two Points, and replacement characters for what
// isn't UTF-8: each a value that is quietly wrong.
func readObject(text []byte, fields map[string]any) error {
	if !utf8.Valid(text) {
		return errors.New("it isn't valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil {
		return err
	} else if start != json.Delim('{') {
		return errors.New("it isn't a JSON object")
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder takes no other name
		field, known := fields[name]
		switch {
		case !known:
			field = new(json.RawMessage)
		case seen[name]:
			return fieldError("%s is there twice", name)
		}
		seen[name] = true
		err = decoder.Decode(field)
		if flaw, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fieldError("%s is %s instead of %s", name, egress.Printable(flaw.Value, 50), flaw.Type)
		} else if err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// quote takes over what the service wrote about an error. If it wrote nothing, its first words are the message.
func (e *Error) quote(body []byte, secrets []string) {
	r := readReport(body)
	e.Code, e.Message, e.RequestID, e.Recommend = r.code(), r.Message, r.RequestID, r.Recommend
	d := r.AccessDeniedDetail
	for _, text := range []*string{
		&e.Code, &e.Message, &e.RequestID, &e.Recommend, &d.AuthAction, &d.AuthPrincipalType, &d.AuthPrincipalOwnerID,
		&d.AuthPrincipalDisplayName, &d.NoPermissionType, &d.PolicyType,
	} {
		*text = egress.Quote(*text, 1000, secrets...)
	}
	if d != (AccessDenied{}) {
		e.Denied = &d
	}
	if e.Code+e.Message == "" {
		e.Message = egress.Quote(html.UnescapeString(string(body)), 200, secrets...)
	}
}

// report is what the service writes about an error. It sends names that begin with a small letter too, and encoding/json
// takes them in any case.
type report struct {
	Code                          any // a string, and sometimes a number
	Message, RequestID, Recommend string
	AccessDeniedDetail            AccessDenied
}

func readReport(body []byte) (r report) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	_ = decoder.Decode(&r) // leaves out what isn't a report, and elements of another type
	return r
}

func (r report) code() string {
	if r.Code == nil {
		return ""
	}
	return fmt.Sprint(r.Code)
}
