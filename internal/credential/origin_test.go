package credential

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

const (
	testRole     = "acs:ram::1234567890123456:role/reader"
	testProvider = "acs:ram::1234567890123456:oidc-provider/ci"
)

func keys() Config {
	return Config{AccessKeyID: castest.DefaultKey.AccessKeyID, AccessKeySecret: castest.DefaultKey.AccessKeySecret}
}

func TestStaticKeys(t *testing.T) {
	t.Parallel()
	cfg := keys()
	cfg.SecurityToken = "CAIS+/with=="
	cfg.SetBy = "access_key in the provider block"
	s, c, err := fetch(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if c.AccessKeyID != cfg.AccessKeyID || c.AccessKeySecret != cfg.AccessKeySecret || c.SecurityToken != cfg.SecurityToken {
		t.Error("other credentials than configured")
	}
	if got := s.String(); got != "access key LTAI…eyId (access_key in the provider block)" {
		t.Error(got)
	}
	for range 2 { // the second is of a reader that is late
		if s.Discard(c) {
			t.Error("other keys are expected where these were given")
		}
	}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	cfg := keys()
	cfg.STSEndpoint = i.STSEndpoint()
	cfg.AssumeRole = &AssumeRole{RoleARN: testRole, Policy: `{"Version": "1"}`, ExternalID: "ext + 1", Expiration: 900}
	s, c, err := fetch(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	issued(t, i, c)
	if got := s.Identity(c); got != "1234567890123456" {
		t.Errorf("identity %s", got)
	}
	call := i.Calls()[0]
	for name, want := range map[string]string{
		"RoleArn": testRole, "RoleSessionName": "terraform", "Policy": `{"Version": "1"}`, "ExternalId": "ext + 1", "DurationSeconds": "900",
	} {
		if got := call.Parameters[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for range 10 {
		if _, err := s.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(i.Calls()); n != 1 {
		t.Errorf("%d calls of STS, want 1", n)
	}
	s.Discard(c)
	if again, err := s.Get(t.Context()); err != nil || again.AccessKeyID == c.AccessKeyID {
		t.Errorf("after discard: %v, %v", again, err)
	}
}

// issued checks that c is a key of i, its expiration too.
func issued(t *testing.T, i *castest.Issuer, c Credentials) {
	t.Helper()
	for _, key := range i.Issued() {
		if key.AccessKeyID != c.AccessKeyID {
			continue
		}
		if c.AccessKeySecret != key.AccessKeySecret || c.SecurityToken != key.SecurityToken || !c.Expiration.Equal(key.Expires) {
			t.Errorf("%v isn't as it was issued; it expires %s, want %s", c, c.Expiration, key.Expires)
		}
		return
	}
	t.Errorf("%v wasn't issued", c)
}

func TestAssumeRoleOnEveryBase(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	for name, base := range map[string]Config{
		"keys":    keys(),
		"URI":     {CredentialsURI: i.CredentialsURI()},
		"OIDC":    {OIDC: &OIDC{ProviderARN: testProvider, RoleARN: testRole, Token: castest.OIDCToken}},
		"profile": {Profile: "p", SharedCredentialsFile: file(t, "config.json", `{"profiles": [{"name": "p", "mode": "AK", "access_key_id": "`+castest.DefaultKey.AccessKeyID+`", "access_key_secret": "`+castest.DefaultKey.AccessKeySecret+`"}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base.STSEndpoint = i.STSEndpoint()
			base.AssumeRole = &AssumeRole{RoleARN: testRole, SessionName: "ci@1"}
			_, c, err := fetch(t, base)
			if err != nil {
				t.Fatal(err)
			}
			issued(t, i, c)
		})
	}
}

func TestAssumeRoleOnECS(t *testing.T) { //nolint:paralleltest // it listens to what shared issues
	i := issuer(t)
	shared.OnIssue(i.AddKey)
	defer shared.OnIssue(nil)
	_, c, err := fetch(t, Config{ECSRoleName: castest.MetadataRole, STSEndpoint: i.STSEndpoint(), AssumeRole: &AssumeRole{RoleARN: testRole}})
	if err != nil {
		t.Fatal(err)
	}
	issued(t, i, c)
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	path := file(t, "token", castest.OIDCToken+"\n")
	s, c, err := fetch(t, Config{STSEndpoint: i.STSEndpoint(), OIDC: &OIDC{ProviderARN: testProvider, RoleARN: testRole, TokenFile: path, Expiration: 1800}})
	if err != nil {
		t.Fatal(err)
	}
	issued(t, i, c)
	if got := i.Calls()[0].Parameters["RoleSessionName"]; got != "terraform" {
		t.Errorf("session %q", got)
	}
	if err := os.WriteFile(path, []byte("another-token-altogether"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Discard(c)
	_, err = s.Get(t.Context())
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Refused || e.Code != "AuthenticationFail.OIDCToken.Invalid" || e.RequestID == "" {
		t.Errorf("with a new token in the file: %v", err)
	}
	noSecrets(t, err.Error(), "another-token-altogether")
}

// The library prefers the variable to a configured file.
func TestOIDCTokenFileBeatsTheEnvironment(t *testing.T) {
	t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN", "from-the-environment")
	i := issuer(t)
	_, _, err := fetch(t, Config{STSEndpoint: i.STSEndpoint(), OIDC: &OIDC{
		ProviderARN: testProvider, RoleARN: testRole, TokenFile: file(t, "token", castest.OIDCToken)}})
	if err != nil {
		t.Error(err)
	}
}

func TestCredentialsURI(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	_, c, err := fetch(t, Config{CredentialsURI: i.CredentialsURI() + "?token=top-secret-value"}, "top-secret-value")
	if err != nil {
		t.Fatal(err)
	}
	issued(t, i, c)
}

// A pipeline's temporary credentials are new on every run: nothing of them may name the account's budget.
func TestIdentity(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	triple := keys()
	triple.SecurityToken = "CAIS+/with=="
	role := keys()
	role.STSEndpoint, role.AssumeRole = i.STSEndpoint(), &AssumeRole{RoleARN: testRole}
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"keys":             {keys(), castest.DefaultKey.AccessKeyID},
		"temporary keys":   {triple, "temporary credentials"},
		"assumed role":     {role, "1234567890123456"},
		"OIDC":             {Config{STSEndpoint: i.STSEndpoint(), OIDC: &OIDC{ProviderARN: testProvider, RoleARN: testRole, Token: castest.OIDCToken}}, "1234567890123456"},
		"URI":              {Config{CredentialsURI: i.CredentialsURI()}, "temporary credentials"},
		"AK profile":       {Config{SharedCredentialsFile: config(t, `"name": "p", "mode": "AK", `+ak)}, castest.DefaultKey.AccessKeyID},
		"StsToken profile": {Config{SharedCredentialsFile: config(t, `"name": "p", "mode": "StsToken", "sts_token": "CAIS+/with==", `+ak)}, "temporary credentials"},
		"CloudSSO profile": {Config{SharedCredentialsFile: config(t, `"name": "p", "mode": "CloudSSO", "cloud_sso_sign_in_url": "`+i.SignInURL()+`", "cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "ac-1", "access_token": "`+castest.SSOAccessToken+`", "cloud_sso_access_token_expire": `+inTwoHours)}, "1234567890123456"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, err := fetch(t, test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Identity(c); got != test.want {
				t.Errorf("identity %q, want %q", got, test.want)
			}
		})
	}
}

func TestCredentialsURIIsntRedirected(t *testing.T) {
	t.Parallel()
	i, other := issuer(t), issuer(t)
	i.Script("uri", http.RedirectHandler(other.CredentialsURI(), http.StatusFound).ServeHTTP)
	_, _, err := fetch(t, Config{CredentialsURI: i.CredentialsURI()})
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Malformed || !strings.Contains(err.Error(), "HTTP 302, a redirect") {
		t.Errorf("got %v", err)
	}
	if n := len(other.Calls()); n > 0 {
		t.Errorf("it was followed %d times", n)
	}
}

func TestECSRole(t *testing.T) {
	t.Parallel()
	_, c, err := fetch(t, Config{ECSRoleName: castest.MetadataRole})
	if err != nil {
		t.Fatal(err)
	}
	issued(t, shared, c)
	_, _, err = fetch(t, Config{ECSRoleName: "another"})
	if e, ok := errors.AsType[*Error](err); !ok || e.Source != "ECS RAM role another" || e.Kind != NotFound || e.Err.Error() != "the instance has no RAM role another" {
		t.Errorf("unknown role: %v", err)
	}
}

// Keys that don't expire, and temporary ones of which nobody says when they expire.
func TestURIWithoutTokenOrExpiration(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer   string
		token    string
		identity string
	}{
		"neither":       {answer: `{"Code": "Success", "AccessKeyId": "a", "AccessKeySecret": "b"}`, identity: "a"},
		"empty":         {answer: `{"AccessKeyId": "a", "AccessKeySecret": "b", "SecurityToken": "", "Expiration": ""}`, identity: "a"},
		"no expiration": {answer: `{"AccessKeyId": "a", "AccessKeySecret": "b", "SecurityToken": "t0ken"}`, token: "t0ken", identity: "temporary credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := issuer(t)
			i.Script("uri", castest.Body(200, "application/json", test.answer))
			s, c, err := fetch(t, Config{CredentialsURI: i.CredentialsURI()})
			if err != nil {
				t.Fatal(err)
			}
			if c.AccessKeyID != "a" || c.SecurityToken != test.token {
				t.Errorf("got key %s with token %q, want a with %q", c.AccessKeyID, c.SecurityToken, test.token)
			}
			if !c.Expiration.IsZero() {
				t.Errorf("got expiration %s, want none", c.Expiration)
			}
			if got := s.Identity(c); got != test.identity {
				t.Errorf("got identity %q, want %q", got, test.identity)
			}
		})
	}
}

// Each answer makes the library return, or panic with, something that may hold a secret.
//
//nolint:paralleltest // shared is scripted
func TestFetchFailures(t *testing.T) {
	const secret = "tOpSeCrEt/+0123456789=="
	t.Setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "true") // else what fails is asked again without a token
	unnamed := config(t, `"name": "p", "mode": "EcsRamRole"`)
	viaUnnamedRole := func(*castest.Issuer) Config { return Config{SharedCredentialsFile: unnamed} }
	for name, test := range map[string]struct {
		service string
		cfg     func(*castest.Issuer) Config
		step    http.HandlerFunc
		kind    Kind
		want    string
	}{
		"STS refuses":        {"sts", viaSTS, castest.Fault(403, "NoPermission", "You are not authorized."), Refused, "NoPermission: You are not authorized."},
		"STS is busy":        {"sts", viaSTS, castest.Fault(400, "Throttling.User", "Too many."), Unavailable, "Throttling.User"},
		"STS echoes":         {"sts", viaSTS, castest.Fault(400, "SignatureDoesNotMatch", "server string to sign is:POST&SecurityToken="+secret), Refused, "SignatureDoesNotMatch"},
		"STS, no JSON":       {"sts", viaSTS, castest.Body(502, "text/html", "<html>"+secret), Unavailable, "left out"},
		"STS, odd JSON":      {"sts", viaSTS, castest.Body(400, "application/json", `{"SecurityToken": "`+secret+`"}`), Malformed, "left out"},
		"STS, no fields":     {"sts", viaSTS, castest.Body(200, "application/json", `{}`), Malformed, "fail to get credentials"},
		"STS, half":          {"sts", viaSTS, castest.Body(200, "application/json", `{"Credentials": {"AccessKeyId": "a", "AccessKeySecret": "`+secret+`", "SecurityToken": "t"}}`), Malformed, "panic"},
		"STS, truncated":     {"sts", viaSTS, castest.Body(200, "application/json", `{"Credentials": {"AccessKeySecret": "`+secret), Malformed, "unexpected end of JSON"},
		"URI, error":         {"uri", viaURI, castest.Body(500, "text/plain", "the key is "+secret), Unavailable, "it answered HTTP 500"},
		"URI, absent":        {"uri", viaURI, castest.Body(404, "text/plain", "the key is "+secret), NotFound, "it answered HTTP 404"},
		"URI, forbidden":     {"uri", viaURI, castest.Body(403, "text/plain", "the key is "+secret), Malformed, "it answered HTTP 403"},
		"URI, incomplete":    {"uri", viaURI, castest.Body(200, "application/json", `{"AccessKeySecret": "`+secret+`"}`), Malformed, "its answer has no AccessKeyId"},
		"URI, code":          {"uri", viaURI, castest.Body(200, "application/json", `{"Code": "Forbidden.Role", "AccessKeySecret": "`+secret+`"}`), Refused, "it answered Forbidden.Role"},
		"URI, no JSON":       {"uri", viaURI, castest.Body(200, "text/plain", secret), Malformed, "isn't a JSON object"},
		"URI, wrong type":    {"uri", viaURI, castest.Body(200, "application/json", `{"AccessKeyId": ["`+secret+`"]}`), Malformed, "isn't a JSON object"},
		"URI, bad date":      {"uri", viaURI, castest.Body(200, "application/json", `{"AccessKeyId": "a", "AccessKeySecret": "b", "SecurityToken": "c", "Expiration": "`+secret+`"}`), Malformed, "RFC 3339"},
		"URI, endless":       {"uri", viaURI, castest.Body(200, "text/plain", strings.Repeat(secret, 4000)), Malformed, "more than 64 KiB"},
		"URI, no HTTP":       {"uri", viaURI, raw(`{"AccessKeySecret": "` + secret + "\"}\r\n\r\n"), Malformed, malformedAnswer},
		"URI, no status":     {"uri", viaURI, raw("HTTP/1.1 " + secret + "\r\n\r\n"), Malformed, malformedAnswer},
		"URI, no header":     {"uri", viaURI, raw("HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n"), Malformed, malformedAnswer},
		"URI, no length":     {"uri", viaURI, raw("HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n"), Malformed, malformedAnswer},
		"URI, cut off":       {"uri", viaURI, raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + secret), Unavailable, "unexpected EOF"},
		"STS, no HTTP":       {"sts", viaSTS, raw(`{"AccessKeySecret": "` + secret + "\"}\r\n\r\n"), Malformed, malformedAnswer},
		"metadata, no HTTP":  {"metadata", viaECS, raw(`{"AccessKeySecret": "` + secret + "\"}\r\n\r\n"), Malformed, malformedAnswer},
		"metadata, closes":   {"metadata", viaECS, raw(""), NotFound, "is this an ECS instance?"},
		"metadata, absent":   {"metadata", viaECS, castest.Body(404, "text/html", "<html>"+secret), NotFound, "the instance has no RAM role " + castest.MetadataRole},
		"metadata, down":     {"metadata", viaECS, castest.Body(503, "text/html", "<html>"+secret), Unavailable, "httpStatus: 503"},
		"unnamed role":       {"metadata", viaUnnamedRole, castest.Body(404, "text/html", "<html>"+secret), NotFound, "the instance has no RAM role"},
		"unnamed role, down": {"metadata", viaUnnamedRole, castest.Body(503, "text/html", "<html>"+secret), Unavailable, "503"},
		"metadata, no code":  {"metadata", viaECS, castest.Body(200, "application/json", `{"AccessKeyId": "a", "AccessKeySecret": "`+secret+`", "SecurityToken": "c"}`), Malformed, "panic"},
	} {
		t.Run(name, func(t *testing.T) {
			i := issuer(t)
			at := i
			if test.service == "metadata" {
				at = shared
				at.Script("metadata", castest.Body(200, "text/plain", "token"))
			}
			at.Script(test.service, test.step)
			cfg := test.cfg(i)
			s, _, err := fetch(t, cfg, secret, strings.TrimRight(secret, "="))
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != test.kind || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got kind %s, %v; want kind %s, %q", e.Kind, err, test.kind, test.want)
			}
			if e.Source == "" || e.Source != s.String() {
				t.Errorf("source %q, want %q", e.Source, s)
			}
		})
	}
}

