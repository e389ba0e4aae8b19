package cas

import (
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// FuzzDecode compares with encoding/json: what both take, they read alike.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decode(data)
		if flaw, ok := errors.AsType[*fieldError](err); ok && !printable(flaw.err.Error()) {
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		for name, fields := range goldenElements {
			read := reflect.ValueOf(*got).FieldByName(fields[0])
			decoded := reflect.New(read.Type())
			if raw, ok := want[name]; ok {
				if err := json.Unmarshal(raw, decoded.Interface()); err != nil {
					t.Fatalf("%q: took %s, and encoding/json doesn't: %v", data, name, err)
				}
			}
			if !reflect.DeepEqual(read.Interface(), decoded.Elem().Interface()) {
				t.Fatalf("%q: %s is %s, want %s", data, name, deref(read), deref(decoded.Elem()))
			}
		}
		if id := got.RequestID; id != nil && !printable(*id) {
			t.Fatalf("%q: RequestID is %q", data, *id)
		}
		exact(t, got.TotalCertificateCount, got.BuyCertificateCount, got.FreeCertificateCount, got.UploadCertificateCount)
		exact(t, got.TotalCloudAssetCount, got.AliyunAssetCount, got.TencentAssetCount, got.HuaweiAssetCount, got.AwsAssetCount)
		if at := got.PointUpdatedAt; at != nil {
			if text, err := at.MarshalText(); err != nil || at.Nanosecond() != 0 {
				t.Fatalf("%q: PointUpdatedAt is %s, %v", data, text, err)
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
				t.Fatalf("a sum of nil is %d", *total)
			}
			return
		}
		want.Add(want, big.NewInt(*count))
	}
	if want.IsInt64() != (total != nil) || total != nil && want.Int64() != *total {
		t.Fatalf("the sum is %v, want %s", total, want)
	}
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// FuzzObject compares with encoding/json, which takes no less, and more only of several members of a name.
func FuzzObject(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		var want map[string]json.RawMessage
		isObject := json.Unmarshal(data, &want) == nil && want != nil && utf8.Valid(data)
		fields := map[string]any{}
		for name := range want {
			fields[name] = new(json.RawMessage)
		}
		err := readObject(data, fields)
		if _, twice := errors.AsType[*fieldError](err); twice {
			return
		}
		if (err == nil) != isObject {
			t.Fatalf("%q: got %v", data, err)
		}
		for name, value := range want {
			if got := fields[name].(*json.RawMessage); isObject && string(*got) != string(value) { //nolint:forcetypeassert // as made above
				t.Fatalf("%q: %q is %q, want %q", data, name, *got, value)
			}
		}
	})
}

// FuzzAnswer checks that no answer gets anything unprintable, long or secret into an error, or is taken for another kind.
func FuzzAnswer(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, body []byte, header string) {
		answer := &egress.Answer{Status: 100 + int(uint(status)%500), Header: http.Header{}, Body: body}
		for _, name := range []string{"Date", "Retry-After", retryAfterMillis} {
			answer.Header.Set(name, header)
		}
		count, err := parse(answer)
		if (count == nil) == (err == nil) {
			t.Fatalf("got %v, %v", count, err)
		}
		if err == nil {
			if answer.Status/100 != 2 {
				t.Fatalf("HTTP %d is a success", answer.Status)
			}
			return
		}
		e := classify(answer, err, answeredAt, secrets)
		if e.Kind == "" {
			t.Fatalf("got %#v", err)
		}
		texts := []string{e.Error(), e.brief(), e.Code, e.Message, e.RequestID, e.Recommend, e.Field}
		if d := e.Denied; d != nil {
			texts = append(texts, d.AuthAction, d.AuthPrincipalType, d.AuthPrincipalOwnerID, d.AuthPrincipalDisplayName,
				d.NoPermissionType, d.PolicyType)
		}
		for _, text := range texts {
			if !printable(text) || len([]rune(text)) > 4000 || leaks(text) != "" {
				t.Fatalf("shows %q", text)
			}
		}
	})
}

// FuzzRetryAfter checks that whatever the headers say, the wait is a sane one.
func FuzzRetryAfter(f *testing.F) {
	f.Fuzz(func(t *testing.T, millis, limits, after, date string) {
		header := http.Header{}
		header.Set(retryAfterMillis, millis)
		header.Set("X-Ratelimit-User", limits)
		header.Set("Retry-After", after)
		header.Set("Date", date)
		wait := retryAfter(header, answeredAt)
		if wait < 0 || wait > maxRetryAfter {
			t.Fatalf("waits %s", wait)
		}
		if first := scaled(millis, time.Millisecond); first > 0 && wait != first {
			t.Fatalf("waits %s, though the first header says %s", wait, first)
		}
	})
}

// FuzzParseEndpoint checks that what is taken is canonical, encrypted unless it is this machine, and holds no more than a host.
func FuzzParseEndpoint(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseEndpoint(s)
		if err != nil {
			// What an error says doesn't depend on what was given.
			if _, again := ParseEndpoint(s + "\x00hush:hush@"); again == nil || strings.Contains(err.Error(), "hush") {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if again, err := ParseEndpoint(u.String()); err != nil || again.String() != u.String() {
			t.Fatalf("%q: %s becomes %v, %v", s, u, again, err)
		}
		if u.User != nil || u.Path != "/" || u.RawQuery+u.Fragment+u.Opaque != "" || u.Hostname() == "" || u.Host != strings.ToLower(u.Host) {
			t.Fatalf("%q: got %#v", s, u)
		}
		if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			t.Fatalf("%q: got %s", s, u)
		}
		if _, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.String(), http.NoBody); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
	})
}
