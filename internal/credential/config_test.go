package credential

import "testing"

func TestConfigIsRefused(t *testing.T) {
	t.Parallel()
	role := keys()
	role.AssumeRole = &AssumeRole{}
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no secret":      {cfg: Config{AccessKeyID: "LTAI5tExampleExample"}, want: "no access key secret"},
		"no id":          {cfg: Config{AccessKeySecret: "top-secret-value"}, want: "no access key ID"},
		"only a token":   {cfg: Config{SecurityToken: "top-secret-value"}, want: "no access key"},
		"plain URI":      {cfg: Config{CredentialsURI: "http://example.com/?key=top-secret-value"}, want: "http is only allowed"},
		"user in URI":    {cfg: Config{CredentialsURI: "ftp://user:top-secret-value@example.com/"}, want: "its scheme isn't https or http"},
		"no URI":         {cfg: Config{CredentialsURI: "not-a-uri/top-secret-value"}, want: "its scheme isn't https or http"},
		"role, no ARN":   {cfg: role, want: "role ARN is empty"},
		"OIDC, no token": {cfg: Config{OIDC: &OIDC{ProviderARN: "p"}}, want: "neither an OIDC token nor a token file"},
		"OIDC, no ARN":   {cfg: Config{OIDC: &OIDC{Token: "top-secret-value"}}, want: "the OIDC provider ARN is empty"},
		"OIDC, no role":  {cfg: Config{OIDC: &OIDC{Token: "top-secret-value", ProviderARN: "p"}}, want: "role ARN is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := fetch(t, test.cfg, "top-secret-value")
			failed(t, err, Invalid, test.want)
		})
	}
}
