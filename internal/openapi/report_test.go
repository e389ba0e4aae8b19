package openapi

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

func TestSkewIsByTheDateOfTheResponse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 6, 6, 33, 30, 0, time.UTC)
	for date, want := range map[string]time.Duration{
		"Tue, 06 Jan 2026 06:13:30 GMT": 20 * time.Minute, "Tue, 06 Jan 2026 07:33:31 GMT": -time.Hour - time.Second, "now": 0, "": 0,
	} {
		report := ReadReport(&egress.Response{Status: 400, Header: http.Header{"Date": {date}}}, now)
		if report.Skew != want {
			t.Errorf("%q: got %s, want %s", date, report.Skew, want)
		}
	}
}

func TestReportOfAFailure(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		``: false, `[]`: false, `{}`: false, `{"Code":"OK","Success":true}`: false, `{"code":200,"success":"True"}`: false,
		`{"Success":null,"Code":null}`: false, `{"Success":false}`: true, `{"success":"no"}`: true, `{"Success":0}`: true, `{"Code":"X"}`: true,
		`{"Code":404}`: true, `{"Code":{}}`: true,
	} {
		if got := ReadReport(&egress.Response{Status: 200, Body: []byte(body)}, time.Time{}).Failed; got != want {
			t.Errorf("%s: got a failure: %t, want %t", body, got, want)
		}
	}
}

