package credential

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

const (
	testRole     = "acs:ram::1234567890123456:role/reader"
	testProvider = "acs:ram::1234567890123456:oidc-provider/ci"
)

func keys() AccessKey {
	return AccessKey{ID: castest.DefaultKey.AccessKeyID, Secret: castest.DefaultKey.AccessKeySecret}
}

// isIssued checks that c is a key of i, its expiration too.
func isIssued(t *testing.T, i *castest.Issuer, c Credentials) {
	t.Helper()
	got := castest.Key{AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken}
	if !slices.ContainsFunc(i.Issued(), func(key castest.Key) bool {
		expires := key.Expires
		key.Expires = time.Time{}
		return key == got && expires.Equal(c.Expiration)
	}) {
		t.Errorf("got %q until %s, want a key that was issued", got, c.Expiration)
	}
}

// Each response may hold a secret.
func TestFetchFailures(t *testing.T) {
	t.Parallel()
	const secret = "tOpSeCrEt/+0123456789=="
	body := func(body string) http.HandlerFunc { return castest.Body(http.StatusOK, "application/json", body) }
	text := func(status int, body string) http.HandlerFunc { return castest.Body(status, "text/html", body) }
	for name, test := range map[string]struct { // each begins with its service
		step http.HandlerFunc
		kind egress.Kind
		want string
	}{
		"STS, refused": {
			castest.Fault(403, "NoPermission", "You are not authorized."),
			openapi.NoPermission, "it returned NoPermission: You are not authorized.",
		},
		"STS, throttled": {
			castest.Fault(400, "Throttling.User", "Too many."),
			openapi.Throttled, "it returned Throttling.User: Too many.",
		},
		"STS, busy": {
			castest.Fault(503, "ServiceUnavailable", "Busy."),
			openapi.Temporary, "it returned ServiceUnavailable: Busy.",
		},
		"STS, only a code": {castest.Fault(403, "NoPermission", ""), openapi.NoPermission, "it returned NoPermission"},
		"STS, echo": {
			castest.Fault(400, "SignatureDoesNotMatch", "server string to sign is:POST&SecurityToken="+secret),
			openapi.BadKey, "SignatureDoesNotMatch",
		},
		"STS, gateway":   {text(502, "<html>"+secret), openapi.Temporary, "HTTP 502"},
		"STS, page":      {text(403, "<html>"+secret), egress.Malformed, "HTTP 403"},
		"STS, odd JSON":  {text(400, `{"SecurityToken": "`+secret+`"}`), egress.Malformed, "HTTP 400"},
		"STS, no fields": {body(`{}`), egress.Malformed, "its response has no access key ID or no access key secret"},
		"STS, half": {
			body(`{"Credentials": {"AccessKeySecret": "` + secret + `", "SecurityToken": "t"}}`),
			egress.Malformed, "its response has no access key ID or no access key secret",
		},
		"STS, truncated": {
			body(`{"Credentials": {"AccessKeySecret": "` + secret),
			egress.Malformed, "its response isn't a JSON object",
		},
		"STS, bad date": {
			body(`{"Credentials": {"AccessKeyId": "a", "AccessKeySecret": "b", "Expiration": "` + secret + `"}}`),
			egress.Malformed, "isn't an RFC 3339 time",
		},
		"STS, bomb": {
			castest.Header(body("\x1f\x8b"), "Content-Encoding", "gzip"),
			egress.Malformed, "it is compressed (gzip), though the request didn't accept that",
		},
		"STS, no success": {
			body(`{"Success": false, "ErrorCode": "` + secret + `"}`),
			egress.Malformed, "reports no success, and no error code",
		},
		"STS, accepted": {
			text(201, `{"AccessKeyId": "a", "AccessKeySecret": "`+secret+`"}`),
			egress.Malformed, "it returned HTTP 201",
		},
		"URI, error":       {text(500, "the key is "+secret), openapi.Temporary, "it returned HTTP 500"},
		"URI, absent":      {text(404, "the key is "+secret), NotFound, "it returned HTTP 404"},
		"URI, not allowed": {text(405, "the key is "+secret), egress.Malformed, "it returned HTTP 405"},
		"URI, forbidden":   {text(403, "the key is "+secret), egress.Malformed, "it returned HTTP 403"},
		"URI, incomplete": {
			body(`{"AccessKeySecret": "` + secret + `"}`),
			egress.Malformed, "its response has no access key ID or no access key secret",
		},
		"URI, code": {
			body(`{"Code": "Forbidden.Role", "Message": "no ` + secret + `", "RequestId": "r", ` +
				`"AccessKeySecret": "` + secret + `"}`),
			openapi.NoPermission, "it returned Forbidden.Role: no [redacted]",
		},
		"STS, as OAuth":   {body(`{"error": "invalid_grant", "RequestId": "r"}`), openapi.Rejected, "it returned invalid_grant"},
		"URI, no code":    {text(400, `{"Message": "the key is `+secret+`"}`), egress.Malformed, "HTTP 400"},
		"URI, no JSON":    {body(secret), egress.Malformed, "isn't a JSON object"},
		"URI, wrong type": {body(`{"AccessKeyId": ["` + secret + `"]}`), egress.Malformed, "isn't a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := issuer(t)
			service, cfg := "sts", viaSTS(i)
			if strings.HasPrefix(name, "URI") {
				service, cfg = "uri", viaURI(i)
			}
			i.Script(service, test.step)
			s, _, err := fetch(t, cfg, secret, strings.TrimRight(secret, "="))
			e := failed(t, err, test.kind, test.want)
			if e.Source != s.String() || (e.Code == "") != (e.RequestID == "") {
				t.Errorf("got source %q, code %q and request ID %q, want %q and both or neither", e.Source, e.Code, e.RequestID, s)
			}
			if strings.HasSuffix(err.Error(), ": ") {
				t.Errorf("got %q, want no colon at its end", err)
			}
		})
	}
}

