package credential

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

func TestOAuthKeepsTheNewRefreshToken(t *testing.T) {
	t.Parallel()
	refresh := castest.OAuthRefreshToken + rand.Text()
	path := config(t, `"name": "other", "mode": "AK", "unknown": {"n": 12345678901234567890}`,
		`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "output_format": "json", "url": "<&>", `+
			`"oauth_refresh_token": "`+refresh+`"`)
	_, c, err := fetch(t, Config{Source: Profile{File: path}})
	if err != nil {
		t.Fatal(err)
	}
	isIssued(t, shared, c)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseCLIFile(content)
	if err != nil {
		t.Fatal(err)
	}
	p := parsed.Profiles[1]
	if want := refresh + "-next"; p.OAuthRefreshToken != want {
		t.Errorf("got refresh token %s, want %s", p.OAuthRefreshToken, want)
	}
	if want := castest.OAuthAccessToken; p.OAuthAccessToken != want {
		t.Errorf("got access token %s, want %s", p.OAuthAccessToken, want)
	}
	if now := time.Now().Unix(); p.OAuthAccessTokenExpire <= now {
		t.Errorf("got an access token that expires at %d, want one that expires after %d", p.OAuthAccessTokenExpire, now)
	}
	for _, kept := range []string{`"n": 12345678901234567890`, `"output_format": "json"`, `"\u003c\u0026\u003e"`, `"meta_path"`} {
		if !strings.Contains(string(content), kept) {
			t.Errorf("got no %s in the file, want it kept:\n%s", kept, content)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return e.Name() == "config.json.lock" })
	if err != nil || len(left) != 1 {
		t.Errorf("got %v, %v, want the file alone", left, err)
	}
}

// The refresh token is used up before the exchange is tried.
func TestOAuthKeepsTheNewRefreshTokenWhereTheExchangeFails(t *testing.T) { //nolint:paralleltest // shared is scripted
	refresh := castest.OAuthRefreshToken + rand.Text()
	shared.Script("oauth",
		castest.Body(200, "application/json",
			`{"access_token": "`+castest.OAuthAccessToken+`", "refresh_token": "`+refresh+`-next", "expires_in": 10800}`),
		castest.Body(502, "text/html", "<html>"))
	s, _, err := fetch(t, Config{Source: Profile{File: config(t,
		`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+refresh+`"`)}})
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != openapi.Temporary {
		t.Errorf("got %v, want kind %s", err, openapi.Temporary)
	}
	if _, err := s.Get(t.Context()); err != nil {
		t.Errorf("the next try: got %v, want credentials", err)
	}
}

// A service that doesn't say how long the new token lives has issued one all the same.
func TestOAuthTokenOfUnknownLifetime(t *testing.T) { //nolint:paralleltest // shared is scripted
	shared.Script("oauth", castest.Body(200, "application/json",
		`{"access_token": "`+castest.OAuthAccessToken+`", "refresh_token": "`+rand.Text()+`"}`))
	_, c, err := fetch(t, Config{Source: Profile{File: config(t,
		`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+castest.OAuthRefreshToken+rand.Text()+`"`)}})
	if err != nil {
		t.Fatal(err)
	}
	isIssued(t, shared, c)
}

// A service that quotes the token which it has just issued doesn't get it into the error.
func TestOAuthQuotesNoNewToken(t *testing.T) { //nolint:paralleltest // shared is scripted
	const access = "new-access-token-0123456789"
	shared.Script("oauth",
		castest.Body(200, "application/json", `{"access_token": "`+access+`", "refresh_token": "`+rand.Text()+`", "expires_in": 10800}`),
		castest.Body(401, "application/json", `{"error": "invalid_token", "error_description": "unknown: `+access+`"}`))
	_, _, err := fetch(t, Config{Source: Profile{File: config(t,
		`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+castest.OAuthRefreshToken+rand.Text()+`"`)}})
	if err == nil {
		t.Fatal("got no error, want one")
	}
	if strings.Contains(err.Error(), access) {
		t.Errorf("got an error that quotes the token, want it left out: %v", err)
	}
}

// A sign-in that can't be saved is lost for the next run.
func TestOAuthWarnsOfASignInThatIsNotSaved(t *testing.T) { //nolint:paralleltest // shared is scripted
	path := config(t,
		`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+castest.OAuthRefreshToken+rand.Text()+`"`)
	shared.Script("oauth", func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile(path, []byte(`{"profiles": [{"name": "another"}]}`), 0o600); err != nil {
			t.Error(err)
		}
		castest.Body(200, "application/json", `{"access_token": "`+castest.OAuthAccessToken+`", `+
			`"refresh_token": "`+castest.OAuthRefreshToken+`-next", "expires_in": 10800}`)(w, r)
	})
	logger, lines := logged()
	c, err := New(Config{Source: Profile{File: path}, Logger: logger}).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
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
	path := config(t, `"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+refresh+`"`)
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
	spent := 0
	for _, call := range shared.Calls() {
		if strings.HasPrefix(call.Token, refresh) {
			spent++
		}
	}
	if spent != 1 {
		t.Errorf("got %d refresh tokens spent, want 1", spent)
	}
}

// A process that hangs with the lock doesn't hold up a reader that gives up.
func TestOAuthLockHoldsUpNobody(t *testing.T) {
	t.Parallel()
	refresh := castest.OAuthRefreshToken + rand.Text()
	path := config(t, `"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+refresh+`"`)
	held := flock.New(path + ".lock")
	if err := held.Lock(); err != nil {
		t.Fatal(err)
	}
	s := New(Config{Source: Profile{File: path}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancelled context's error", err)
	}
	if slices.ContainsFunc(shared.Calls(), func(call castest.Issue) bool { return call.Token == refresh }) {
		t.Error("got the refresh token spent while another process had the lock, want it kept")
	}
	if err := held.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context()); err != nil {
		t.Errorf("the next reader: got %v, want credentials", err)
	}
}

// Where the file can't be locked, credentials are fetched without.
func TestOAuthWithoutALock(t *testing.T) {
	t.Parallel()
	path := config(t,
		`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+castest.OAuthRefreshToken+rand.Text()+`"`)
	if err := os.Mkdir(path+".lock", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fetch(t, Config{Source: Profile{File: path}}); err != nil {
		t.Error(err)
	}
}
