package credential

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

func TestOAuthKeepsTheNewRefreshToken(t *testing.T) {
	t.Parallel()
	refresh := castest.OAuthRefreshToken + rand.Text()
	path := config(t, signIn+`"output_format": "json", "url": "<&>", "oauth_refresh_token": "`+refresh+`"`,
		`"name": "other", "mode": "AK", "unknown": {"n": 12345678901234567890}`)
	_, c := fetched(t, Config{Source: Profile{File: path}})
	isIssued(t, shared, c)
	content, p := parsedConfig(t, path)
	if p.Access != castest.OAuthAccessToken || p.Refresh != refresh+"-next" {
		t.Errorf("got tokens %s and %s, want new ones", p.Access, p.Refresh)
	}
	for _, kept := range []string{
		`"n": 12345678901234567890`, `"output_format": "json"`, `"\u003c\u0026\u003e"`, `"meta_path"`,
	} {
		if !strings.Contains(content, kept) {
			t.Errorf("got no %s in the file, want it kept:\n%s", kept, content)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return e.Name() == "config.json.lock" })
	if err != nil || len(left) != 1 {
		t.Errorf("got %v, %v, want the file alone", left, err)
	}
}

// parsedConfig returns the content of the CLI's file, and the last profile in it.
func parsedConfig(t *testing.T, path string) (string, profile) {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	parsed, err := parseCLIFile(content)
	must(t, err)
	return string(content), parsed.Profiles[len(parsed.Profiles)-1]
}

