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
		"Action": {"AssumeRole"}, "Version": {"2015-04-01"}, "Format": {"JSON"}, "Timestamp": {time.Now().UTC().Format(dateLayout)},
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
	for _, test := range []struct {
		name   string
		values url.Values
		code   string
	}{
		{"nothing", used, ""},
		{"a nonce seen before", used2, "SignatureNonceUsed"},
		{"no nonce", set("SignatureNonce", ""), "SignatureNonceUsed"},
		{"an element changed after signing", tampered, "SignatureDoesNotMatch"},
		{"an unknown key", set("AccessKeyId", "unknown"), "InvalidAccessKeyId.NotFound"},
		{"a token of no key", set("SecurityToken", "unknown"), "InvalidSecurityToken.MismatchWithAccessKey"},
		{"a clock that is off", set("Timestamp", "2020-01-01T00:00:00Z"), "InvalidTimeStamp.Expired"},
		{"another version", set("Version", "2020-01-01"), "InvalidApi.NotFound"},
		{"another action", set("Action", "GetCallerIdentity"), "InvalidApi.NotFound"},
		{"a role that isn't one", set("RoleArn", "reader"), "InvalidParameter.RoleArn"},
		{"a session name that isn't one", set("RoleSessionName", "a session"), "InvalidParameter.RoleSessionName"},
		{"too short a session", set("DurationSeconds", "899"), "InvalidParameter.DurationSeconds"},
		{"a policy that isn't JSON", set("Policy", "{"), "InvalidParameter.PolicyGrammar"},
		{"a role that isn't allowed", set("RoleArn", "acs:ram::1:role/denied"), "NoPermission"},
		{"a token of another issuer", url.Values{
			"Action": {"AssumeRoleWithOIDC"}, "Version": {"2015-04-01"}, "Timestamp": {time.Now().UTC().Format(dateLayout)},
			"OIDCProviderArn": {"acs:ram::1:oidc-provider/ci"}, "OIDCToken": {"another"}}, "AuthenticationFail.OIDCToken.Invalid"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://sts.aliyuncs.com/", strings.NewReader(test.values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		issuer.secure.Config.Handler.ServeHTTP(w, r)
		var answer struct {
			Code        string
			Credentials map[string]string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Code != test.code || (answer.Credentials == nil) != (test.code != "") {
			t.Errorf("%s: answered %s, want %q", test.name, w.Body, test.code)
		}
	}
	if n := len(issuer.Issued()); n != 1 {
		t.Errorf("%d keys were issued, want 1", n)
	}
}

func TestIssuerTakesARefreshTokenOnce(t *testing.T) {
	t.Parallel()
	issuer := StartIssuer()
	t.Cleanup(issuer.Close)
	for _, test := range []struct {
		token string
		code  string
	}{
		{OAuthRefreshToken, ""},
		{OAuthRefreshToken, "invalid_grant"},
		{OAuthRefreshToken + "-next", ""},
		{"another", "invalid_grant"},
	} {
		w := httptest.NewRecorder()
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"client"}, "refresh_token": {test.token}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://oauth.aliyun.com/v1/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		issuer.secure.Config.Handler.ServeHTTP(w, r)
		var answer struct {
			Code    string
			Refresh string `json:"refresh_token"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if next := test.token + "-next"; answer.Code != test.code || (answer.Refresh == next) != (test.code == "") {
			t.Errorf("%s: answered %s, want code %q", test.token, w.Body, test.code)
		}
	}
}