func testOIDC() OIDC {
	return OIDC{AssumeRole: AssumeRole{RoleARN: testRole}, ProviderARN: testProvider, Token: castest.OIDCToken}
}

// assuming returns how to assume a role at i with the credentials of a source.
func assuming(i *castest.Issuer, source Source) Config {
	return Config{Source: source, AssumeRole: &AssumeRole{RoleARN: testRole}, STS: STS{Endpoint: i.STSEndpoint()}}
}

func viaSTS(i *castest.Issuer) Config { return assuming(i, keys()) }

func viaOIDC(i *castest.Issuer) Config {
	return Config{Source: testOIDC(), STS: STS{Endpoint: i.STSEndpoint()}}
}

// raw responds with bytes that may not be HTTP, and hangs up.
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

func viaCloudSSO(t *testing.T, i *castest.Issuer) Config {
	t.Helper()
	return Config{Source: inFile(t, cloudSSO(i.SignInURL()))}
}

func viaURI(i *castest.Issuer) Config { return Config{Source: URI{i.CredentialsURI() + "?k=v"}} }

func TestUnreachableSTS(t *testing.T) {
	t.Parallel()
	i := castest.StartIssuer()
	key := keys()
	key.Token = "CAIS+/unreachable=="
	i.Close()
	fails(t, assuming(i, key), egress.Refused, "https://"+i.STSEndpoint()+": connection refused",
		"CAIS%2B%2Funreachable%3D%3D", "Signature=", key.ID)
}

// guard is a source that sends requests to a service of an issuer.
type guard struct {
	at      *castest.Issuer
	service string
	cfg     Config
}

// guarded are all sources that send requests, most of them to i.
func guarded(t *testing.T, i *castest.Issuer) map[string]guard {
	t.Helper()
	renewed := renewing(castest.OAuthRefreshToken + rand.Text())
	return map[string]guard{
		"STS":             {i, "sts", viaSTS(i)},
		"OIDC":            {i, "sts", viaOIDC(i)},
		"URI":             {i, "uri", viaURI(i)},
		"CloudSSO":        {i, "cloudsso", viaCloudSSO(t, i)},
		"CloudSSO, plain": {i, "cloudsso", Config{Source: inFile(t, cloudSSO(i.ProxyURL()))}},
		"OAuth":           {shared, "oauth", Config{Source: inFile(t, accessing(castest.OAuthAccessToken))}},
		"OAuth, renewing": {shared, "oauth", Config{Source: inFile(t, renewed)}},
		"metadata":        {shared, "metadata", Config{Source: ECSRole{castest.MetadataRole}}},
	}
}

func cloudSSO(signInURL string) string {
	return `"mode": "CloudSSO", "cloud_sso_sign_in_url": "` + signInURL + `", "cloud_sso_access_config": "ac-1", ` +
		`"cloud_sso_account_id": "1234567890123456", "access_token": "` + castest.SSOAccessToken + `", ` +
		`"cloud_sso_access_token_expire": ` + inTwoHours
}

// Keys of a role or of a sign-in come with a token. Those of a credentials URI or of the metadata
// service need none.
//
//nolint:paralleltest // shared is scripted
func TestResponseWithoutToken(t *testing.T) {
	for name, source := range guarded(t, issuer(t)) {
		if name == "URI" || name == "metadata" || name == "OAuth, renewing" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			const key = `"AccessKeyId": "a", "AccessKeySecret": "b"`
			const body = `{` + key + `, "Credentials": {` + key + `}, "CloudCredential": {` + key + `}}`
			source.at.Script(source.service, castest.Body(200, "application/json", body))
			fails(t, source.cfg, egress.Malformed, "its response has no security token")
		})
	}
}

