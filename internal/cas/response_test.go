package cas

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

var receivedAt = time.Date(2026, 1, 6, 6, 33, 30, 0, time.UTC)

// respond passes a response through the client, with header given as name, value, name, value and
// so on.
func respond(status int, body string, header ...string) (*AssetCount, *Error) {
	resp := &egress.Response{Status: status, Header: http.Header{}, Body: []byte(body)}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return interpret(resp, receivedAt, secrets...)
}

func TestSuccessIsRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"200":           {status: 200, body: golden},
		"201":           {status: 201, body: golden},
		"299":           {status: 299, body: golden},
		"code null":     {status: 200, body: `{"Code":null,` + golden[1:]},
		"code empty":    {status: 200, body: `{"Code":"",` + golden[1:]},
		"code 200":      {status: 200, body: `{"Code":200,` + golden[1:]},
		"code \"200\"":  {status: 200, body: `{"code":"200",` + golden[1:]},
		"code OK":       {status: 200, body: `{"Code":"OK",` + golden[1:]},
		"code Success":  {status: 200, body: `{"code":"Success","success":true,` + golden[1:]},
		"Success null":  {status: 200, body: `{"Success":null,` + golden[1:]},
		"as large":      {status: 200, body: golden + strings.Repeat(" ", egress.MaxBody-len(golden))},
		"content first": {status: 200, body: "\n\n" + golden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count, failure := respond(test.status, test.body, "Content-Type", "text/html")
			if failure != nil || !reflect.DeepEqual(count, goldenCount()) {
				t.Errorf("got %+v, %v, want %+v", count, failure, goldenCount())
			}
		})
	}
}

