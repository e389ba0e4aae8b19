package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// headings are those of the troubleshooting guide, which has one for the summary of each
// diagnostic.
var headings = sync.OnceValue(func() []string {
	guide, err := os.ReadFile(filepath.Join("..", "..", "templates", "guides", "troubleshooting.md.tmpl"))
	if err != nil {
		panic(err)
	}
	errors, _, _ := strings.Cut(string(guide), "## Frequent questions")
	var found []string
	for _, heading := range regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(errors, -1) {
		found = append(found, heading[1])
	}
	return found
})

// TestTroubleshootingKnowsEveryDiagnostic compares the summaries of the messages and of the
// settings with the guide's headings, as TestDiagnose and checkProblems do with those of all
// diagnostics that they meet.
func TestTroubleshootingKnowsEveryDiagnostic(t *testing.T) {
	t.Parallel()
	summaries := []string{ // which are in no table
		"Missing Alibaba Cloud access key",
		"Missing Alibaba Cloud secret key",
		"Missing OIDC provider ARN",
		"Missing OIDC token",
		"Missing role ARN",
		"Conflicting OIDC tokens",
		"Conflicting sources of credentials",
		"Environment variables disagree",
		"Unknown provider argument",
		"Empty access key",
		"Invalid number",
		"Invalid Attribute Value Match",
		"Invalid Attribute Value Length",
		"Site of the account isn't known",
		"No endpoint within a VPC",
		"No asset counts in the response",
		"Asset count below the minimum",
		"Asset count above the maximum",
		"Missing asset count",
		"Minimum above the maximum",
		"Missing bound",
		"Unknown asset count",
	}
	for _, m := range messages {
		summaries = append(summaries, m.summary)
	}
	for _, s := range settings {
		if check, ok := s.check.(check); ok {
			summaries = append(summaries, check.summary)
		}
	}
	for _, summary := range summaries {
		if summary != "" && !slices.Contains(headings(), summary) {
			t.Errorf("got no heading of the guide for %q, want one", summary)
		}
	}
	for _, heading := range headings() {
		if !slices.Contains(summaries, heading) {
			t.Errorf("got the heading %q of the guide, want only summaries", heading)
		}
	}
}

func diagnose(err error) diag.Diagnostic { return about(err).diagnostic() }

// TestDiagnose compares every diagnostic of a read, summary and detail, with testdata/diagnostics.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	tests := map[string]error{
		"unexpected": errors.New("get asset count: something new"),
	}
	for _, cases := range []map[string]error{waits(), calls(), withoutAnswer(), withoutCredentials()} {
		maps.Copy(tests, cases)
	}
	for _, m := range messages {
		met := func(name string) bool {
			r := about(tests[name])
			return r.from == m.from && r.kind == m.kind && r.code == m.code
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(tests)), met) {
			t.Errorf("got no case of %+v, want one", m)
		}
	}
	for name, err := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := diagnose(fmt.Errorf("wrapped: %w", err))
			if !slices.Contains(headings(), d.Summary()) {
				t.Errorf("got summary %q, want a heading of the guide", d.Summary())
			}
			if d.Severity() != diag.SeverityError {
				t.Errorf("got severity %s, want %s", d.Severity(), diag.SeverityError)
			}
			golden(t, filepath.Join("testdata", "diagnostics", name+".txt"), "Error: "+d.Summary()+"\n\n"+d.Detail()+"\n")
		})
	}
}