func TestCodeThatIsANumber(t *testing.T) {
	t.Parallel()
	const code = "40400001"
	if got := ReadReport(&egress.Response{Body: []byte(`{"Code":` + code + `}`)}, time.Time{}).Code; got != code {
		t.Errorf("got %s, want %s", got, code)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const date = "Thu, 01 Jan 2026 00:00:00 GMT"
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock that is half a day ahead of the service's
	all := func(header http.Header) http.Header {
		all := http.Header{"X-Ratelimit-User-Api": {"TimeLeft:3000"}, "X-Ratelimit-User": {"TimeLeft:4000"}, "Retry-After": {"5"}}
		maps.Copy(all, header)
		return all
	}
	for name, test := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"nothing":        {header: http.Header{}},
		"the first":      {header: all(http.Header{"X-Acs-Retry-After": {"2000"}}), want: 2 * time.Second},
		"the second":     {header: all(http.Header{}), want: 4 * time.Second},
		"the larger":     {header: all(http.Header{"X-Ratelimit-User-Api": {"TimeLeft:6000"}}), want: 6 * time.Second},
		"milliseconds":   {header: http.Header{"X-Acs-Retry-After": {"1500"}}, want: 1500 * time.Millisecond},
		"spaces":         {header: http.Header{"X-Acs-Retry-After": {" 1500 "}}, want: 1500 * time.Millisecond},
		"zero gives way": {header: http.Header{"X-Acs-Retry-After": {"0"}, "Retry-After": {"3"}}, want: 3 * time.Second},
		"garbage gives way": {
			header: http.Header{"X-Acs-Retry-After": {"soon"}, "X-Ratelimit-User": {"TimeLeft:20"}}, want: 20 * time.Millisecond,
		},
		"negative":          {header: http.Header{"Retry-After": {"-3"}}},
		"fraction":          {header: http.Header{"Retry-After": {"1.5"}}},
		"beyond 64 bits":    {header: http.Header{"X-Acs-Retry-After": {"99999999999999999999999"}}, want: farOff},
		"beyond a duration": {header: http.Header{"Retry-After": {"9223372036854775807"}}, want: farOff},
		"limits in other order": {
			header: http.Header{"X-Ratelimit-User-Api": {"Reset:1, TimeLeft: 700 ,Limit:1"}}, want: 700 * time.Millisecond,
		},
		"limits without a time": {header: http.Header{"X-Ratelimit-User": {"Limit:1,Remain:0"}}},
		"limits that are empty": {header: http.Header{"X-Ratelimit-User": {",,:,TimeLeft"}}},
		"date, service's clock": {header: http.Header{"Retry-After": {"Thu, 01 Jan 2026 00:00:30 GMT"}, "Date": {date}}, want: 30 * time.Second},
		"date, own clock":       {header: http.Header{"Retry-After": {"Thu, 01 Jan 2026 12:00:40 GMT"}}, want: 40 * time.Second},
		"date in the past":      {header: http.Header{"Retry-After": {"Wed, 31 Dec 2025 00:00:30 GMT"}, "Date": {date}}},
		"date far away":         {header: http.Header{"Retry-After": {"Fri, 31 Dec 9999 00:00:30 GMT"}, "Date": {date}}, want: farOff},
	} {
		if got := ReadReport(&egress.Response{Header: test.header}, now).RetryAfter; got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// FuzzRetryAfter checks that whatever the headers say, the wait is a sane one.
func FuzzRetryAfter(f *testing.F) {
	f.Fuzz(func(t *testing.T, millis, limits, after, date string) {
		header := http.Header{}
		header.Set(headerRetryAfter, millis)
		header.Set("X-Ratelimit-User", limits)
		header.Set("Retry-After", after)
		header.Set("Date", date)
		wait := ReadReport(&egress.Response{Header: header}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).RetryAfter
		if wait < 0 || wait > farOff {
			t.Fatalf("got %s, want 0 to %s", wait, farOff)
		}
		if first := number(header, headerRetryAfter, "", time.Millisecond); first > 0 && wait != first {
			t.Fatalf("got %s, want %s as in the first header", wait, first)
		}
	})
}

func TestKindOfEachCodeAndStatus(t *testing.T) {
	t.Parallel()
	type answer struct {
		status int
		code   string
	}
	untested := maps.Clone(codes)
	for want, answers := range map[egress.Kind][]answer{
		Throttled: {
			{503, "Throttling"}, {400, "Throttling.User"}, {200, "Throttling.Api"}, {400, "Rejected.Throttling"}, {429, ""},
		},
		Temporary: {
			{400, "ServiceUnavailable"}, {400, "ServiceUnavailableTemporary"}, {200, "InternalError"}, {400, "InternalError.Foo"},
			{400, "SignatureNonceUsed"}, {500, "Oops"}, {408, ""}, {500, ""}, {504, ""}, {529, ""},
		},
		Clock: {{400, "InvalidTimeStamp.Expired"}, {400, "InvalidTimeStamp.Format"}},
		BadKey: {
			{404, "InvalidAccessKeyId.NotFound"}, {403, "InvalidAccessKeyId.Inactive"}, {400, "SignatureDoesNotMatch"},
			{400, "IncompleteSignature"},
		},
		BadToken: {
			{400, "InvalidSecurityToken.Expired"}, {400, "InvalidSecurityToken.MismatchWithAccessKey"}, {400, "MissingSecurityToken"},
		},
		NoPermission:     {{403, "Forbidden"}, {403, "Forbidden.RAM.NotAuthorized"}, {200, "Forbidden"}, {403, "NoPermission"}},
		WrongPlace:       {{404, "InvalidApi.NotFound"}, {404, "InvalidAction.NotFound"}, {400, "InvalidVersion"}},
		Rejected:         {{400, "MyForbidden"}, {400, "InternalErrors"}, {400, "InvalidApi"}, {200, "Oops"}, {404, "OK"}},
		egress.Malformed: {{403, ""}, {501, ""}, {200, ""}},
	} {
		for _, a := range answers {
			if got := KindOf(a.status, a.code); got != want {
				t.Errorf("HTTP %d, code %q: got %q, want %q", a.status, a.code, got, want)
			}
			maps.DeleteFunc(untested, func(code string, _ egress.Kind) bool { return strings.HasPrefix(a.code, code) })
		}
	}
	if len(untested) > 0 {
		t.Errorf("got no case of %v, want one", untested)
	}
}
