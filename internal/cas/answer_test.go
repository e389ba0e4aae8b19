package cas

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

var answeredAt = time.Date(2026, 1, 6, 6, 33, 30, 0, time.UTC)

// respond passes an answer through the client, with header given as name, value, name, value and so on.
func respond(status int, body string, header ...string) (*AssetCount, *Error) {
	answer := &egress.Answer{Status: status, Header: http.Header{}, Body: []byte(body)}
	for i := 0; i < len(header); i += 2 {
		answer.Header.Set(header[i], header[i+1])
	}
	count, err := parse(answer)
	if err == nil {
		return count, nil
	}
	return nil, classify(answer, err, answeredAt, secrets)
}

func TestSuccess(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"200":           {200, golden},
		"201":           {201, golden},
		"299":           {299, golden},
		"code null":     {200, `{"Code":null,` + golden[1:]},
		"code empty":    {200, `{"Code":"",` + golden[1:]},
		"code 200":      {200, `{"Code":200,` + golden[1:]},
		"code \"200\"":  {200, `{"code":"200",` + golden[1:]},
		"code OK":       {200, `{"Code":"OK",` + golden[1:]},
		"code Success":  {200, `{"code":"Success",` + golden[1:]},
		"as large":      {200, golden + strings.Repeat(" ", egress.MaxBody-len(golden))},
		"content first": {200, "\n\n" + golden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count, failure := respond(test.status, test.body, "Content-Type", "text/html")
			if failure != nil || !reflect.DeepEqual(count, goldenCount()) {
				t.Errorf("got %v, %v", count, failure)
			}
		})
	}
}