// What the service responds to a sign-in, and what is requested and saved for it.
//
//nolint:paralleltest // shared is scripted
func TestOAuth(t *testing.T) {
	const secret = "new-access-token-0123456789"
	body := func(status int, body string) http.HandlerFunc { return castest.Body(status, "application/json", body) }
	tokens := func(status int, fields string) http.HandlerFunc {
		return body(status, `{"access_token": "`+castest.OAuthAccessToken+`", `+fields+`}`)
	}
	const next, both = `"refresh_token": "next"`, "token exchange"
	renewed := tokens(200, next)
	expired := body(400, `{"error": "expired_token", "error_description": "The access token is expired."}`)
	for name, test := range map[string]struct {
		holds   time.Duration // how long the token in the file does; 0: the file doesn't say
		fixed   bool          // there is no refresh token
		unknown bool          // there is no access token
		steps   script
		calls   string
		saved   bool          // the file has the next refresh token in the end
		lives   time.Duration // how long the access token of the file holds then, if that is known
		kind    egress.Kind
		want    string
	}{
		"holds":     {holds: time.Minute, calls: "exchange"},
		"expired":   {holds: -time.Second, steps: script{renewed}, calls: both, saved: true},
		"no expiry": {steps: script{renewed}, calls: both, saved: true, lives: time.Hour},
		"expired by another clock": {
			holds: time.Hour, steps: script{expired, renewed}, calls: "exchange " + both, saved: true,
		},
		"refused": {
			holds: time.Hour, steps: script{body(401, `{"error": "invalid_token"}`), renewed},
			calls: "exchange token exchange", saved: true,
		},
		"busy":       {holds: time.Hour, steps: script{body(503, "")}, calls: "exchange", kind: openapi.Temporary},
		"token busy": {steps: script{body(503, "")}, calls: "token", kind: openapi.Temporary},

		"fixed, expired":    {holds: -time.Hour, fixed: true, calls: "exchange"},
		"fixed, no expiry":  {fixed: true, calls: "exchange"},
		"fixed, refused":    {fixed: true, steps: script{expired}, calls: "exchange", kind: Login, want: "is expired"},
		"neither token":     {fixed: true, unknown: true, kind: Login, want: "has expired or was never made"},
		"same refresh":      {steps: script{tokens(200, `"expires_in": 10800`)}, calls: both, lives: 3 * time.Hour},
		"another status":    {steps: script{tokens(201, next)}, calls: both, saved: true},
		"lifetime, quoted":  {steps: script{tokens(200, `"expires_in": "10800"`)}, calls: both, lives: 3 * time.Hour},
		"lifetime, decimal": {steps: script{tokens(200, `"expires_in": 10800.0`)}, calls: both, lives: 3 * time.Hour},
		"lifetime, huge":    {steps: script{tokens(200, `"expires_in": 1e40`)}, calls: both, lives: 87600 * time.Hour},
		"lifetime, zero":    {steps: script{tokens(200, `"expires_in": 0`)}, calls: both, lives: time.Hour},
		"lifetime, invalid": {steps: script{tokens(200, `"expires_in": 1e400`)}, calls: both, lives: time.Hour},

		"no access token": {steps: script{body(200, `{`+next+`}`)}, calls: "token", saved: true, kind: Login},
		"no new tokens":   {steps: script{body(200, `{"access_token": 5}`)}, calls: "token", kind: egress.Malformed},
		"lost exchange": {
			steps: script{renewed, body(502, "<html>")}, calls: both, saved: true, kind: openapi.Temporary,
		},
		"new token quoted": {
			steps: script{
				body(200, `{"access_token": "`+secret+`"}`),
				body(401, `{"error": "invalid_token", "error_description": "`+secret+`"}`),
			},
			calls: both, kind: openapi.Rejected,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := oauthTokens{Access: castest.OAuthAccessToken, Refresh: castest.OAuthRefreshToken + rand.Text()}
			if test.holds != 0 {
				p.Expire = time.Now().Add(test.holds).Unix()
			}
			if test.fixed {
				p.Refresh = ""
			}
			if test.unknown {
				p.Access = ""
			}
			const fields = signIn + `"oauth_refresh_token": %q, "oauth_access_token": %q, "oauth_access_token_expire": %d`
			path := config(t, fmt.Sprintf(fields, p.Refresh, p.Access, p.Expire))
			shared.Script("oauth", test.steps...)
			before := len(shared.Calls())
			_, c, err := fetch(t, Config{Source: Profile{File: path}}, secret)
			switch {
			case test.kind != "":
				failed(t, err, test.kind, test.want)
			case err != nil:
				t.Error(err)
			default:
				isIssued(t, shared, c)
			}
			var calls []string
			for _, call := range shared.Calls()[before:] {
				calls = append(calls, strings.TrimPrefix(call.Action, "/v1/"))
			}
			if got := strings.Join(calls, " "); got != test.calls {
				t.Errorf("got calls %q, want %q", got, test.calls)
			}
			content, parsed := parsedConfig(t, path)
			want := p.Refresh
			if test.saved {
				want = "next"
			}
			if got := parsed.Refresh; got != want {
				t.Errorf("got refresh token %s, want %s", got, want)
			}
			lives := time.Until(time.Unix(parsed.Expire, 0))
			if test.lives > 0 && (lives-test.lives).Abs() > time.Minute {
				t.Errorf("got an access token for %s, want one for %s", lives, test.lives)
			}
			if strings.HasSuffix(content, " ") {
				t.Error("got blanks at the end of the file, want none")
			}
		})
	}
}

// Other tools take no lock. If one of them renews at the same moment, the file has its tokens
// before long; or it never has.
func TestOAuthOfAnotherTool(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		saved, took time.Duration
		kind        egress.Kind
	}{
		"saved before":   {},
		"saved later":    {saved: 2500 * time.Millisecond, took: 3 * time.Second},
		"saved too late": {saved: time.Minute, took: 5 * time.Second, kind: Login},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := config(t, renewing("old"))
			synctest.Test(t, func(t *testing.T) {
				transport := roundTripper(func(req *http.Request) (*http.Response, error) {
					if req.URL.Path == "/v1/exchange" && req.Header.Get("Authorization") == "Bearer theirs" {
						return respond(req, 200, issuedBody)
					}
					save := func() {
						_ = os.WriteFile(path, []byte(`{"profiles": [{"name": "p", "mode": "OAuth", "oauth_site_type": "CN", `+
							`"oauth_refresh_token": "new", "oauth_access_token": "theirs"}]}`), 0o600)
					}
					if test.saved == 0 {
						save()
					} else {
						time.AfterFunc(test.saved, save)
					}
					return respond(req, 400, `{"error": "invalid_grant"}`)
				})
				started := time.Now()
				_, c, err := fetch(t, Config{Source: Profile{File: path}, Transport: transport})
				if took := time.Since(started); took != test.took {
					t.Errorf("got a result after %s, want one after %s", took, test.took)
				}
				if test.kind != "" {
					failed(t, err, test.kind, "can't be renewed")
				} else if err != nil || c.AccessKeyID != "a" {
					t.Errorf("got %v, %v, want the credentials for the other tool's token", c, err)
				}
			})
		})
	}
}

