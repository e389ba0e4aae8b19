package credential

import (
	"crypto/rand"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/aliyun/credentials-go/credentials/providers"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// The vendor's library is the reference of what is sent: CloudSSO and OAuth are documented nowhere. A new version of it that
// sends something else turns this red.
//
//nolint:paralleltest // shared is asked
func TestWireFormat(t *testing.T) {
	const policy, external, seconds = `{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "yundun-cert:*"}]}`, "a/b + c*~", 900
	temporary := castest.Key{AccessKeyID: "STS.NTexampleexample", AccessKeySecret: "temporary-secret", SecurityToken: "CAIS+/=="}
	expire, err := strconv.ParseInt(inTwoHours, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	refresh := func() string { return castest.OAuthRefreshToken + rand.Text() }
	for name, test := range map[string]struct {
		calls  int
		ours   func(*castest.Issuer) Config
		vendor func(*castest.Issuer) (providers.CredentialsProvider, error)
	}{
		"role": {
			calls: 1,
			ours:  viaSTS,
			vendor: func(i *castest.Issuer) (providers.CredentialsProvider, error) {
				return providers.NewRAMRoleARNCredentialsProviderBuilder().WithStsEndpoint(i.STSEndpoint()).
					WithAccessKeyId(castest.DefaultKey.AccessKeyID).WithAccessKeySecret(castest.DefaultKey.AccessKeySecret).
					WithRoleArn(testRole).WithRoleSessionName(DefaultSessionName).Build()
			},
		},
		"role, everything": {
			calls: 1,
			ours: func(i *castest.Issuer) Config {
				return Config{
					AccessKeyID: temporary.AccessKeyID, AccessKeySecret: temporary.AccessKeySecret, SecurityToken: temporary.SecurityToken,
					STSEndpoint: i.STSEndpoint(),
					AssumeRole: &AssumeRole{
						RoleARN: testRole, SessionName: "ci@1", Policy: policy, ExternalID: external, Expiration: seconds,
					},
				}
			},
			vendor: func(i *castest.Issuer) (providers.CredentialsProvider, error) {
				return providers.NewRAMRoleARNCredentialsProviderBuilder().WithStsEndpoint(i.STSEndpoint()).
					WithAccessKeyId(temporary.AccessKeyID).WithAccessKeySecret(temporary.AccessKeySecret).
					WithSecurityToken(temporary.SecurityToken).WithRoleArn(testRole).WithRoleSessionName("ci@1").
					WithPolicy(policy).WithExternalId(external).WithDurationSeconds(seconds).Build()
			},
		},
		"OIDC": {
			calls: 1,
			ours:  func(i *castest.Issuer) Config { return Config{STSEndpoint: i.STSEndpoint(), OIDC: testOIDC()} },
			vendor: func(i *castest.Issuer) (providers.CredentialsProvider, error) {
				return providers.NewOIDCCredentialsProviderBuilder().WithSTSEndpoint(i.STSEndpoint()).WithOIDCProviderARN(testProvider).
					WithOIDCToken(castest.OIDCToken).WithRoleArn(testRole).WithRoleSessionName(DefaultSessionName).Build()
			},
		},
		"OIDC, everything": {
			calls: 1,
			ours: func(i *castest.Issuer) Config {
				role := testOIDC()
				role.SessionName, role.Policy, role.Expiration = "ci@1", policy, seconds
				return Config{STSEndpoint: i.STSEndpoint(), OIDC: role}
			},
			vendor: func(i *castest.Issuer) (providers.CredentialsProvider, error) {
				return providers.NewOIDCCredentialsProviderBuilder().WithSTSEndpoint(i.STSEndpoint()).WithOIDCProviderARN(testProvider).
					WithOIDCToken(castest.OIDCToken).WithRoleArn(testRole).WithRoleSessionName("ci@1").
					WithPolicy(policy).WithDurationSeconds(seconds).Build()
			},
		},
		"CloudSSO": {
			calls: 1,
			ours: func(i *castest.Issuer) Config {
				return Config{SharedCredentialsFile: config(t, cloudSSO(i.SignInURL()))}
			},
			vendor: func(i *castest.Issuer) (providers.CredentialsProvider, error) {
				return providers.NewCloudSSOCredentialsProviderBuilder().WithSignInUrl(i.SignInURL()).WithAccountId("1234567890123456").
					WithAccessConfig("ac-1").WithAccessToken(castest.SSOAccessToken).WithAccessTokenExpire(expire).Build()
			},
		},
		"OAuth": {
			calls: 2,
			ours: func(*castest.Issuer) Config {
				return Config{SharedCredentialsFile: config(t,
					`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+refresh()+`"`)}
			},
			vendor: func(*castest.Issuer) (providers.CredentialsProvider, error) {
				return providers.NewOAuthCredentialsProviderBuilder().WithSignInUrl("https://" + oauthSites["CN"].host).
					WithClientId(oauthSites["CN"].client).WithRefreshToken(refresh()).Build()
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := issuer(t)
			i.AddKey(temporary)
			before := len(shared.Calls())
			if _, _, err := fetch(t, test.ours(i)); err != nil {
				t.Fatal(err)
			}
			provider, err := test.vendor(i)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := provider.GetCredentials(); err != nil {
				t.Fatal(err)
			}
			calls := append(i.Calls(), shared.Calls()[before:]...)
			if len(calls) != 2*test.calls {
				t.Fatalf("got %d calls, want %d of each", len(calls), test.calls)
			}
			for n, ours := range calls[:test.calls] {
				if got, want := sent(ours), sent(calls[test.calls+n]); !reflect.DeepEqual(got, want) {
					t.Errorf("got  %v\nwant %v", got, want)
				}
			}
		})
	}
}

// sent returns what of a call is the same in each that asks for the same. A signature has been checked.
func sent(call castest.Issue) []any {
	values := func(from url.Values) map[string]string {
		to := make(map[string]string)
		for name := range from {
			to[name] = from.Get(name)
			if slices.Contains([]string{"Signature", "SignatureNonce", "Timestamp", "refresh_token"}, name) {
				to[name] = "…"
			}
		}
		return to
	}
	body := call.Parameters
	if len(call.Form) > 0 {
		body = values(call.Form)
	}
	return []any{
		call.Method, call.Host, call.Action, values(call.Query), body, call.Header.Get("Authorization"), call.Header.Get("Content-Type"),
	}
}