// Of several reads that one cause makes fail, one explains it, and another cause is explained as
// well.
func TestEachCauseIsExplainedOnce(t *testing.T) {
	t.Parallel()
	network := failures()
	call := func(e *egress.Error) error { return failed(e.Kind, 0, "", "", func(call *cas.Error) { call.Err = e }) }
	reset := func(port int) error {
		e := *network["reset"]
		e.Err = &net.OpError{Op: "read", Source: &net.TCPAddr{Port: port}, Err: errors.New("connection reset by peer")}
		return call(&e)
	}
	denied := func(id string) func(*cas.Error) { return func(e *cas.Error) { e.RequestID, e.Attempts = id, len(id) } }
	waited := func(why string, elapsed time.Duration) error {
		return &cas.WaitError{For: why, Elapsed: elapsed, Cause: context.DeadlineExceeded}
	}
	source := func(name, code string, err error) error {
		return &credential.Error{Source: name, Report: openapi.Report{Code: code}, Err: err}
	}
	elsewhere := *network["dns"]
	elsewhere.Address = "https://cas.ap-southeast-1.aliyuncs.com"
	var shown explained
	for _, test := range []struct {
		err   error
		again bool
	}{
		{err: failed(openapi.BadKey, 404, "InvalidAccessKeyId.NotFound", "Not found, request R-1.", denied("R-1"))},
		{err: failed(openapi.BadKey, 404, "InvalidAccessKeyId.NotFound", "Not found, request R-20.", denied("R-20")),
			again: true},
		{err: failed(openapi.BadKey, 400, "SignatureDoesNotMatch", "")},
		{err: failed(openapi.BadKey, 404, "InvalidAccessKeyId.NotFound", "",
			func(e *cas.Error) { e.Credentials = "profile other" })},
		{err: reset(1001)},
		{err: reset(1002), again: true},
		{err: call(network["dns"])},
		{err: call(&elsewhere)},
		{err: call(network["proxy_dns"])},
		{err: failed(egress.Malformed, 200, "", "",
			func(e *cas.Error) { e.Err = cas.FieldError("Point isn't a whole number") })},
		{err: failed(egress.Malformed, 200, "", "",
			func(e *cas.Error) { e.Err = cas.FieldError("LastPoint isn't a whole number") })},
		{err: waited("its turn", time.Second)},
		{err: waited("its turn", 2*time.Second), again: true},
		{err: waited("credentials", time.Second)},
		{err: withoutCredentials()["credentials_nowhere"]},
		{err: withoutCredentials()["credentials_nowhere"], again: true},
		{err: source("a", "NoPermission", errors.New("request R-1"))},
		{err: source("a", "NoPermission", errors.New("request R-2")), again: true},
		{err: source("a", "", network["refused"])},
		{err: source("b", "", network["refused"])},
		{err: calls()["permission_denied"]},
		{err: calls()["permission_role"]},
	} {
		r := about(test.err)
		d, want := shown.first(r.cause, r.diagnostic()), diagnose(test.err)
		if d.Summary() != want.Summary() {
			t.Errorf("%v: got summary %q, want %q", test.err, d.Summary(), want.Summary())
		}
		if again := d.Detail() != want.Detail(); again != test.again {
			t.Errorf("%v: got %q, want it explained: %t", test.err, d.Detail(), !test.again)
		}
		if test.again && strings.Contains(d.Detail(), "\n") {
			t.Errorf("%v: got %q, want one line", test.err, d.Detail())
		}
	}
	same := diag.Diagnostics{diag.NewErrorDiagnostic("Invalid region", "A"),
		diag.NewErrorDiagnostic("Invalid region", "B")}
	if first := shown.all(same); !slices.EqualFunc(first, same, diag.Diagnostic.Equal) {
		t.Errorf("got %v, want %v", first, same)
	}
	if again := shown.all(same); len(again) != 1 || again[0].Summary() != "Invalid region" ||
		again[0].Detail() == "A" {
		t.Errorf("got %v, want one line", again)
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\n%s (rewritten with -update):\n%s", got, path, want)
	}
}

// failed returns a call that failed as the service documents it, with changes.
func failed(kind egress.Kind, status int, code, says string, change ...func(*cas.Error)) *cas.Error {
	e := &cas.Error{
		Report:      openapi.Report{Kind: kind, Status: status, Code: code, Message: says},
		Endpoint:    "https://cas.aliyuncs.com",
		Credentials: "access key LTAI…3xQz (access_key in the provider block)",
		Attempts:    1,
	}
	if code != "" {
		e.RequestID = "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"
		e.Recommend = "https://api.aliyun.com/troubleshoot?q=" + code + "&product=cas"
	}
	for _, c := range change {
		c(e)
	}
	return e
}

