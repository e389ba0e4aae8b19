package credential

import "testing"

func TestConfigIsRefused(t *testing.T) {
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