// No source follows a redirect or reads without end.
//
//nolint:paralleltest // shared is scripted
func TestEverySourceIsGuarded(t *testing.T) {
	trap := issuer(t)
	redirect := func(to string) http.HandlerFunc {
		return http.RedirectHandler(to+"/?token=hush-hush-hush", http.StatusTemporaryRedirect).ServeHTTP
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for err := error(nil); err == nil; {
			_, err = w.Write(make([]byte, 1<<20))
		}
	}
	for step, test := range map[string]struct {
		respond http.HandlerFunc
		kind    egress.Kind
		want    string
	}{
		"http":    {redirect(trap.CredentialsURI()), egress.Redirected, "redirected: http://127.0.0.1:"},
		"https":   {redirect("https://" + trap.STSEndpoint()), egress.Redirected, "redirected: https://127.0.0.1:"},
		"endless": {endless, egress.TooLarge, "response too large: HTTP 200"},
	} {
		for name, source := range guarded(t, issuer(t)) {
			t.Run(name+", "+step, func(t *testing.T) {
				source.at.Script(source.service, test.respond)
				if source.service == "metadata" { // the first request is for a token, and a second one follows without it
					source.at.Script(source.service, test.respond)
				}
				fails(t, source.cfg, test.kind, test.want, "hush-hush-hush")
			})
		}
	}
	if n := len(trap.Calls()); n > 0 {
		t.Errorf("got %d redirects followed, want none", n)
	}
}

// The vendor's library is the reference of what is sent for a sign-in: CloudSSO and OAuth are
// documented nowhere. A new version of it that sends something else turns this red.
//
//nolint:paralleltest // shared is requested, and the library sends
func TestWireFormat(t *testing.T) {
	setTransport(t, sendingTransport)
	expire, err := strconv.ParseInt(inTwoHours, 10, 64)
	must(t, err)
	refresh := func() string { return castest.OAuthRefreshToken + rand.Text() }
	for name, test := range map[string]struct {
		calls  int
		ours   func(*castest.Issuer) Config
		vendor func(*castest.Issuer) (providers.CredentialsProvider, error)
	}{
		"CloudSSO": {
			calls: 1,
			ours:  func(i *castest.Issuer) Config { return viaCloudSSO(t, i) },
			vendor: func(i *castest.Issuer) (providers.CredentialsProvider, error) {
				return providers.NewCloudSSOCredentialsProviderBuilder().WithSignInUrl(i.SignInURL()).
					WithAccountId("1234567890123456").WithAccessConfig("ac-1").
					WithAccessToken(castest.SSOAccessToken).WithAccessTokenExpire(expire).Build()
			},
		},
		"OAuth": {
			calls: 2,
			ours: func(*castest.Issuer) Config {
				return Config{Source: inFile(t, renewing(refresh()))}
			},
			vendor: func(*castest.Issuer) (providers.CredentialsProvider, error) {
				return providers.NewOAuthCredentialsProviderBuilder().WithSignInUrl("https://" + oauthSites["CN"].host).
					WithClientId(oauthSites["CN"].client).WithRefreshToken(refresh()).Build()
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := issuer(t)
			before := len(shared.Calls())
			fetched(t, test.ours(i))
			provider, err := test.vendor(i)
			must(t, err)
			if _, err := provider.GetCredentials(); err != nil {
				t.Fatal(err)
			}
			calls := append(i.Calls(), shared.Calls()[before:]...)
			if len(calls) != 2*test.calls {
				t.Fatalf("got %d calls, want %d of each", len(calls), test.calls)
			}
			for n, ours := range calls[:test.calls] {
				if got, want := ours.Header.Get("User-Agent"), "terraform-provider-cas"; got != want {
					t.Errorf("got the user agent %q, want %q", got, want)
				}
				if got, want := sent(ours), sent(calls[test.calls+n]); !reflect.DeepEqual(got, want) {
					t.Errorf("got  %v\nwant %v", got, want)
				}
			}
		})
	}
}

// sent returns the parts of a call that are the same in equal requests. A signature has been
// checked.
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
		call.Method, call.Host, call.Action, values(call.Query), body,
		call.Header.Get("Authorization"), call.Header.Get("Content-Type"),
	}
}

// A session that has expired is a matter of this machine's clock only if it holds by the service's.
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
		"no date":           {expires: -time.Hour, kind: Invalid},
		"not a date":        {expires: -time.Hour, date: "now", kind: Invalid},
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