func waits() map[string]error {
	throttled := failed(openapi.Throttled, 400, "Throttling.User", "Request was denied due to user flow control.")
	late := func(what string, needs, elapsed time.Duration, attempts int, last error) error {
		return &cas.WaitError{For: what, Needs: needs, Elapsed: elapsed, Attempts: attempts, Last: last,
			Cause: context.DeadlineExceeded}
	}
	return map[string]error{
		"wait_quota": late("one of the account's 10 calls a second", 740*time.Millisecond, 1200*time.Microsecond, 0,
			nil),
		"wait_response":    late("a response from cas.aliyuncs.com", 0, 5*time.Second+3*time.Millisecond, 1, nil),
		"wait_credentials": late("credentials from ECS RAM role reader", 0, 10*time.Second, 0, nil),
		"wait_source": late("the next attempt", 3*time.Second, 8*time.Second, 0,
			fmt.Errorf("get asset count: %w", withoutCredentials()["credentials_unreached"])),
		"wait_throttled": late("the next attempt (the last one ended with: throttled (Throttling.User))",
			3*time.Second, 8*time.Second, 4, throttled),
		"cancelled": &cas.WaitError{For: "a response from cas.aliyuncs.com", Attempts: 2, Elapsed: 90 * time.Second,
			Cause: context.Canceled, Last: throttled},
	}
}