// A sign-in that can't be saved is lost for the next run.
func TestOAuthWarnsOfASignInThatIsNotSaved(t *testing.T) { //nolint:paralleltest // shared is scripted
	path := config(t, renewing(castest.OAuthRefreshToken+rand.Text()))
	shared.Script("oauth", func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile(path, []byte(`{"profiles": [{"name": "another"}]}`), 0o600); err != nil {
			t.Error(err)
		}
		castest.Body(200, "application/json", `{"access_token": "`+castest.OAuthAccessToken+`", `+
			`"refresh_token": "`+castest.OAuthRefreshToken+`-next", "expires_in": 10800}`)(w, r)
	})
	logger, lines := logged()
	c, err := New(Config{Transport: isolated, Source: Profile{File: path}, Logger: logger}).Get(t.Context())
	must(t, err)
	isIssued(t, shared, c)
	for _, want := range []string{
		"level=WARN", "the next run needs a new sign-in", "aliyun configure --mode OAuth --oauth-site-type CN --profile p",
	} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("got no %q in the log, want it there:\n%s", want, lines)
		}
	}
	noSecrets(t, lines.String(), castest.OAuthAccessToken, castest.OAuthRefreshToken)
}

// Terraform starts a process for each provider block, and the refresh token works once.
func TestOAuthRefreshTokenIsUsedOnce(t *testing.T) {
	t.Parallel()
	refresh := castest.OAuthRefreshToken + rand.Text()
	path := config(t, renewing(refresh))
	link := filepath.Join(t.TempDir(), "link.json")
	err := os.Symlink(path, link)
	if _, unusable := os.Stat(link); errors.Join(err, unusable) != nil {
		link = path // as on Windows, where not every user may make one
	}
	var processes sync.WaitGroup
	for at := range 6 {
		processes.Go(func() {
			if _, _, err := fetch(t, Config{Source: Profile{File: []string{path, link}[at%2]}}); err != nil {
				t.Error(err)
			}
		})
	}
	processes.Wait()
	if info, err := os.Stat(path + ".lock"); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("got lock %v, %v, want one that all may read", info, err)
	}
	if n := spent(refresh); n != 1 {
		t.Errorf("got %d refresh tokens used, want 1", n)
	}
}

// A renewal that waits for the lock has requested nothing yet, so neither a reader that gives up
// nor the end of the process waits for it.
func TestHeldLockKeepsTheRefreshToken(t *testing.T) {
	t.Parallel()
	refresh := castest.OAuthRefreshToken + rand.Text()
	path := config(t, renewing(refresh))
	held := flock.New(path + ".lock")
	must(t, held.Lock())
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Source: Profile{File: path}})
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if _, err := s.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
		started := time.Now()
		if s.Close(); time.Since(started) != 0 {
			t.Errorf("got the end after %s, want it at once", time.Since(started))
		}
	})
	if n := spent(refresh); n > 0 {
		t.Errorf("got the refresh token used %d times without the lock, want it kept", n)
	}
	must(t, held.Unlock())
	fetched(t, Config{Source: Profile{File: path}})
}

// spent returns how many requests had a refresh token, or one that was given for it.
func spent(refresh string) (n int) {
	for _, call := range shared.Calls() {
		if strings.HasPrefix(call.Token, refresh) {
			n++
		}
	}
	return n
}
