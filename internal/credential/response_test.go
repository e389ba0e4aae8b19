package credential

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// A session that has expired is a matter of this machine's clock, unless it has expired by the
// service's as well.
func TestExpiredSession(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, test := range map[string]struct {
		expires time.Duration // from now
		date    string
		kind    egress.Kind // none for success
		skew    time.Duration
	}{
		"holds": {expires: time.Hour, date: now.UTC().Format(http.TimeFormat)},
		"clock ahead": {
			expires: -time.Hour, date: now.Add(-2 * time.Hour).UTC().Format(http.TimeFormat),
			kind: openapi.Clock, skew: 2 * time.Hour,
		},
		"no date":           {expires: -time.Hour, kind: openapi.Clock},
		"not a date":        {expires: -time.Hour, date: "now", kind: openapi.Clock},
		"expired for both":  {expires: -time.Hour, date: now.UTC().Format(http.TimeFormat), kind: Invalid},
		"holds by one only": {expires: time.Hour, date: now.Add(9 * time.Hour).UTC().Format(http.TimeFormat)},
	} {
		expires := now.Add(test.expires).UTC().Format(time.RFC3339)
		_, err := parseIssued(&egress.Response{
			Status: http.StatusOK, Header: http.Header{"Date": {test.date}},
			Body: []byte(`{"AccessKeyId": "a", "AccessKeySecret": "b", "Expiration": "` + expires + `"}`),
		})
		var got Error
		if e, ok := errors.AsType[*Error](err); ok {
			got = *e
		}
		if got.Kind != test.kind || got.Skew.Round(time.Minute) != test.skew {
			t.Errorf("%s: got %q and a clock %s ahead (%v), want %q, %s", name, got.Kind, got.Skew, err, test.kind, test.skew)
		}
	}
}

// A source's error may quote what authenticates the request, however short, and without a name
// before it.
func TestErrorsEchoNoSecret(t *testing.T) {
	key := keys()
	key.Token = "CAIS+/short=="
	address := func(i *castest.Issuer, user, query string) Config {
		return Config{Source: URI{strings.Replace(i.CredentialsURI(), "://", "://"+user, 1) + query}}
	}
	header := func(name, scheme string) func(*http.Request) string {
		return func(r *http.Request) string { return strings.TrimPrefix(r.Header.Get(name), scheme) }
	}
	for name, test := range map[string]struct {
		service string
		via     func(*castest.Issuer) Config
		secret  func(*http.Request) string
	}{
		"token of AssumeRole": {
			"sts", func(i *castest.Issuer) Config { return assuming(i, key) },
			func(r *http.Request) string { return r.FormValue("SecurityToken") },
		},
		"secret of AssumeRole": {"sts", viaSTS, func(*http.Request) string { return castest.DefaultKey.AccessKeySecret }},
		"OIDC token":           {"sts", viaOIDC, func(r *http.Request) string { return r.FormValue("OIDCToken") }},
		"value of a query": {
			"uri", func(i *castest.Issuer) Config { return address(i, "", "?k=hush7") },
			func(r *http.Request) string { return r.FormValue("k") },
		},
		"password": {
			"uri", func(i *castest.Issuer) Config { return address(i, "user:hush7@", "") },
			func(r *http.Request) string { _, password, _ := r.BasicAuth(); return password },
		},
		"Basic": {
			"uri", func(i *castest.Issuer) Config { return address(i, "user:hush7@", "") }, header("Authorization", "Basic "),
		},
		"access token": {
			"cloudsso", func(i *castest.Issuer) Config { return viaCloudSSO(t, i) },
			header("Authorization", "Bearer "),
		},
		"metadata token": {
			"metadata", func(*castest.Issuer) Config { return Config{Source: ECSRole{castest.MetadataRole}} },
			header("X-Aliyun-Ecs-Metadata-Token", ""),
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := issuer(t)
			var secret string
			echo := func(w http.ResponseWriter, r *http.Request) {
				secret = test.secret(r)
				castest.Fault(400, "Oops."+secret, "I got "+secret)(w, r)
			}
			if test.service == "metadata" {
				t.Setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "true") // else it is read again without a token
				i = shared
				i.Script(test.service, castest.Body(200, "", "a-token-of-the-metadata-service"))
			}
			i.Script(test.service, echo)
			fails(t, test.via(i), openapi.Rejected, "it returned Oops.[redacted]: I got [redacted]")
			if secret == "" {
				t.Error("got no secret to echo, want one")
			}
		})
	}
}

// A command that signs in is only advised if a new sign-in helps.
func TestSignInIsAdvisedOnlyIfItHelps(t *testing.T) {
	t.Parallel()
	for want, step := range map[string]http.HandlerFunc{
		"aliyun configure --mode CloudSSO --profile p": castest.Fault(403, "InvalidToken", ""),
		"": castest.Fault(503, "ServiceUnavailable", ""),
	} {
		i := issuer(t)
		i.Script("cloudsso", step)
		_, _, err := fetch(t, viaCloudSSO(t, i))
		if e, ok := errors.AsType[*Error](err); !ok || e.Command != want {
			t.Errorf("got %#v, want the command %q", err, want)
		}
	}
}