// Every code that the service documents, and what may stand in for one, with whether it is tried
// again.
func TestClassification(t *testing.T) {
	t.Parallel()
	code := func(c string) string { return `{"Code":"` + c + `","Message":"m"}` }
	after := []string{"X-Acs-Retry-After", "10"}
	for name, test := range map[string]struct {
		status    int
		body      string
		header    []string
		kind      egress.Kind
		retryable bool
	}{
		"Throttling with 200":     {status: 200, body: code("Throttling"), kind: openapi.Throttled, retryable: true},
		"429":                     {status: 429, body: "", kind: openapi.Throttled, retryable: true},
		"retry after, 400":        {status: 400, body: code("Forbidden"), header: after, kind: openapi.Throttled, retryable: true},
		"retry after, 503":        {status: 503, body: "<html>", header: after, kind: openapi.Throttled, retryable: true},
		"retry after, 200":        {status: 200, body: "[]", header: after, kind: egress.Malformed},
		"retry after, 200, code":  {status: 200, body: code("Forbidden"), header: after, kind: openapi.NoPermission},
		"ServiceUnavailable":      {status: 400, body: code("ServiceUnavailable"), kind: openapi.Temporary, retryable: true},
		"InternalError with 200":  {status: 200, body: code("InternalError"), kind: openapi.Temporary, retryable: true},
		"500, unknown code":       {status: 500, body: code("Oops"), kind: openapi.Temporary, retryable: true},
		"503":                     {status: 503, body: `{"message":"busy"}`, kind: openapi.Temporary, retryable: true},
		"any other code with 200": {status: 200, body: code("InvalidParameter"), kind: openapi.Rejected},
		"a numeric code":          {status: 400, body: `{"code":40013,"message":"m"}`, kind: openapi.Rejected},
		"a numeric code, 200":     {status: 200, body: `{"code":500,"message":"m"}`, kind: openapi.Rejected},
		"a code of no type, 200":  {status: 200, body: `{"Code":{"a":1},` + golden[1:], kind: openapi.Rejected},
		"a code that is true":     {status: 200, body: `{"Code":true,` + golden[1:], kind: openapi.Rejected},
		"a code of no type, 400":  {status: 400, body: `{"Code":["Forbidden"]}`, kind: openapi.Rejected},
		"lower case":              {status: 400, body: `{"code":"Throttling"}`, kind: openapi.Throttled, retryable: true},
		"success code with 400":   {status: 400, body: code("OK"), kind: openapi.Rejected},
		"403 page":                {status: 403, body: "<html>", kind: egress.Malformed},
		"403, nothing":            {status: 403, body: "", kind: egress.Malformed},
		"404 page":                {status: 404, body: "<html>", kind: egress.Malformed},
		"400, breaks off":         {status: 400, body: `{"Code":"Throttl`, kind: egress.Malformed},
		"200, breaks off":         {status: 200, body: golden[:100], kind: egress.Malformed, retryable: true},
		"200, nothing":            {status: 200, body: "", kind: egress.Malformed, retryable: true},
		"200, spaces":             {status: 200, body: " \n", kind: egress.Malformed, retryable: true},
		"204":                     {status: 204, body: "", kind: egress.Malformed, retryable: true},
		"200, page":               {status: 200, body: "<html>", kind: egress.Malformed},
		"200, not a success":      {status: 200, body: `{"Success":false}`, kind: egress.Malformed},
		"200, null":               {status: 200, body: "null", kind: egress.Malformed},
		"200, array":              {status: 200, body: "[" + golden + "]", kind: egress.Malformed},
		"200, two":                {status: 200, body: golden + golden, kind: egress.Malformed},
		"200, deep": {
			status: 200, body: `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}", kind: egress.Malformed,
		},
		"200, wrong type": {status: 200, body: `{"Point":"x"}`, kind: egress.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count, failure := respond(test.status, test.body, test.header...)
			if failure == nil {
				t.Fatalf("got %+v, want kind %q", count, test.kind)
			}
			if failure.Kind != test.kind {
				t.Errorf("got kind %q, want %q", failure.Kind, test.kind)
			}
			if failure.Status != test.status {
				t.Errorf("got status %d, want %d", failure.Status, test.status)
			}
			if failure.Temporary() != test.retryable {
				t.Errorf("may pass: got %t, want %t", failure.Temporary(), test.retryable)
			}
		})
	}
}

// An object that isn't the service's is an error, which shows none of its values.
func TestForeignObjects(t *testing.T) {
	t.Parallel()
	const none, failed = "the response has none of the documented elements", "the response reports no success, and no error code"
	for body, want := range map[string]string{
		`{}`:                 none,
		`{"RequestId":null}`: none + "; it has RequestId",
		`{"message":"hush","status":"hush","recommend":"hush","accessDeniedDetail":{"authAction":"hush"}}`: none +
			"; it has accessDeniedDetail, message, recommend, status",
		`{"errors":[{"title":"hush"}]}`:                        none + "; it has errors",
		`{"Success":false,"ErrorCode":"hush"}`:                 failed,
		`{"success":"false",` + golden[1:]:                     failed,
		`{"Success":0,"Message":"hush"}`:                       failed,
		`{"RequestId":"A","Data":` + golden + `}`:              none + "; it has Data, RequestId",
		`{"RequestId":"A","Code":"200"}`:                       none + "; it has Code, RequestId",
		strings.ToLower(`{"Point":1,"PointTime":2}`):           none + "; it has point, pointtime",
		`{"Point":1,"Point":1}`:                                "Point is there twice",
		`{"Point":null,"point":1}`:                             "point is there twice",
		`{"Point":1,"\u0050oint":1}`:                           "Point is there twice",
		`{"Success":false,"Success":true,` + golden[1:]:        "Success is there twice",
		`{"code":"hush","Code":"OK",` + golden[1:]:             "Code is there twice",
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}`:          none + "; it has a, b, c, d, e, f, g",
		`{"a\u001b[2J":1,"` + strings.Repeat("b", 50) + `":1}`: none + "; it has a�[2J, " + strings.Repeat("b", 50),
		`{"` + secrets[0] + `":1}`:                             none + "; it has [redacted]",
		`{"` + strings.Repeat("a", 500) + `":1}`:               none + "; it has " + strings.Repeat("a", 242) + "…",
	} {
		_, failure := respond(200, body)
		if failure == nil || failure.Kind != egress.Malformed || failure.Err == nil || failure.Err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, failure, want)
		}
		if shown := fmt.Sprintf("%+v", failure); strings.Contains(shown, "hush") {
			t.Errorf("%s: got %s, want its values left out", body, shown)
		}
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

// secretCredentials are of the size and the alphabet of real ones.
var secretCredentials = credential.Credentials{
	AccessKeyID:     "LTAI5tCasTestAccessKeyId",
	AccessKeySecret: "q8Zr2VtKx0BnLw7YcM5sDf3HgJ9aPe",
	SecurityToken:   "CAIS+w9/8Jk2=QmVn4Xr6ZtLb1CyHs/3GdPoKf7Wu0TqAe5Ni+RjMzSxBvUcYwEpDg==",
}

const secretSignature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"

var secrets = []string{secretCredentials.AccessKeySecret, secretCredentials.SecurityToken, secretSignature}

// leaks returns the first run of bytes of a secret that text holds.
func leaks(text string) string {
	const run = 16
	for _, secret := range secrets {
		for i := range len(secret) - run + 1 {
			if strings.Contains(text, secret[i:i+run]) {
				return secret[i : i+run]
			}
		}
	}
	return ""
}
