package cas

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

func TestErrorOfEachSource(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"get asset count: https://cas.test: no response in time: it took longer than 10s": &Error{
			Err: &egress.Error{Kind: egress.TimedOut, Address: "https://cas.test", Err: errors.New("it took longer than 10s")},
		},
		"get asset count: throttled (Throttling.User), request ID R-1": &Error{
			Report: openapi.Report{Kind: openapi.Throttled, Code: "Throttling.User", RequestID: "R-1"},
		},
		"get asset count: malformed response (HTTP 200): Point a�[2Jb c": &Error{
			Report: openapi.Report{Kind: egress.Malformed, Status: 200}, Err: FieldError("Point a\x1b[2Jb\r\n\tc"),
		},
		"get asset count: waiting for a response: context canceled after 1.234s (attempts: 2)": &WaitError{
			For: "a response", Attempts: 2, Elapsed: 1234432 * time.Microsecond, Cause: context.Canceled,
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestWaitErrorHoldsTheLastFailure(t *testing.T) {
	t.Parallel()
	last := &Error{Err: &egress.Error{Err: io.ErrUnexpectedEOF}}
	err := error(&WaitError{Cause: context.DeadlineExceeded, Last: last})
	if found, ok := errors.AsType[*Error](err); !ok || found != last {
		t.Errorf("got %v as the last attempt, want %v", found, last)
	}
	for target, want := range map[error]bool{io.ErrUnexpectedEOF: true, context.DeadlineExceeded: true, context.Canceled: false} {
		if got := errors.Is(err, target); got != want {
			t.Errorf("is %v: got %t, want %t", target, got, want)
		}
	}
	if found, ok := errors.AsType[*Error](&WaitError{Cause: context.Canceled}); ok {
		t.Errorf("got %v of a read without an attempt, want no last one", found)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, test := range map[string]struct {
		status int
		body   string
		header []string
	}{
		`throttled (Throttling.User): Request was denied due to user flow control., request ID R-1`: {
			status: 400, body: `{"Code":"Throttling.User","Message":"Request was denied due to user flow control.","RequestId":"R-1"}`,
		},
		`permission denied (Forbidden.RAM): no, request ID R-2`: {status: 403, body: `{"code":"Forbidden.RAM","message":"no","requestId":"R-2"}`},
		`temporarily unavailable (HTTP 502): <html> <h1>Bad Gateway & more</h1>`: {
			status: 502, body: "\r\n<html>\t<h1>Bad Gateway &amp; more</h1>\n\n",
		},
		`malformed response (HTTP 200): it isn't JSON: <p>`:              {status: 200, body: `<p>`},
		`malformed response (HTTP 200): it isn't JSON: [1,2`:             {status: 200, body: `[1,2`},
		`malformed response (HTTP 403): <p>Blocked`:                      {status: 403, body: `<p>Blocked`},
		`malformed response (HTTP 403): {"error":"blocked"}`:             {status: 403, body: `{"error":"blocked"}`},
		`malformed response (HTTP 403)`:                                  {status: 403, body: ``},
		`temporarily unavailable (HTTP 503): {"message":"busy"}`:         {status: 503, body: `{"message":"busy"}`},
		`malformed response (HTTP 200): it isn't valid UTF-8: {"a�b":1}`: {status: 200, body: "{\"a\xffb\":1}"},
		`malformed response (HTTP 200): it is compressed (gzip), though the request didn't accept that`: {
			status: 200, body: "\x1f\x8b\x08\x00\x00",
		},
		`temporarily unavailable (HTTP 503): it is compressed (br), though the request didn't accept that`: {
			status: 503, body: "hush", header: []string{"Content-Encoding", "BR"},
		},
		`malformed response (HTTP 200): it is empty or breaks off`:                {status: 200, body: ``},
		`malformed response (HTTP 200): it is empty or breaks off: {"Point":9`:    {status: 200, body: `{"Point":9`},
		`malformed response (HTTP 200): it isn't a JSON object: null`:             {status: 200, body: `null`},
		`malformed response (HTTP 200): it isn't a JSON object: []`:               {status: 200, body: `[]`},
		`malformed response (HTTP 200): something follows the JSON object: {} {}`: {status: 200, body: `{} {}`},
		`rejected (map[a:1])`: {status: 200, body: `{"Code":{"a":1}}`},
		`malformed response (HTTP 200): Point isn't a whole number: {"Point":"x","RequestId":"R-3"}, request ID R-3`: {
			status: 200, body: `{"Point":"x","RequestId":"R-3"}`,
		},
		`malformed response (HTTP 200): RequestId holds a character that can't be printed: {"RequestId":"a\u001bb"}, request ID a�b`: {
			status: 200, body: `{"RequestId":"a\u001bb"}`,
		},
		`malformed response (HTTP 404): a�[2Jb�c�d`:                        {status: 404, body: "a\x1b[2Jb\u202ec\xffd"},
		`malformed response (HTTP 404): ` + strings.Repeat("é", 199) + `…`: {status: 404, body: strings.Repeat("é", 9999)},
		`rejected (40001307): m`:                                           {status: 400, body: `{"code":40001307,"message":"m"}`},
		`rejected (X): ` + strings.Repeat("m", 999) + `…`: {
			status: 400, body: `{"Code":"X","Message":"` + strings.Repeat("m", 5000) + `"}`,
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			_, failure := respond(test.status, test.body, test.header...)
			if failure == nil || failure.Error() != "get asset count: "+want {
				t.Errorf("got  %v\nwant get asset count: %s", failure, want)
			}
		})
	}
}

func TestErrorKeepsWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	const body = `{"Code":"Forbidden.RAM","Message":"User not authorized.","RequestId":"R-1","HostId":"cas.aliyuncs.com",` +
		`"Recommend":"https://api.aliyun.com/troubleshoot?q=Forbidden.RAM","AccessDeniedDetail":{` +
		`"AuthAction":"yundun-cert:GetAssetCount","AuthPrincipalType":"SubUser","AuthPrincipalOwnerId":"1234567890123456",` +
		`"AuthPrincipalDisplayName":"216959339000654321","NoPermissionType":"ImplicitDeny",` +
		`"PolicyType":"AccountLevelIdentityBasedPolicy","EncodedDiagnosticMessage":"AQEAAAAAZsT1i0M4QzRGRjk0"}}`
	want := &Error{Report: openapi.Report{
		Failed: true, Kind: openapi.NoPermission, Status: 403, Code: "Forbidden.RAM", Message: "User not authorized.", RequestID: "R-1",
		Recommend: "https://api.aliyun.com/troubleshoot?q=Forbidden.RAM",
		Denied: openapi.AccessDenied{
			AuthAction: "yundun-cert:GetAssetCount", AuthPrincipalType: "SubUser", AuthPrincipalOwnerID: "1234567890123456",
			AuthPrincipalDisplayName: "216959339000654321", NoPermissionType: "ImplicitDeny", PolicyType: "AccountLevelIdentityBasedPolicy",
		},
		Skew:       20 * time.Minute,
		RetryAfter: 3 * time.Second,
	}}
	header := []string{"Date", "Tue, 06 Jan 2026 06:13:30 GMT", "Retry-After", "3"}
	lower := strings.NewReplacer(`"Code"`, `"code"`, `"Message"`, `"message"`, `"RequestId"`, `"requestId"`, `"Recommend"`, `"recommend"`,
		`"Access`, `"access`, `"Auth`, `"auth`, `"NoPermissionType"`, `"noPermissionType"`, `"PolicyType"`, `"policyType"`).Replace(body)
	for _, body := range []string{body, lower} {
		if _, got := respond(403, body, header...); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	}

	want.Skew, want.RetryAfter = 0, 0
	want.Message, want.RequestID, want.Recommend, want.Denied = "", "", "", openapi.AccessDenied{AuthAction: "a"}
	odd := `{"Code":"Forbidden.RAM","Message":{},"RequestId":[1],"Recommend":true,"AccessDeniedDetail":{"AuthAction":"a","PolicyType":{}}}`
	if _, got := respond(403, odd, "Date", "now"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for _, detail := range []string{`null`, `"text"`, `[1]`, `{}`, `7`} {
		if _, got := respond(403, `{"Code":"Forbidden.RAM","AccessDeniedDetail":`+detail+`}`); got.Denied != (openapi.AccessDenied{}) {
			t.Errorf("%s: got %+v, want none", detail, got.Denied)
		}
	}
}
