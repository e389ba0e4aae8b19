package credential

import (
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// Keys that don't expire, and temporary ones without an expiration.
func TestURIWithoutTokenOrExpiration(t *testing.T) {
	t.Parallel()
	const key = `{"AccessKeyId": "a", "AccessKeySecret": "b"`
	for body, token := range map[string]string{
		key + `, "Code": "Success"}`:                     "",
		key + `, "SecurityToken": "", "Expiration": ""}`: "",
		key + `, "SecurityToken": "t0ken"}`:              "t0ken",
	} {
		i := issuer(t)
		i.Script("uri", castest.Body(200, "application/json", body))
		_, c := fetched(t, viaURI(i))
		if want := (Credentials{AccessKeyID: "a", AccessKeySecret: "b", SecurityToken: token, source: c.source}); c != want {
			t.Errorf("%s: got %v with token %q until %s, want %q and no end", body, c, c.SecurityToken, c.Expiration, token)
		}
	}
}
