package cas

import (
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// FuzzDecode checks that what is read is there, exactly, and that what has no documented element
// isn't read.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decode(data)
		if flaw, ok := errors.AsType[FieldError](err); ok && !printable(flaw.Error()) {
			t.Fatalf("%q: got %v, want it printable", data, err)
		}
		if err != nil {
			return
		}
		var sent map[string]json.RawMessage
		if err := json.Unmarshal(data, &sent); err != nil {
			t.Fatal(err)
		}
		documented, terms := 0, map[string][]*int64{}
		for name, fields := range goldenElements {
			raw, ok := sent[name]
			if name == "RequestId" {
				continue
			}
			if ok {
				documented++
			}
			want := rational(string(raw))
			n, _ := reflect.TypeAssert[*int64](reflect.ValueOf(*got).FieldByName(fields[0]))
			if (n != nil) != (want != nil) || n != nil && want.Cmp(new(big.Rat).SetInt64(*n)) != 0 {
				t.Fatalf("%q: got %s %v, want %v", data, name, n, want)
			}
			for _, field := range fields[1:] {
				terms[field] = append(terms[field], n)
			}
		}
		if alone := got.RequestID != nil && len(sent) == 1; documented == 0 && !alone {
			t.Fatalf("%q: got %+v, want an error", data, got)
		}
		if id := got.RequestID; id != nil && !printable(*id) {
			t.Fatalf("%q: got RequestID %q, want it printable", data, *id)
		}
		exact(t, got.TotalCertificateCount, terms["TotalCertificateCount"]...)
		exact(t, got.TotalCloudAssetCount, terms["TotalCloudAssetCount"]...)
		if at := got.PointUpdatedAt; at != nil {
			if _, err := at.MarshalText(); err != nil {
				t.Fatalf("%q: got PointUpdatedAt %s, want a time that can be written: %v", data, at, err)
			}
			if at.Nanosecond() != 0 {
				t.Fatalf("%q: got PointUpdatedAt %s, want whole seconds", data, at)
			}
		}
	})
}

// exact checks a sum with numbers of any size.
func exact(t *testing.T, total *int64, counts ...*int64) {
	t.Helper()
	want := new(big.Int)
	for _, count := range counts {
		if count == nil {
			if total != nil {
				t.Fatalf("got %d as a sum with nil, want nil", *total)
			}
			return
		}
		want.Add(want, big.NewInt(*count))
	}
	if total == nil || big.NewInt(*total).Cmp(want) != 0 {
		t.Fatalf("got the sum %s, want %s", deref(reflect.ValueOf(total)), want)
	}
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// rational returns the number that a JSON text stands for, and nil for null.
func rational(text string) *big.Rat {
	if strings.HasPrefix(text, `"`) {
		_ = json.Unmarshal([]byte(text), &text)
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	return number
}

// FuzzWholeNumber checks that a number is read exactly, or is an error.
func FuzzWholeNumber(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		element := `"` + text + `"`
		if !json.Valid([]byte(element)) || regexp.MustCompile(`[eE][+-]?\d{4}`).MatchString(text) { // which math/big would write out
			return
		}
		got, err := wholeNumber("Point", json.RawMessage(element))
		want := rational(element)
		isNumber := json.Valid([]byte(text)) && text == strings.TrimSpace(text) && text != "null" && want != nil
		exact := isNumber && want.IsInt() && want.Num().IsInt64()
		if (err == nil) != exact || exact && *got != want.Num().Int64() {
			t.Fatalf("%s: got %v, %v, want %v, exact: %t", text, got, err, want, exact)
		}
	})
}

// FuzzObject compares with encoding/json, which takes no less but names that are there twice.
func FuzzObject(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		var want map[string]json.RawMessage
		isObject := json.Unmarshal(data, &want) == nil && want != nil && utf8.Valid(data)
		got, err := readObject(data)
		_, twice := errors.AsType[foreignError](err)
		if (err == nil || twice) != isObject {
			t.Fatalf("%q: got %v, want an object: %t", data, err, isObject)
		}
		for name, value := range want {
			if err == nil && string(got[name]) != string(value) {
				t.Fatalf("%q: got %q as %q, want %q", data, got[name], name, value)
			}
		}
	})
}

// FuzzResponse checks that no response gets anything unprintable, long or secret into an error, or
// is taken for another kind.
func FuzzResponse(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, body []byte, header string) {
		resp := &egress.Response{Status: 100 + int(uint(status)%500), Header: http.Header{}, Body: body}
		for _, name := range []string{"Date", "Retry-After", "X-Acs-Retry-After", "Content-Encoding"} {
			resp.Header.Set(name, header)
		}
		e := new(Error)
		count, err := e.read(resp, receivedAt, secrets...)
		if (count == nil) == (err == nil) {
			t.Fatalf("got %v, %v, want either", count, err)
		}
		if err == nil {
			if resp.Status/100 != 2 || regexp.MustCompile(`(?i)"success":\s*false\s*}`).Match(body) {
				t.Fatalf("got %+v with HTTP %d of %q, want an error", count, resp.Status, body)
			}
			return
		}
		if e.Kind == "" {
			t.Fatalf("got %#v, want a kind", e)
		}
		d := e.Denied
		for _, text := range []string{
			e.Error(), e.brief(), e.Code, e.Message, e.RequestID, e.Recommend, d.AuthAction, d.AuthPrincipalType,
			d.AuthPrincipalOwnerID, d.AuthPrincipalDisplayName, d.NoPermissionType, d.PolicyType,
		} {
			if !printable(text) {
				t.Fatalf("got %q, want it printable", text)
			}
			if n := len([]rune(text)); n > 4000 {
				t.Fatalf("got %d characters, want at most 4000: %q", n, text)
			}
			if run := leaks(text); run != "" {
				t.Fatalf("got %q of a secret in %q, want none of it", run, text)
			}
		}
	})
}

// FuzzParseEndpoint checks that what is taken is canonical, encrypted unless it is this machine,
// and holds no more than a host.
func FuzzParseEndpoint(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseEndpoint(s)
		if err != nil {
			// What an error says doesn't depend on what was given.
			if again, err := ParseEndpoint(s + "\x00hush:hush@"); err == nil {
				t.Fatalf("%q with something added: got %s, want an error", s, again)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Fatalf("%q: got %v, want nothing of what was given", s, err)
			}
			return
		}
		if again, err := ParseEndpoint(u.String()); err != nil || again.String() != u.String() {
			t.Fatalf("%q: got %v, %v of %s, want the same", s, again, err, u)
		}
		if want := (url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: "/"}); *u != want {
			t.Fatalf("%q: got %#v, want %#v", s, *u, want)
		}
		if u.Hostname() == "" {
			t.Fatalf("%q: got %s, want a host", s, u)
		}
		if local := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback(); u.Scheme != "https" && !local {
			t.Fatalf("%q: got %s, want it encrypted or local", s, u)
		}
		if _, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.String(), http.NoBody); err != nil {
			t.Fatalf("%q: got %v, want a request", s, err)
		}
	})
}
