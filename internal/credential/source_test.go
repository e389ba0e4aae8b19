package credential

import (
	"fmt"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// Whatever the source, what can't be a key is neither shown nor sent, to assume a role either.
func TestWhatCantBeAKeyIsRefused(t *testing.T) {
	t.Parallel()
	const id, secret = "LTAI5tCasTestAccessKeyId", "hush-hush-hush"
	for want, flawed := range map[string]struct{ id, secret, token string }{ // as in a JSON string
		"its access key ID begins or ends with white space":             {id + `\n`, secret, "t"},
		"its access key secret has a character in it that is invisible": {id, "\ufeff" + secret, "t"},
		"its access key secret has white space in it":                   {id, "hush-hush hush", "t"},
		"its security token has quotes in or around it":                 {id, secret, `\"t\"`},
		"its security token has a character in it that is invisible":    {id, secret, `t\u0007`},
	} {
		unquoted := strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\u0007`, "\a")
		parts := []any{flawed.id, flawed.secret, flawed.token}
		keys := fmt.Sprintf(`"access_key_id": "%s", "access_key_secret": "%s", "sts_token": "%s"`, parts...)
		issued := fmt.Sprintf(`{"AccessKeyId": "%s", "AccessKeySecret": "%s", "SecurityToken": "%s"}`, parts...)
		for name, cfg := range map[string]func(*castest.Issuer) Config{
			"environment": func(*castest.Issuer) Config {
				return Config{Source: AccessKey{unquoted.Replace(flawed.id), flawed.secret, unquoted.Replace(flawed.token)}}
			},
			"profile": func(*castest.Issuer) Config {
				return Config{Source: inFile(t, `"mode": "StsToken", `+keys)}
			},
			"profile of a role": func(*castest.Issuer) Config {
				return Config{Source: inFile(t, `"mode": "RamRoleArn", "ram_role_arn": "`+testRole+`", `+keys)}
			},
			"External": func(*castest.Issuer) Config {
				return Config{Source: inFile(t, running("print '{"+keys+"}'"))}
			},
			"URI": func(i *castest.Issuer) Config {
				i.Script("uri", castest.Body(200, "application/json", issued))
				return Config{Source: URI{i.CredentialsURI()}}
			},
			"STS": func(i *castest.Issuer) Config {
				i.Script("sts", castest.Body(200, "application/json", `{"Credentials": `+issued+`}`))
				return viaSTS(i)
			},
		} {
			t.Run(want+", "+name, func(t *testing.T) {
				t.Parallel()
				e := fails(t, cfg(issuer(t)), NotAKey, want, secret, "hush-hush hush", `"t"`)
				if e.Source == "" || e.Temporary() {
					t.Errorf("got %#v, want the source named, and no other try", &e)
				}
			})
			if name == "STS" { // which assumes a role already
				continue
			}
			t.Run(want+", "+name+", to assume a role", func(t *testing.T) {
				t.Parallel()
				i, with := issuer(t), cfg(issuer(t))
				with.STS.Endpoint, with.AssumeRole = i.STSEndpoint(), &AssumeRole{RoleARN: testRole}
				fails(t, with, NotAKey, want, secret)
				if n := len(i.Calls()); n > 0 {
					t.Errorf("got %d requests to STS, want none", n)
				}
			})
		}
	}
}

func TestAccessKey(t *testing.T) {
	t.Parallel()
	key := keys()
	key.Token = "CAIS+/with=="
	s, c := fetched(t, Config{Source: key, SetBy: "access_key in the provider block"})
	if got := (AccessKey{c.AccessKeyID, c.AccessKeySecret, c.SecurityToken}); got != key {
		t.Errorf("got %q, want what was given", []string{c.AccessKeyID, c.AccessKeySecret, c.SecurityToken})
	}
	if got, want := s.String(), "access key LTAI…eyId (access_key in the provider block)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for range 2 { // the second is of a reader that is late
		if s.Discard(c) {
			t.Error("got other keys to come, want none where these were given")
		}
	}
}

func TestSourceThatCantWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no secret":      {cfg: Config{Source: AccessKey{ID: "LTAI5tExampleExample"}}, want: "no access key secret"},
		"no id":          {cfg: Config{Source: AccessKey{Secret: "top-secret-value"}}, want: "no access key ID"},
		"only a token":   {cfg: Config{Source: AccessKey{Token: "top-secret-value"}}, want: "no access key"},
		"plain URI":      {cfg: Config{Source: URI{"http://example.com/?key=top-secret-value"}}, want: "http is only"},
		"user in URI":    {cfg: Config{Source: URI{"ftp://user:top-secret-value@example.com/"}}, want: "its scheme isn't"},
		"no URI":         {cfg: Config{Source: URI{"not-a-uri/top-secret-value"}}, want: "its scheme isn't https or http"},
		"role, no ARN":   {cfg: Config{Source: keys(), AssumeRole: &AssumeRole{}}, want: "role ARN is empty"},
		"OIDC, no token": {cfg: Config{Source: OIDC{ProviderARN: "p"}}, want: "neither an OIDC token nor a token file"},
		"OIDC, no ARN":   {cfg: Config{Source: OIDC{Token: "top-secret-value"}}, want: "the OIDC provider ARN is empty"},
		"OIDC, no role":  {cfg: Config{Source: OIDC{Token: "t0ken", ProviderARN: "p"}}, want: "role ARN is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fails(t, test.cfg, Invalid, test.want, "top-secret-value")
		})
	}
}
