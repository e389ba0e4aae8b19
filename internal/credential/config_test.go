package credential

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	role := AssumeRole{RoleARN: "acs:ram::1:role/r"}
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no secret":       {cfg: Config{AccessKeyID: "LTAI5tExampleExample"}, want: "no access key secret"},
		"no id":           {cfg: Config{AccessKeySecret: "top-secret-value"}, want: "no access key ID"},
		"only a token":    {cfg: Config{SecurityToken: "top-secret-value"}, want: "no access key"},
		"two sources":     {cfg: Config{Profile: "p", ECSRoleName: "r"}, want: "only one source"},
		"plain URI":       {cfg: Config{CredentialsURI: "http://example.com/?key=top-secret-value"}, want: "http is only allowed"},
		"user in URI":     {cfg: Config{CredentialsURI: "ftp://user:top-secret-value@example.com/"}, want: "its scheme isn't https or http"},
		"no URI":          {cfg: Config{CredentialsURI: "not-a-uri/top-secret-value"}, want: "its scheme isn't https or http"},
		"role, no ARN":    {cfg: Config{AssumeRole: &AssumeRole{}}, want: "role ARN is empty"},
		"role, too short": {cfg: Config{AssumeRole: &AssumeRole{RoleARN: role.RoleARN, Expiration: 899}}, want: "899"},
		"role, too long":  {cfg: Config{AssumeRole: &AssumeRole{RoleARN: role.RoleARN, Expiration: 43201}}, want: "43201"},
		"OIDC, no token":  {cfg: Config{OIDC: &OIDC{ProviderARN: "p", RoleARN: "r"}}, want: "neither an OIDC token nor a token file"},
		"OIDC, no ARN":    {cfg: Config{OIDC: &OIDC{Token: "top-secret-value", RoleARN: "r"}}, want: "provider ARN is empty"},
		"OIDC, no role":   {cfg: Config{OIDC: &OIDC{Token: "top-secret-value", ProviderARN: "p"}}, want: "role ARN is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(test.cfg)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != Invalid || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			noSecrets(t, fmt.Sprint(err), "top-secret-value")
		})
	}
}
