package credential

import (
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// Keys that don't expire, and temporary ones of which nobody says when they expire.
func TestURIWithoutTokenOrExpiration(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer   string
		token    string
		identity string
	}{
		"neither": {answer: `{"Code": "Success", "AccessKeyId": "a", "AccessKeySecret": "b"}`, identity: "a"},
		"empty":   {answer: `{"AccessKeyId": "a", "AccessKeySecret": "b", "SecurityToken": "", "Expiration": ""}`, identity: "a"},
		"no expiration": {
			answer: `{"AccessKeyId": "a", "AccessKeySecret": "b", "SecurityToken": "t0ken"}`, token: "t0ken", identity: "temporary credentials",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := issuer(t)
			i.Script("uri", castest.Body(200, "application/json", test.answer))
			_, c := fetched(t, Config{Source: URI{i.CredentialsURI()}})
			if c.AccessKeyID != "a" {
				t.Errorf("got access key ID %q, want a", c.AccessKeyID)
			}
			if c.SecurityToken != test.token {
				t.Errorf("got token %q, want %q", c.SecurityToken, test.token)
			}
			if !c.Expiration.IsZero() {
				t.Errorf("got expiration %s, want none", c.Expiration)
			}
			if got := c.Identity(); got != test.identity {
				t.Errorf("got identity %q, want %q", got, test.identity)
			}
		})
	}
}