func calls() map[string]error {
	denied := func(change func(*openapi.AccessDenied)) func(*cas.Error) {
		return func(e *cas.Error) {
			e.Denied = openapi.AccessDenied{
				AuthAction: "yundun-cert:GetAssetCount", AuthPrincipalType: "SubUser",
				AuthPrincipalOwnerID: "1234567890123456", AuthPrincipalDisplayName: "216959339000654321",
				NoPermissionType: "ImplicitDeny", PolicyType: "AccountLevelIdentityBasedPolicy",
			}
			change(&e.Denied)
		}
	}
	const expired = "Specified time stamp or date value is expired."
	const notAuthorized = "User not authorized to operate on the specified resource, or this API doesn't support RAM."
	skewed := func(skew time.Duration) func(*cas.Error) { return func(e *cas.Error) { e.Skew = skew } }
	return map[string]error{
		"throttled": failed(openapi.Throttled, 400, "Throttling.User", "Request was denied due to user flow control."),
		"unavailable": failed(openapi.Temporary, 503, "ServiceUnavailable",
			"The request has failed due to a temporary failure of the server.",
			func(e *cas.Error) { e.Attempts, e.Elapsed = 6, 14*time.Second+321*time.Millisecond }),
		"unavailable_gateway": failed(openapi.Temporary, 502, "",
			"<html><head><title>502 Bad Gateway</title></head></html>"),

		"clock_ahead":  failed(openapi.Clock, 400, "InvalidTimeStamp.Expired", expired, skewed(20*time.Minute)),
		"clock_behind": failed(openapi.Clock, 400, "InvalidTimeStamp.Expired", expired, skewed(-25*time.Hour)),
		"clock_unknown": failed(openapi.Clock, 400, "InvalidTimeStamp.Format",
			"Specified time stamp or date value is not well formatted.",
			skewed(time.Second)),

		"key": failed(openapi.BadKey, 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
		"key_signature": failed(openapi.BadKey, 400, "SignatureDoesNotMatch",
			"Specified signature is not matched with our calculation."),
		"key_headers": failed(openapi.BadKey, 400, "IncompleteSignature",
			"The request signature does not conform to Aliyun standards."),
		"token": failed(openapi.BadToken, 400, "InvalidSecurityToken.Expired",
			"Specified SecurityToken is expired."),

		"permission": failed(openapi.NoPermission, 403, "Forbidden.RAM", notAuthorized,
			denied(func(*openapi.AccessDenied) {})),
		"permission_denied": failed(openapi.NoPermission, 403, "NoPermission", notAuthorized,
			denied(func(d *openapi.AccessDenied) { d.NoPermissionType = "ExplicitDeny" })),
		"permission_role": failed(openapi.NoPermission, 403, "NoPermission", notAuthorized,
			denied(func(d *openapi.AccessDenied) {
				d.AuthPrincipalType, d.AuthPrincipalDisplayName, d.PolicyType = "AssumedRoleUser", "reader:terraform", ""
			})),
		"permission_bare": failed(openapi.NoPermission, 403, "Forbidden", notAuthorized),

		"wrong_place": failed(openapi.WrongPlace, 404, "InvalidApi.NotFound",
			"Specified api is not found, please check your url and method."),
		"malformed_field": failed(egress.Malformed, 200, "", "", func(e *cas.Error) {
			e.Err, e.RequestID = cas.FieldError("Point isn't a whole number"), "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"
		}),
		"malformed_json": failed(egress.Malformed, 200, "", "<html>Welcome to our \x1b[31mguest\x1b[0m network</html>",
			func(e *cas.Error) {
				e.Err = errors.New("it isn't JSON")
			}),
		"malformed_status": failed(egress.Malformed, 401, "", "<html>Sign in</html>"),
		"malformed_foreign": failed(egress.Malformed, 200, "", "", func(e *cas.Error) {
			e.Err = errors.New("the response has none of the documented elements; it has message, status")
		}),
		"malformed_empty": failed(egress.Malformed, 204, "", "", func(e *cas.Error) {
			e.Err = errors.New("it is empty or breaks off")
		}),
		"rejected": failed(openapi.Rejected, 400, "InvalidParameter", "The specified parameter is not valid."),
	}
}

// failures returns failures to get a response, which are the same for every server.
func failures() map[string]*egress.Error {
	dial := func(op string, err error) error {
		return &net.OpError{Op: op, Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8443}, Err: err}
	}
	refused := dial("dial", os.NewSyscallError("connect", errors.New("connection refused")))
	name := func(name string) error {
		return dial("dial", &net.DNSError{Err: "no such host", Name: name, IsNotFound: true})
	}
	plain := tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}
	unknown := x509.UnknownAuthorityError{}
	shown := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "cas.aliyuncs.com", Organization: []string{"Example Corp\x1b[2J"}},
		Issuer:    pkix.Name{CommonName: "Example Corp Inspection CA"},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
	}
	all := map[string]*egress.Error{
		"dns": {Kind: egress.NoSuchHost, Err: name("cas.cn-hangzou.aliyuncs.com")},
		"dns_failed": {Kind: egress.DNSFailed,
			Err: dial("dial", &net.DNSError{Err: "server misbehaving", Name: "cas.aliyuncs.com"})},
		"refused": {Kind: egress.Refused, Err: refused},
		"timeout": {Kind: egress.TimedOut, Err: errors.New("it took longer than 30s")},
		"reset": {
			Kind: egress.ConnectionFailed, Err: dial("read",
				os.NewSyscallError("read", errors.New("connection reset by peer"))),
		},
		"tls_timeout": {Kind: egress.TimedOut, InHandshake: true, Err: errors.New("it took longer than 30s")},
		"broken":      {Kind: egress.ConnectionFailed, Err: errors.New("the connection was closed too early")},
		"tls_plain":   {Kind: egress.NotTLS, Err: plain},
		"tls_alert": {Kind: egress.NotTLS,
			Err: dial("remote error", errors.New("tls: protocol version not supported"))},
		"tls_untrusted":      {Kind: egress.Untrusted, Certificate: shown, Err: unknown},
		"tls_no_roots":       {Kind: egress.NoRoots, Certificate: shown, Err: unknown},
		"redirected":         {Kind: egress.Redirected, Status: 302, Location: "http://portal.example.com\x1b[2J"},
		"redirected_nowhere": {Kind: egress.Redirected, Status: 307},
		"too_large":          {Kind: egress.TooLarge, Status: 200},
		"not_http":           {Kind: egress.Malformed},
		"proxy_refuses":      {Kind: egress.ProxyRefuses, Status: 407},
		"proxy_unreachable":  {Kind: egress.Refused, Err: refused},
		"proxy_silent":       {Kind: egress.TimedOut, Err: errors.New("it took longer than 30s")},
		"proxy_dns":          {Kind: egress.NoSuchHost, Err: name("proxy.example.com")},
		"proxy_dns_failed": {Kind: egress.DNSFailed,
			Err: dial("dial", &net.DNSError{Err: "server misbehaving", Name: "proxy.example.com"})},
		"proxy_plain":     {Kind: egress.NotTLS, Err: plain},
		"proxy_untrusted": {Kind: egress.Untrusted, Certificate: shown, Err: unknown},
		"proxy_invalid":   {Kind: egress.InvalidProxy, Variable: "https_proxy", Err: errors.New("it isn't a URL")},
	}
	for name, e := range all {
		e.Address = "https://cas.aliyuncs.com"
		if strings.HasPrefix(name, "proxy_") && e.Kind != egress.InvalidProxy {
			e.Proxy, e.Variable = "proxy.example.com:3128", "HTTPS_PROXY"
		}
	}
	return all
}

