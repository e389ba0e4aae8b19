package castest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

// assume is a signed call of AssumeRole.
func assume(change func(url.Values)) url.Values {
	values := url.Values{
		"Action": {"AssumeRole"}, "Version": {"2015-04-01"}, "Format": {"JSON"},
		"Timestamp":       {time.Now().UTC().Format(dateLayout)},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SignatureNonce": {newRequestID()},
		"AccessKeyId": {DefaultKey.AccessKeyID},
		"RoleArn":     {"acs:ram::1:role/reader"}, "RoleSessionName": {"terraform"}, "DurationSeconds": {"900"},
	}
	change(values)
	signed := map[string]*string{}
	for name := range values {
		signed[name] = new(values.Get(name))
	}
	values.Set("Signature", *openapi.GetRPCSignature(signed, dara.String(http.MethodPost), &DefaultKey.AccessKeySecret))
	return values
}

// post returns the fields of the response to a form.
func post(t *testing.T, issuer *Issuer, address string, form url.Values) map[string]any {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	issuer.secure.Config.Handler.ServeHTTP(w, r)
	var fields map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestIssuerRefuses(t *testing.T) {
	t.Parallel()
	issuer := StartIssuer()
	t.Cleanup(issuer.Close)
	set := func(name, value string) url.Values {
		return assume(func(v url.Values) { v.Set(name, value) })
	}
	tampered := assume(func(url.Values) {})
	tampered.Set("DurationSeconds", "43200")
	used := set("SignatureNonce", "used")
	used2 := set("SignatureNonce", "used")
	for _, test := range []struct { // in order, as a nonce is accepted once
		name   string
		values url.Values
		code   string
	}{
		{name: "nothing", values: used, code: ""},
		{name: "a nonce seen before", values: used2, code: "SignatureNonceUsed"},
		{name: "no nonce", values: set("SignatureNonce", ""), code: "SignatureNonceUsed"},
		{name: "an element changed after signing", values: tampered, code: "SignatureDoesNotMatch"},
		{name: "an unknown key", values: set("AccessKeyId", "unknown"), code: "InvalidAccessKeyId.NotFound"},
		{name: "a token of no key", values: set("SecurityToken", "unknown"),
			code: "InvalidSecurityToken.MismatchWithAccessKey"},
		{name: "a clock that is off", values: set("Timestamp", "2020-01-01T00:00:00Z"), code: "InvalidTimeStamp.Expired"},
		{name: "another version", values: set("Version", "2020-01-01"), code: "InvalidApi.NotFound"},
		{name: "another action", values: set("Action", "GetCallerIdentity"), code: "InvalidApi.NotFound"},
		{name: "a role that isn't one", values: set("RoleArn", "reader"), code: "InvalidParameter.RoleArn"},
		{name: "no session name", values: set("RoleSessionName", "a b"), code: "InvalidParameter.RoleSessionName"},
		{name: "too short a session", values: set("DurationSeconds", "899"), code: "InvalidParameter.DurationSeconds"},
		{name: "a policy that isn't JSON", values: set("Policy", "{"), code: "InvalidParameter.PolicyGrammar"},
		{name: "a role that isn't allowed", values: set("RoleArn", "acs:ram::1:role/denied"), code: "NoPermission"},
		{
			name: "a token of another issuer",
			values: url.Values{
				"Action": {"AssumeRoleWithOIDC"}, "Version": {"2015-04-01"}, "Timestamp": {time.Now().UTC().Format(dateLayout)},
				"OIDCProviderArn": {"acs:ram::1:oidc-provider/ci"}, "OIDCToken": {"another"},
			},
			code: "AuthenticationFail.OIDCToken.Invalid",
		},
	} {
		got := post(t, issuer, "https://sts.aliyuncs.com/", test.values)
		if code, _ := got["Code"].(string); code != test.code || (got["Credentials"] != nil) != (code == "") {
			t.Errorf("%s: got %v, want code %q", test.name, got, test.code)
		}
	}
	if n := len(issuer.Issued()); n != 1 {
		t.Errorf("got %d keys issued, want 1", n)
	}
}

func TestIssuerTakesARefreshTokenOnce(t *testing.T) {
	t.Parallel()
	issuer := StartIssuer()
	t.Cleanup(issuer.Close)
	for _, test := range []struct {
		token string
		code  any
		next  any
	}{
		{token: OAuthRefreshToken, next: OAuthRefreshToken + "-next"},
		{token: OAuthRefreshToken, code: "invalid_grant"},
		{token: OAuthRefreshToken + "-next", next: OAuthRefreshToken + "-next-next"},
		{token: "another", code: "invalid_grant"},
	} {
		got := post(t, issuer, "https://oauth.aliyun.com/v1/token",
			url.Values{"grant_type": {"refresh_token"}, "client_id": {"client"}, "refresh_token": {test.token}})
		if got["Code"] != test.code || got["refresh_token"] != test.next {
			t.Errorf("%s: got %v, want code %v and %v", test.token, got, test.code, test.next)
		}
	}
}