func viaSTS(i *castest.Issuer) Config {
	cfg := keys()
	cfg.STSEndpoint = i.STSEndpoint()
	cfg.AssumeRole = &AssumeRole{RoleARN: testRole}
	return cfg
}

// raw answers with bytes that may not be HTTP, and hangs up.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, out, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = out.WriteString(answer)
		_ = out.Flush()
		_ = conn.Close()
	}
}

func viaURI(i *castest.Issuer) Config { return Config{CredentialsURI: i.CredentialsURI() + "?k=v"} }

func viaECS(*castest.Issuer) Config { return Config{ECSRoleName: castest.MetadataRole} }

// The library's calls know no context; a reader's wait does, and so does what is asked here.
func TestCancelDuringAFetch(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	ctx, cancel := context.WithCancel(t.Context())
	i.Script("uri", func(w http.ResponseWriter, r *http.Request) {
		cancel()
		castest.Hang()(w, r)
	})
	s := source(t, viaURI(i))
	if _, err := s.Get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The transport's error quotes the whole signed URL.
func TestUnreachableSTS(t *testing.T) {
	t.Parallel()
	i := castest.StartIssuer()
	cfg := viaSTS(i)
	cfg.SecurityToken = "CAIS+/unreachable=="
	i.Close()
	_, _, err := fetch(t, cfg, "CAIS%2B%2Funreachable%3D%3D", "Signature=", cfg.AccessKeyID)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Unavailable || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "post https://"+cfg.STSEndpoint) {
		t.Errorf("got %v", err)
	}
}

func TestExpirationFollowsTheLibrary(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	i.ExpireAfter(20 * time.Minute)
	_, c, err := fetch(t, viaSTS(i))
	if err != nil {
		t.Fatal(err)
	}
	issued(t, i, c)
	if c.Expiration.IsZero() {
		t.Error("the library keeps its expiration somewhere else now")
	}
}
