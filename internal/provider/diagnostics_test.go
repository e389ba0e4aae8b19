package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

var update = flag.Bool("update", false, "write the golden files of this package anew")

// TestDiagnose compares every diagnostic of a read, summary and detail, with testdata/diagnostics.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	tests := map[string]error{
		"unexpected": errors.New("get asset count: something new"),
	}
	for _, cases := range []map[string]error{waits(), calls(), unreached(), noCredentials()} {
		for name, err := range cases {
			tests[name] = err
		}
	}
	for name, err := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := diagnose(fmt.Errorf("wrapped: %w", err))
			if d.Severity() != diag.SeverityError {
				t.Errorf("severity %s", d.Severity())
			}
			golden(t, filepath.Join("testdata", "diagnostics", name+".txt"), "Error: "+d.Summary()+"\n\n"+d.Detail()+"\n")
		})
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
		t.Errorf("got:\n%s\n%s (written anew with -update):\n%s", got, path, want)
	}
}

// failed is a call that failed as the service's documentation says, but for what change makes of it.
func failed(kind cas.Kind, status int, code, says string, change ...func(*cas.Error)) *cas.Error {
	e := &cas.Error{
		Kind:        kind,
		Endpoint:    "https://cas.aliyuncs.com",
		Status:      status,
		Code:        code,
		Message:     says,
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
	throttled := failed(cas.Throttled, 400, "Throttling.User", "Request was denied due to user flow control.")
	return map[string]error{
		"wait_budget": &cas.WaitError{For: "one of the account's 10 calls a second", Needs: 740 * time.Millisecond, Elapsed: 1200 * time.Microsecond,
			Cause: context.DeadlineExceeded},
		"wait_answer": &cas.WaitError{For: "an answer from cas.aliyuncs.com", Attempts: 1, Elapsed: 5*time.Second + 3*time.Millisecond,
			Cause: context.DeadlineExceeded},
		"wait_credentials": &cas.WaitError{For: "credentials from ECS RAM role reader", Elapsed: 10 * time.Second, Cause: context.DeadlineExceeded},
		"wait_source": &cas.WaitError{For: "the next attempt", Needs: 3 * time.Second, Elapsed: 8 * time.Second, Cause: context.DeadlineExceeded,
			Last: fmt.Errorf("get asset count: %w", noCredentials()["credentials_unreached"])},
		"wait_throttled": &cas.WaitError{For: "the next attempt (the last one ended with: throttled (Throttling.User))", Needs: 3 * time.Second,
			Attempts: 4, Elapsed: 8 * time.Second, Cause: context.DeadlineExceeded, Last: throttled},
		"cancelled": &cas.WaitError{For: "an answer from cas.aliyuncs.com", Attempts: 2, Elapsed: 90 * time.Second, Cause: context.Canceled,
			Last: throttled},
	}
}

func calls() map[string]error {
	denied := func(change func(*cas.AccessDenied)) func(*cas.Error) {
		return func(e *cas.Error) {
			e.Denied = &cas.AccessDenied{
				AuthAction:               "yundun-cert:GetAssetCount",
				AuthPrincipalType:        "SubUser",
				AuthPrincipalOwnerID:     "1234567890123456",
				AuthPrincipalDisplayName: "216959339000654321",
				NoPermissionType:         "ImplicitDeny",
				PolicyType:               "AccountLevelIdentityBasedPolicy",
			}
			change(e.Denied)
		}
	}
	const notAuthorized = "User not authorized to operate on the specified resource, or this API doesn't support RAM."
	skewed := func(skew time.Duration) func(*cas.Error) {
		return func(e *cas.Error) { e.Skew, e.HasSkew = skew, true }
	}
	return map[string]error{
		"throttled": failed(cas.Throttled, 400, "Throttling.User", "Request was denied due to user flow control."),
		"unavailable": failed(cas.Temporary, 503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.",
			func(e *cas.Error) { e.Attempts, e.Elapsed = 6, 14*time.Second+321*time.Millisecond }),
		"unavailable_gateway": failed(cas.Temporary, 502, "", "<html><head><title>502 Bad Gateway</title></head></html>"),

		"clock_ahead":   failed(cas.Clock, 400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.", skewed(20*time.Minute)),
		"clock_behind":  failed(cas.Clock, 400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.", skewed(-25*time.Hour)),
		"clock_unknown": failed(cas.Clock, 400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.", skewed(time.Second)),

		"key_unknown":   failed(cas.BadKey, 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
		"key_signature": failed(cas.BadKey, 400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation."),
		"key_headers":   failed(cas.BadKey, 400, "IncompleteSignature", "The request signature does not conform to Aliyun standards."),
		"token":         failed(cas.BadToken, 400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
		"token_missing": failed(cas.BadToken, 400, "MissingSecurityToken", "SecurityToken is mandatory for this action."),

		"permission":        failed(cas.NoPermission, 403, "Forbidden.RAM", notAuthorized, denied(func(*cas.AccessDenied) {})),
		"permission_denied": failed(cas.NoPermission, 403, "NoPermission", notAuthorized, denied(func(d *cas.AccessDenied) { d.NoPermissionType = "ExplicitDeny" })),
		"permission_role": failed(cas.NoPermission, 403, "NoPermission", notAuthorized, denied(func(d *cas.AccessDenied) {
			d.AuthPrincipalType, d.AuthPrincipalDisplayName, d.PolicyType = "AssumedRoleUser", "reader:terraform", ""
		})),
		"permission_bare": failed(cas.NoPermission, 403, "Forbidden", notAuthorized),

		"wrong_place":        failed(cas.WrongPlace, 404, "InvalidApi.NotFound", "Specified api is not found, please check your url and method."),
		"redirected":         failed(cas.Redirected, 302, "", "", func(e *cas.Error) { e.Location = "http://portal.example.com/login" }),
		"redirected_nowhere": failed(cas.Redirected, 307, "", ""),
		"malformed_field": failed(cas.Malformed, 200, "", "", func(e *cas.Error) {
			e.Field, e.Err, e.RequestID = "Point", errors.New("is 92.5, which isn't a whole number"), "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"
		}),
		"malformed_json": failed(cas.Malformed, 200, "", "<html>Welcome to our \x1b[31mguest\x1b[0m network</html>", func(e *cas.Error) {
			e.Err = errors.New("invalid character '<' looking for beginning of value")
		}),
		"malformed_status": failed(cas.Malformed, 401, "", "<html>Sign in</html>"),
		"malformed_empty":  failed(cas.Malformed, 204, "", "", func(e *cas.Error) { e.Err = io.ErrUnexpectedEOF }),
		"too_large":        failed(cas.TooLarge, 200, "", ""),
		"rejected":         failed(cas.Rejected, 400, "InvalidParameter", "The specified parameter is not valid."),
		"new_kind":         failed("new", 418, "Teapot", "I'm a teapot."),
	}
}

func unreached() map[string]error {
	reach := func(err error) error {
		return failed(cas.NotReached, 0, "", "", func(e *cas.Error) { e.Credentials, e.Err = "", err })
	}
	dial := func(op string, err error) error {
		return &net.OpError{Op: op, Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8443}, Err: err}
	}
	shown := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "cas.aliyuncs.com", Organization: []string{"Example Corp\x1b[2J"}},
		Issuer:    pkix.Name{CommonName: "Example Corp Inspection CA"},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
	}
	return map[string]error{
		"dns": reach(dial("dial", &net.DNSError{Err: "no such host", Name: "cas.cn-hangzou.aliyuncs.com", IsNotFound: true})),
		"tls_untrusted": reach(&tls.CertificateVerificationError{
			UnverifiedCertificates: []*x509.Certificate{shown}, Err: x509.UnknownAuthorityError{},
		}),
		"tls_plain":         reach(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}),
		"tls_alert":         reach(dial("remote error", errors.New("tls: protocol version not supported"))),
		"refused":           reach(dial("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))),
		"timeout":           reach(dial("dial", context.DeadlineExceeded)),
		"broken":            reach(io.ErrUnexpectedEOF),
		"reset":             reach(dial("read", os.NewSyscallError("read", syscall.ECONNRESET))),
		"proxy_unreachable": reach(dial("proxyconnect", dial("dial", &net.DNSError{Err: "no such host", Name: "proxy.example.com"}))),
		"proxy_refuses":     reach(&cas.ProxyError{Proxy: "proxy.example.com:3128", Status: 407}),
		"proxy_invalid":     reach(&cas.ProxyError{}),
	}
}

func noCredentials() map[string]error {
	notSet := func(source, variables string) *credential.Error {
		return &credential.Error{Source: source, Kind: credential.NotFound, Err: errors.New(variables + " not set")}
	}
	login := &credential.Error{
		Source: "profile sso of ~/.aliyun/config.json", Kind: credential.Login,
		Err:     errors.New("the CloudSSO sign-in of profile sso has expired or was never made"),
		Command: "aliyun configure --mode CloudSSO --profile sso",
	}
	chain := func(profile *credential.Error) error {
		return &credential.Error{
			Source: "the default chain", Kind: credential.NotFound, Err: errors.New("none of its sources had any"),
			Tried: []*credential.Error{
				notSet("environment", "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
				notSet("OIDC environment", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
				profile,
				{Source: "ECS metadata service", Kind: credential.Unavailable, Err: errors.New("dial tcp 100.100.100.200:80: i/o timeout\n\x1b[2J")},
				notSet("credentials URI", "ALIBABA_CLOUD_CREDENTIALS_URI"),
			},
		}
	}
	return map[string]error{
		"credentials_nowhere": chain(&credential.Error{
			Source: "the current profile of ~/.aliyun/config.json", Kind: credential.NotFound,
			Err: errors.New("open /home/user/.aliyun/config.json: no such file or directory"),
		}),
		"credentials_not_found": &credential.Error{
			Source: "profile prod of ~/.aliyun/config.json (profile in the provider block)", Kind: credential.NotFound,
			Err: errors.New(`/home/user/.aliyun/config.json has no profile "prod", only default, sso`),
		},
		"credentials_invalid": &credential.Error{
			Source: "profile a of ~/.aliyun/config.json (ALIBABA_CLOUD_PROFILE)", Kind: credential.Invalid,
			Err: errors.New("source_profile goes round in a circle: a → b → a"),
		},
		"credentials_sign_in": login,
		"credentials_refused": &credential.Error{
			Source: "acs:ram::1234567890123456:role/reader, assumed with access key LTAI…3xQz", Kind: credential.Refused,
			Err:  errors.New("refresh session token failed: NoPermission: You are not authorized to do this action."),
			Code: "NoPermission", Message: "You are not authorized to do this action.", RequestID: "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E",
		},
		"credentials_malformed": &credential.Error{
			Source: "profile vault of ~/.aliyun/config.json", Kind: credential.Malformed,
			Err: errors.New("read the output of vault: it isn't a JSON object of strings; the command has to print that and nothing else"),
		},
		"credentials_unreached": &credential.Error{
			Source: "credentials URI http://127.0.0.1:6666/credentials", Kind: credential.Unavailable,
			Err: errors.New("get http://127.0.0.1:6666/credentials: dial tcp 127.0.0.1:6666: connect: connection refused"),
		},
	}
}