func withoutAnswer() map[string]error {
	all := map[string]error{}
	for name, e := range failures() {
		all[name] = failed(e.Kind, e.Status, "", "", func(call *cas.Error) { call.Credentials, call.Err = "", e })
	}
	return all
}

func withoutCredentials() map[string]error {
	const (
		role  = "acs:ram::1234567890123456:role/reader, assumed with access key LTAI…3xQz"
		uri   = "credentials URI http://127.0.0.1:6666/credentials"
		vault = "profile vault of ~/.aliyun/config.json"
	)
	from := func(source string, kind egress.Kind, text string) *credential.Error {
		return &credential.Error{Source: source, Report: openapi.Report{Kind: kind}, Err: errors.New(text)}
	}
	reported := func(kind egress.Kind, code, message string) *credential.Error {
		e := from(role, kind, "it reported "+code+": "+message)
		e.Code, e.Message, e.RequestID = code, message, "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"
		return e
	}
	nowhere := from("the default chain", credential.Nowhere,
		"the provider block and the environment name no source, and none of these has credentials")
	nowhere.Tried = []*credential.Error{
		from("the current profile of ~/.aliyun/config.json", credential.NotFound, "no file /home/user/.aliyun/config.json"),
		from("ECS metadata service", credential.NotFound, "dial tcp 100.100.100.200:80: i/o timeout\n\x1b[2J"),
	}
	login := from("profile sso of ~/.aliyun/config.json", credential.Login,
		"the CloudSSO sign-in of profile sso has expired or was never made")
	refused := openapi.Report{Kind: egress.Refused}
	login.Command = "aliyun configure --mode CloudSSO --profile sso"
	expired := from(role, openapi.Clock, "its session expired at 2026-11-30T12:00:00Z by this machine's clock")
	expired.Skew = 3 * time.Hour
	return map[string]error{
		"credentials_nowhere": nowhere,
		"credentials_not_found": from("profile prod of ~/.aliyun/config.json (profile in the provider block)",
			credential.NotFound, `/home/user/.aliyun/config.json has no profile "prod", only default, sso`),
		"credentials_invalid": from("profile a of ~/.aliyun/config.json (ALIBABA_CLOUD_PROFILE)", credential.Invalid,
			"source_profile has a cycle: a → b → a"),
		"credentials_sign_in": login,
		"credentials_refused": reported(openapi.NoPermission, "NoPermission", "You are not authorized to do this action."),
		"credentials_malformed": from(vault, egress.Malformed,
			"read the output of vault: it isn't a JSON object of strings"),
		"credentials_unreached": &credential.Error{Report: refused, Source: uri, Err: &egress.Error{
			Kind: egress.Refused, Address: "http://127.0.0.1:6666",
			Err: errors.New("dial tcp 127.0.0.1:6666: connect: connection refused"),
		}},
		"credentials_no_proxy": &credential.Error{
			Source: role, Report: openapi.Report{Kind: egress.InvalidProxy}, Err: failures()["proxy_invalid"]},
		"credentials_unavailable": from(uri, openapi.Temporary, "it responded with HTTP 503"),
		"credentials_throttled": reported(openapi.Throttled, "Throttling.User",
			"Request was denied due to user flow control."),
		"credentials_clock": reported(openapi.Clock, "InvalidTimeStamp.Expired",
			"Specified time stamp or date value is expired."),
		"credentials_expired":   expired,
		"credentials_not_a_key": from(vault, credential.NotAKey, "its access key ID begins or ends with white space"),
	}
}