// Every code that the service documents, and what may stand in for one, with whether it is tried again.
func TestClassification(t *testing.T) {
	t.Parallel()
	code := func(c string) string { return `{"Code":"` + c + `","Message":"m"}` }
	after := []string{"X-Acs-Retry-After", "10"}
	for name, test := range map[string]struct {
		status    int
		body      string
		header    []string
		kind      Kind
		retryable bool
	}{
		"Throttling":              {400, code("Throttling"), nil, Throttled, true},
		"Throttling.User":         {400, code("Throttling.User"), nil, Throttled, true},
		"Throttling.Api":          {400, code("Throttling.Api"), nil, Throttled, true},
		"Throttling with 200":     {200, code("Throttling"), nil, Throttled, true},
		"429":                     {429, "", nil, Throttled, true},
		"retry after, 400":        {400, code("Forbidden"), after, Throttled, true},
		"retry after, 503":        {503, "<html>", after, Throttled, true},
		"retry after, 200":        {200, "[]", after, Malformed, false},
		"retry after, 200, code":  {200, code("Forbidden"), after, NoPermission, false},
		"ServiceUnavailable":      {400, code("ServiceUnavailable"), nil, Temporary, true},
		"InternalError":           {400, code("InternalError"), nil, Temporary, true},
		"InternalError with 200":  {200, code("InternalError"), nil, Temporary, true},
		"SignatureNonceUsed":      {400, code("SignatureNonceUsed"), nil, Temporary, true},
		"408":                     {408, "", nil, Temporary, true},
		"500":                     {500, "<html>", nil, Temporary, true},
		"500, unknown code":       {500, code("Oops"), nil, Temporary, true},
		"502":                     {502, "<html>", nil, Temporary, true},
		"503":                     {503, `{"message":"busy"}`, nil, Temporary, true},
		"504":                     {504, "", nil, Temporary, true},
		"501":                     {501, "", nil, Malformed, false},
		"InvalidTimeStamp":        {400, code("InvalidTimeStamp.Expired"), nil, Clock, false},
		"InvalidTimeStamp.Format": {400, code("InvalidTimeStamp.Format"), nil, Clock, false},
		"InvalidAccessKeyId":      {404, code("InvalidAccessKeyId.NotFound"), nil, BadKey, false},
		"inactive key":            {403, code("InvalidAccessKeyId.Inactive"), nil, BadKey, false},
		"SignatureDoesNotMatch":   {400, code("SignatureDoesNotMatch"), nil, BadKey, false},
		"IncompleteSignature":     {400, code("IncompleteSignature"), nil, BadKey, false},
		"expired token":           {400, code("InvalidSecurityToken.Expired"), nil, BadToken, false},
		"malformed token":         {400, code("InvalidSecurityToken.Malformed"), nil, BadToken, false},
		"another key's token":     {400, code("InvalidSecurityToken.MismatchWithAccessKey"), nil, BadToken, false},
		"MissingSecurityToken":    {400, code("MissingSecurityToken"), nil, BadToken, false},
		"Forbidden.RAM":           {403, code("Forbidden.RAM"), nil, NoPermission, false},
		"Forbidden":               {403, code("Forbidden"), nil, NoPermission, false},
		"NoPermission":            {403, code("NoPermission"), nil, NoPermission, false},
		"InvalidApi.NotFound":     {404, code("InvalidApi.NotFound"), nil, WrongPlace, false},
		"any other code":          {400, code("InvalidParameter"), nil, Rejected, false},
		"any other code with 200": {200, code("InvalidParameter"), nil, Rejected, false},
		"a code in between":       {400, code("MyThrottling"), nil, Rejected, false},
		"a numeric code":          {400, `{"code":40013,"message":"m"}`, nil, Rejected, false},
		"a numeric code, 200":     {200, `{"code":500,"message":"m"}`, nil, Rejected, false},
		"a code of no type, 200":  {200, `{"Code":{"a":1},` + golden[1:], nil, Malformed, false},
		"a code that is true":     {200, `{"Code":true,` + golden[1:], nil, Malformed, false},
		"a code of no type, 400":  {400, `{"Code":["Throttling"]}`, nil, Malformed, false},
		"lower case":              {400, `{"code":"Throttling"}`, nil, Throttled, true},
		"success code with 400":   {400, code("OK"), nil, Rejected, false},
		"401 page":                {401, "<html>", nil, Malformed, false},
		"403 page":                {403, "<html>", nil, Malformed, false},
		"403, nothing":            {403, "", nil, Malformed, false},
		"407 page":                {407, "<html>", nil, Malformed, false},
		"404 page":                {404, "<html>", nil, Malformed, false},
		"400, breaks off":         {400, `{"Code":"Throttl`, nil, Malformed, true},
		"200, breaks off":         {200, golden[:100], nil, Malformed, true},
		"200, nothing":            {200, "", nil, Malformed, true},
		"200, spaces":             {200, " \n", nil, Malformed, true},
		"204":                     {204, "", nil, Malformed, true},
		"200, page":               {200, "<html>", nil, Malformed, false},
		"200, null":               {200, "null", nil, Malformed, false},
		"200, array":              {200, "[" + golden + "]", nil, Malformed, false},
		"200, two":                {200, golden + golden, nil, Malformed, false},
		"200, deep":               {200, `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}", nil, Malformed, false},
		"200, wrong type":         {200, `{"Point":"1"}`, nil, Malformed, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count, failure := respond(test.status, test.body, test.header...)
			if count != nil || failure == nil {
				t.Fatalf("got %v, %v", count, failure)
			}
			if failure.Kind != test.kind || failure.Temporary() != test.retryable || failure.Status != test.status {
				t.Errorf("got %q (HTTP %d), may pass: %t; want %q, %t", failure.Kind, failure.Status, failure.Temporary(), test.kind, test.retryable)
			}
		})
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
			400, `{"Code":"Throttling.User","Message":"Request was denied due to user flow control.","RequestId":"R-1"}`, nil,
		},
		`permission denied (Forbidden.RAM): no, request ID R-2`: {403, `{"code":"Forbidden.RAM","message":"no","requestId":"R-2"}`, nil},
		`temporarily unavailable (HTTP 502): <html> <h1>Bad Gateway & more</h1>`: {
			502, "\r\n<html>\t<h1>Bad Gateway &amp; more</h1>\n\n", nil,
		},
		`malformed answer (HTTP 200): invalid character '<' looking for beginning of value: <p>`: {200, `<p>`, nil},
		`malformed answer (HTTP 403): <p>Blocked`:                                                {403, `<p>Blocked`, nil},
		`malformed answer (HTTP 403): {"error":"blocked"}`:                                       {403, `{"error":"blocked"}`, nil},
		`malformed answer (HTTP 403)`:                                                            {403, ``, nil},
		`malformed answer (HTTP 200): unexpected EOF`:                                            {200, ``, nil},
		`malformed answer (HTTP 200): unexpected EOF: {"Point":9`:                                {200, `{"Point":9`, nil},
		`malformed answer (HTTP 200): it is null instead of an object: null`:                     {200, `null`, nil},
		`malformed answer (HTTP 200): it is an array instead of an object: []`:                   {200, `[]`, nil},
		`malformed answer (HTTP 200): something follows the JSON value: {} {}`:                   {200, `{} {}`, nil},
		`malformed answer (HTTP 200): Code is an object instead of a string`:                     {200, `{"Code":{}}`, nil},
		`malformed answer (HTTP 200): Point is a string instead of a number, request ID R-3`:     {200, `{"Point":"1","RequestId":"R-3"}`, nil},
		`malformed answer (HTTP 200): RequestId holds the character U+001B, which can't be printed, request ID a�b`: {
			200, `{"RequestId":"a\u001bb"}`, nil,
		},
		`malformed answer (HTTP 404): a�[2Jb�c�d`:                        {404, "a\x1b[2Jb\u202ec\xffd", nil},
		`malformed answer (HTTP 404): ` + strings.Repeat("é", 199) + `…`: {404, strings.Repeat("é", 9999), nil},
		`rejected (40013): m`:                             {400, `{"code":40013,"message":"m"}`, nil},
		`rejected (X): ` + strings.Repeat("m", 999) + `…`: {400, `{"Code":"X","Message":"` + strings.Repeat("m", 5000) + `"}`, nil},
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
	want := &Error{
		Kind: NoPermission, Status: 403, Code: "Forbidden.RAM", Message: "User not authorized.", RequestID: "R-1",
		Recommend: "https://api.aliyun.com/troubleshoot?q=Forbidden.RAM",
		Denied: &AccessDenied{
			AuthAction: "yundun-cert:GetAssetCount", AuthPrincipalType: "SubUser", AuthPrincipalOwnerID: "1234567890123456",
			AuthPrincipalDisplayName: "216959339000654321", NoPermissionType: "ImplicitDeny", PolicyType: "AccountLevelIdentityBasedPolicy",
		},
		Skew: 20 * time.Minute, HasSkew: true,
		retryAfter: 3 * time.Second,
	}
	header := []string{"Date", "Tue, 06 Jan 2026 06:13:30 GMT", "Retry-After", "3"}
	lower := strings.NewReplacer(`"Code"`, `"code"`, `"Message"`, `"message"`, `"RequestId"`, `"requestId"`, `"Recommend"`, `"recommend"`,
		`"Access`, `"access`, `"Auth`, `"auth`, `"NoPermissionType"`, `"noPermissionType"`, `"PolicyType"`, `"policyType"`).Replace(body)
	for _, body := range []string{body, lower} {
		if _, got := respond(403, body, header...); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	}

	want.HasSkew, want.Skew, want.retryAfter = false, 0, 0
	want.Message, want.RequestID, want.Recommend, want.Denied = "", "", "", &AccessDenied{AuthAction: "a"}
	odd := `{"Code":"Forbidden.RAM","Message":{},"RequestId":[1],"Recommend":true,"AccessDeniedDetail":{"AuthAction":"a","PolicyType":{}}}`
	if _, got := respond(403, odd, "Date", "now"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for _, detail := range []string{`null`, `"text"`, `[1]`, `{}`, `7`} {
		if _, got := respond(403, `{"Code":"Forbidden.RAM","AccessDeniedDetail":`+detail+`}`); got.Denied != nil {
			t.Errorf("%s: got %+v", detail, got.Denied)
		}
	}
}

func TestSkewBehind(t *testing.T) {
	t.Parallel()
	_, failure := respond(400, `{"Code":"InvalidTimeStamp.Expired"}`, "Date", "Tue, 06 Jan 2026 07:33:31 GMT")
	if failure.Skew != -time.Hour-time.Second || !failure.HasSkew {
		t.Errorf("got %s, %t", failure.Skew, failure.HasSkew)
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

// In each text that an error takes from an answer, wherever it is cut.
func TestRedaction(t *testing.T) {
	t.Parallel()
	for _, secret := range secrets {
		for _, pad := range []int{0, 150, 175, 199, 950, 980, 999, 4040, 4095} {
			text := strings.Repeat("x", pad) + secret
			for _, body := range []string{
				text,
				`{"Message":"` + text,
				`{"Code":"` + text + `","Message":"` + text + `","RequestId":"` + text + `","Recommend":"` + text + `",` +
					`"AccessDeniedDetail":{"AuthAction":"` + text + `","PolicyType":"` + text + `"}}`,
			} {
				_, e := respond(403, body)
				all := strings.Join([]string{e.Error(), e.Code, e.Message, e.RequestID, e.Recommend}, "\n")
				if e.Denied != nil {
					all += e.Denied.AuthAction + "\n" + e.Denied.PolicyType
				}
				if run := leaks(all); run != "" {
					t.Fatalf("%d before the secret: shows %q", pad, run)
				}
			}
		}
	}
}
