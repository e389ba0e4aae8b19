package credential

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// Whatever the source, what can't be a key is neither shown nor sent, to assume a role either.
func TestWhatCantBeAKeyIsRefused(t *testing.T) {
	t.Parallel()
	const id, secret = "LTAI5tCasTestAccessKeyId", "hush-hush-hush"
	for name, flawed := range map[string]struct {
		id, secret, token string // as in a JSON string
		want              string
	}{
		"newline behind the ID": {id: id + `\n`, secret: secret, token: "t", want: "its access key ID begins or ends with white space"},
		"U+200B behind the ID": {
			id: id + "\u200b", secret: secret, token: "t", want: "its access key ID has a character in it that is invisible",
		},
		"U+FEFF before the secret": {
			id: id, secret: "\ufeff" + secret, token: "t", want: "its access key secret has a character in it that is invisible",
		},
		"space within the secret": {id: id, secret: "hush-hush hush", token: "t", want: "its access key secret has white space in it"},
		"quotes around the token": {id: id, secret: secret, token: `\"t\"`, want: "its security token has quotes in or around it"},
		"control byte in the token": {
			id: id, secret: secret, token: `t\u0007`, want: "its security token has a character in it that is invisible",
		},
	} {
		keys := `"access_key_id": "` + flawed.id + `", "access_key_secret": "` + flawed.secret + `", "sts_token": "` + flawed.token + `"`
		answer := castest.Body(200, "application/json", `{"AccessKeyId": "`+flawed.id+`", "AccessKeySecret": "`+flawed.secret+
			`", "SecurityToken": "`+flawed.token+`", "Expiration": "2999-01-01T00:00:00Z"}`)
		unquoted := strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\u0007`, "\a")
		for source, cfg := range map[string]func(*castest.Issuer) Config{
			"environment": func(*castest.Issuer) Config {
				return Config{Source: AccessKey{unquoted.Replace(flawed.id), flawed.secret, unquoted.Replace(flawed.token)}}
			},
			"profile": func(*castest.Issuer) Config {
				return Config{Source: Profile{File: config(t, `"name": "p", "mode": "StsToken", `+keys)}}
			},
			"profile of a role": func(*castest.Issuer) Config {
				return Config{Source: Profile{File: config(t, `"name": "p", "mode": "RamRoleArn", "ram_role_arn": "`+testRole+`", `+keys)}}
			},
			"External": func(*castest.Issuer) Config {
				command := os.Args[0] + " external-command print '{" + keys + "}'"
				return Config{Source: Profile{File: config(t, `"name": "p", "mode": "External", "process_command": `+jsonString(command))}}
			},
			"URI": func(i *castest.Issuer) Config {
				i.Script("uri", answer)
				return Config{Source: URI{i.CredentialsURI()}}
			},
			"STS": func(i *castest.Issuer) Config {
				i.Script("sts", castest.Body(200, "application/json", `{"Credentials": {"AccessKeyId": "`+flawed.id+`", "AccessKeySecret": "`+
					flawed.secret+`", "SecurityToken": "`+flawed.token+`", "Expiration": "2999-01-01T00:00:00Z"}}`))
				return viaSTS(i)
			},
		} {
			t.Run(name+", "+source, func(t *testing.T) {
				t.Parallel()
				i := issuer(t)
				_, _, err := fetch(t, cfg(i), secret, "hush-hush hush", `"t"`)
				failed(t, err, NotAKey, flawed.want)
				e, _ := errors.AsType[*Error](err)
				if e.Source == "" {
					t.Errorf("got %v, want the source named", err)
				}
				if e.Temporary() {
					t.Errorf("got %v, want one that isn't tried again", err)
				}
			})
			if source == "STS" { // which assumes one already
				continue
			}
			t.Run(name+", "+source+", to assume a role", func(t *testing.T) {
				t.Parallel()
				i, base := issuer(t), issuer(t)
				with := cfg(base)
				with.STS.Endpoint, with.AssumeRole = i.STSEndpoint(), &AssumeRole{RoleARN: testRole}
				_, _, err := fetch(t, with, secret)
				failed(t, err, NotAKey, flawed.want)
				if n := len(i.Calls()); n > 0 {
					t.Errorf("STS was asked: got %d calls, want none", n)
				}
			})
		}
	}
}

func TestAccessKey(t *testing.T) {
	t.Parallel()
	key := keys()
	key.Token = "CAIS+/with=="
	s, c, err := fetch(t, Config{Source: key, SetBy: "access_key in the provider block"})
	if err != nil {
		t.Fatal(err)
	}
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
		"plain URI":      {cfg: Config{Source: URI{"http://example.com/?key=top-secret-value"}}, want: "http is only allowed"},
		"user in URI":    {cfg: Config{Source: URI{"ftp://user:top-secret-value@example.com/"}}, want: "its scheme isn't https or http"},
		"no URI":         {cfg: Config{Source: URI{"not-a-uri/top-secret-value"}}, want: "its scheme isn't https or http"},
		"role, no ARN":   {cfg: Config{Source: keys(), AssumeRole: &AssumeRole{}}, want: "role ARN is empty"},
		"OIDC, no token": {cfg: Config{Source: OIDC{ProviderARN: "p"}}, want: "neither an OIDC token nor a token file"},
		"OIDC, no ARN":   {cfg: Config{Source: OIDC{Token: "top-secret-value"}}, want: "the OIDC provider ARN is empty"},
		"OIDC, no role":  {cfg: Config{Source: OIDC{Token: "top-secret-value", ProviderARN: "p"}}, want: "role ARN is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := fetch(t, test.cfg, "top-secret-value")
			failed(t, err, Invalid, test.want)
		})
	}
}
