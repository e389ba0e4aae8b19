package credential

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// config writes a CLI configuration of these profiles, each a JSON object's inside.
func config(t *testing.T, profiles ...string) string {
	t.Helper()
	return file(t, "config.json", `{"current": "p", "meta_path": "", "profiles": [{`+strings.Join(profiles, "}, {")+`}]}`)
}

func jsonString(s string) string { return strconv.Quote(s) }

var inTwoHours = strconv.FormatInt(time.Now().Add(2*time.Hour).Unix(), 10)

var ak = `"access_key_id": "` + castest.DefaultKey.AccessKeyID + `", "access_key_secret": "` + castest.DefaultKey.AccessKeySecret + `"`

func TestProfileModes(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	i.AddKey(castest.Key{AccessKeyID: "STS.NTexampleexample", AccessKeySecret: "temporary-secret", SecurityToken: "CAIS+/=="})
	command := jsonString(os.Args[0] + ` external-command print '{"mode": "StsToken", "access_key_id": "STS.NTexternalexternal", "access_key_secret": "external-secret", "sts_token": "external-token", "expiration": "2999-01-01T00:00:00Z"}'`)
	sts, role := Config{STSEndpoint: i.STSEndpoint()}, `"ram_role_arn": "`+testRole+`", "ram_session_name": "cli"`
	for name, test := range map[string]struct {
		cfg      Config
		profiles []string
		from     *castest.Issuer // else static, with the ID:
		id       string
		host     string
	}{
		"AK":                  {profiles: []string{`"mode": "AK", ` + ak}, id: castest.DefaultKey.AccessKeyID},
		"AK, other case":      {profiles: []string{`"mode": "ak", ` + ak}, id: castest.DefaultKey.AccessKeyID},
		"StsToken":            {profiles: []string{`"mode": "StsToken", "access_key_id": "STS.NTexampleexample", "access_key_secret": "temporary-secret", "sts_token": "CAIS+/=="`}, id: "STS.NTexampleexample"},
		"RamRoleArn":          {sts, []string{`"mode": "RamRoleArn", ` + ak + `, ` + role}, i, "", ""},
		"RamRoleArn, region":  {Config{}, []string{`"mode": "RamRoleArn", "sts_region": "cn-shanghai", ` + ak + `, ` + role}, shared, "", "sts.cn-shanghai.aliyuncs.com"},
		"RamRoleArn, VPC":     {Config{}, []string{`"mode": "RamRoleArn", "sts_region": "cn-shanghai", "enable_vpc": true, ` + ak + `, ` + role}, shared, "", "sts-vpc.cn-shanghai.aliyuncs.com"},
		"RamRoleArn, default": {Config{}, []string{`"mode": "RamRoleArn", ` + ak + `, ` + role}, shared, "", "sts.aliyuncs.com"},
		"ChainableRamRoleArn": {sts, []string{`"mode": "ChainableRamRoleArn", "source_profile": "q", ` + role, `"name": "q", "mode": "ChainableRamRoleArn", "source_profile": "r", ` + role, `"name": "r", "mode": "AK", ` + ak}, i, "", ""},
		"EcsRamRole":          {Config{}, []string{`"mode": "EcsRamRole", "ram_role_name": "` + castest.MetadataRole + `"`}, shared, "", "100.100.100.200"},
		"EcsRamRole, unnamed": {Config{}, []string{`"mode": "EcsRamRole"`}, shared, "", "100.100.100.200"},
		"OIDC":                {sts, []string{`"mode": "OIDC", "oidc_provider_arn": "` + testProvider + `", "oidc_token_file": ` + jsonString(file(t, "token", castest.OIDCToken)) + `, ` + role}, i, "", ""},
		"CredentialsURI":      {Config{}, []string{`"mode": "CredentialsURI", "credentials_uri": "` + i.CredentialsURI() + `"`}, i, "", ""},
		"CloudSSO":            {Config{}, []string{`"mode": "CloudSSO", "cloud_sso_sign_in_url": "` + i.SignInURL() + `", "cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "ac-1", "access_token": "` + castest.SSOAccessToken + `", "cloud_sso_access_token_expire": ` + inTwoHours}, i, "", ""},
		"OAuth":               {Config{}, []string{`"mode": "OAuth", "oauth_site_type": "CN", "oauth_access_token": "` + castest.OAuthAccessToken + `", "oauth_refresh_token": "` + castest.OAuthRefreshToken + `", "oauth_access_token_expire": ` + inTwoHours}, shared, "", "oauth.aliyun.com"},
		"OAuth, abroad":       {Config{}, []string{`"mode": "OAuth", "oauth_site_type": "INTL", "oauth_access_token": "` + castest.OAuthAccessToken + `", "oauth_access_token_expire": ` + inTwoHours}, shared, "", "oauth.alibabacloud.com"},
		"External":            {profiles: []string{`"mode": "External", "process_command": ` + command}, id: "STS.NTexternalexternal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := test.cfg
			cfg.SharedCredentialsFile = config(t, append([]string{`"name": "p", ` + test.profiles[0]}, test.profiles[1:]...)...)
			before, err := os.ReadFile(cfg.SharedCredentialsFile)
			if err != nil {
				t.Fatal(err)
			}
			s, c, err := fetch(t, cfg, "temporary-secret", "CAIS+/==", "external-secret", "external-token")
			if err != nil {
				t.Fatal(err)
			}
			if want := "profile p of " + cfg.SharedCredentialsFile; s.String() != want {
				t.Errorf("source %q, want %q", s, want)
			}
			if test.from == nil {
				if c.AccessKeyID != test.id {
					t.Errorf("access key ID %s, want %s", c.AccessKeyID, test.id)
				}
			} else {
				issued(t, test.from, c)
				if test.host != "" && !slices.ContainsFunc(test.from.Calls(), func(call castest.Issue) bool { return call.Host == test.host }) {
					t.Errorf("%s wasn't asked", test.host)
				}
			}
			if after, err := os.ReadFile(cfg.SharedCredentialsFile); err != nil || string(after) != string(before) {
				t.Errorf("the CLI's file was changed: %v", err)
			}
		})
	}
}

func TestOAuthKeepsTheNewRefreshToken(t *testing.T) {
	t.Parallel()
	refresh := castest.OAuthRefreshToken + rand.Text()
	path := config(t, `"name": "other", "mode": "AK", "unknown": {"n": 12345678901234567890}`,
		`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "output_format": "json", "url": "<&>", "oauth_refresh_token": "`+refresh+`"`)
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	_, c, err := fetch(t, Config{SharedCredentialsFile: link})
	if err != nil {
		t.Fatal(err)
	}
	issued(t, shared, c)
	content, err := os.ReadFile(link)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseCLIFile(path, content)
	if err != nil {
		t.Fatal(err)
	}
	p := parsed.Profiles[1]
	if p.OAuthRefreshToken != refresh+"-next" || p.OAuthAccessToken != castest.OAuthAccessToken || p.OAuthAccessTokenExpire <= time.Now().Unix() {
		t.Error("the new tokens weren't kept")
	}
	for _, kept := range []string{`"n": 12345678901234567890`, `"output_format": "json"`, `"<&>"`, `"meta_path"`} {
		if !strings.Contains(string(content), kept) {
			t.Errorf("%s is gone", kept)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return e.Name() == "config.json.lock" })
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The refresh token is used up before the exchange is tried.
func TestOAuthKeepsTheNewRefreshTokenWhereTheExchangeFails(t *testing.T) { //nolint:paralleltest // shared is scripted
	refresh := castest.OAuthRefreshToken + rand.Text()
	shared.Script("oauth",
		castest.Body(200, "application/json", `{"access_token": "`+castest.OAuthAccessToken+`", "refresh_token": "`+refresh+`-next", "expires_in": 10800}`),
		castest.Body(502, "text/html", "<html>"))
	s, _, err := fetch(t, Config{SharedCredentialsFile: config(t,
		`"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+refresh+`"`)})
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Unavailable {
		t.Errorf("got %v", err)
	}
	if _, err := s.Get(t.Context()); err != nil {
		t.Errorf("the next try: %v", err)
	}
}

// Terraform starts a process for each provider block, and the refresh token works once.
func TestOAuthRefreshTokenIsUsedOnce(t *testing.T) {
	t.Parallel()
	refresh := castest.OAuthRefreshToken + rand.Text()
	path := config(t, `"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+refresh+`"`)
	var processes sync.WaitGroup
	for range 5 {
		processes.Go(func() {
			if _, _, err := fetch(t, Config{SharedCredentialsFile: path}); err != nil {
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
		t.Errorf("refresh tokens were spent %d times, want once", spent)
	}
}

// A process that hangs with the lock doesn't hold up a reader that gives up, for whom no token is spent either.
func TestOAuthLockIsBounded(t *testing.T) {
	t.Parallel()
	refresh := castest.OAuthRefreshToken + rand.Text()
	path := config(t, `"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+refresh+`"`)
	held := flock.New(path + ".lock")
	if err := held.Lock(); err != nil {
		t.Fatal(err)
	}
	s := source(t, Config{SharedCredentialsFile: path})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s.mu.Lock()
	left := s.flight
	s.mu.Unlock()
	if left != nil {
		<-left.done
	}
	if err := held.Unlock(); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(shared.Calls(), func(call castest.Issue) bool { return call.Token == refresh }) {
		t.Error("the refresh token was spent for nobody")
	}
}

// Where the file can't be locked, credentials are fetched without.
func TestOAuthWithoutALock(t *testing.T) {
	t.Parallel()
	path := config(t, `"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "`+castest.OAuthRefreshToken+rand.Text()+`"`)
	if err := os.Mkdir(path+".lock", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fetch(t, Config{SharedCredentialsFile: path}); err != nil {
		t.Error(err)
	}
}

func TestProfileFailures(t *testing.T) {
	t.Parallel()
	const secret = "tOpSeCrEt0123456789"
	self := os.Args[0]
	for name, test := range map[string]struct {
		content string // of the file; empty for none
		profile string
		kind    Kind
		command string
		want    string
	}{
		"no file":           {"", "p", NotFound, "", "no such file"},
		"no JSON":           {`{"profiles": [{"access_key_secret": "` + secret, "p", Invalid, "", "not the CLI's configuration"},
		"not even close":    {secret, "p", Invalid, "", "not the CLI's configuration"},
		"wrong type":        {`{"profiles": [{"name": "p", "expired_seconds": "` + secret + `"}]}`, "p", Invalid, "", "expired_seconds has the wrong type"},
		"no profiles":       {`{}`, "p", NotFound, "", "has no profiles"},
		"another profile":   {`{"profiles": [{"name": "a"}, {"name": "b"}]}`, "p", NotFound, "", `no profile "p", only a, b`},
		"missing source":    {`{"profiles": [{"name": "p", "mode": "ChainableRamRoleArn", "source_profile": "q"}]}`, "p", NotFound, "", `no profile "q"`},
		"AK, half":          {`{"profiles": [{"name": "p", "mode": "AK", "access_key_secret": "` + secret + `"}]}`, "p", Invalid, "aliyun configure --mode AK --profile p", "no access key ID"},
		"StsToken, half":    {`{"profiles": [{"name": "p", "mode": "StsToken", "access_key_id": "a", "access_key_secret": "` + secret + `"}]}`, "p", Invalid, "aliyun configure --mode StsToken --profile p", "sts_token is empty"},
		"RamRoleArn, half":  {`{"profiles": [{"name": "p", "mode": "RamRoleArn", "access_key_id": "a", "access_key_secret": "` + secret + `"}]}`, "p", Invalid, "aliyun configure --mode RamRoleArn --profile p", "role ARN is empty"},
		"unknown mode":      {`{"profiles": [{"name": "p q", "mode": "BearerToken", "bearer_token": "` + secret + `"}]}`, "p q", Invalid, `aliyun configure --mode BearerToken --profile "p q"`, "isn't supported"},
		"no mode":           {`{"profiles": [{"name": "p"}]}`, "p", Invalid, "aliyun configure --profile p", "isn't supported"},
		"plain URI":         {`{"profiles": [{"name": "p", "mode": "CredentialsURI", "credentials_uri": "http://example.com/` + secret + `?a=` + secret + `"}]}`, "p", Invalid, "aliyun configure --mode CredentialsURI --profile p", "http is only allowed"},
		"CloudSSO, new":     {`{"profiles": [{"name": "p", "mode": "CloudSSO"}]}`, "p", Login, "aliyun configure --mode CloudSSO --profile p", "expired or was never made"},
		"CloudSSO, expired": {`{"profiles": [{"name": "p", "mode": "CloudSSO", "access_token": "` + secret + `", "cloud_sso_access_token_expire": 1}]}`, "p", Login, "aliyun configure --mode CloudSSO --profile p", "expired or was never made"},
		"CloudSSO, plain":   {`{"profiles": [{"name": "p", "mode": "CloudSSO", "access_token": "` + secret + `", "cloud_sso_sign_in_url": "http://example.com", "cloud_sso_access_token_expire": ` + inTwoHours + `}]}`, "p", Invalid, "aliyun configure --mode CloudSSO --profile p", "http is only allowed"},
		"CloudSSO, refused": {`{"profiles": [{"name": "p", "mode": "CloudSSO", "access_token": "` + secret + `", "cloud_sso_sign_in_url": "https://signin.example.com/x", "cloud_sso_account_id": "1", "cloud_sso_access_config": "a", "cloud_sso_access_token_expire": ` + inTwoHours + `}]}`, "p", Refused, "aliyun configure --mode CloudSSO --profile p", "InvalidAccessToken: The access token *** is invalid."},
		"OAuth, new":        {`{"profiles": [{"name": "p", "mode": "OAuth", "oauth_site_type": "CN"}]}`, "p", Login, "aliyun configure --mode OAuth --oauth-site-type CN --profile p", "expired or was never made"},
		"OAuth, no site":    {`{"profiles": [{"name": "p", "mode": "OAuth"}]}`, "p", Invalid, "aliyun configure --mode OAuth --profile p", "not CN or INTL"},
		"OAuth, refused":    {`{"profiles": [{"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_access_token": "` + secret + `", "oauth_access_token_expire": ` + inTwoHours + `}]}`, "p", Refused, "aliyun configure --mode OAuth --oauth-site-type CN --profile p", "invalid_token"},
		"OAuth, no refresh": {`{"profiles": [{"name": "p", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "` + secret + `"}]}`, "p", Login, "aliyun configure --mode OAuth --oauth-site-type CN --profile p", "the sign-in of profile p can't be renewed: HTTP 400"},
		"External, none":    {`{"profiles": [{"name": "p", "mode": "External"}]}`, "p", Invalid, "aliyun configure --mode External --profile p", "process_command: it is empty"},
		"External, absent":  {`{"profiles": [{"name": "p", "mode": "External", "process_command": "/nowhere/tool --key ` + secret + `"}]}`, "p", Invalid, "", "run /nowhere/tool"},
		"External, fails":   {`{"profiles": [{"name": "p", "mode": "External", "process_command": ` + jsonString(self+" external-command fail "+secret) + `}]}`, "p", Invalid, "", "exit status 1"},
		"External, no JSON": {`{"profiles": [{"name": "p", "mode": "External", "process_command": ` + jsonString(self+" external-command print "+secret) + `}]}`, "p", Malformed, "", "isn't a JSON object"},
		"External, half":    {`{"profiles": [{"name": "p", "mode": "External", "process_command": ` + jsonString(self+` external-command print '{"access_key_secret": "`+secret+`"}'`) + `}]}`, "p", Malformed, "", "access_key_id or access_key_secret is empty"},
		"OIDC, no file":     {`{"profiles": [{"name": "p", "mode": "OIDC", "oidc_provider_arn": "a", "ram_role_arn": "b", "oidc_token_file": "/nowhere"}]}`, "p", NotFound, "", "open /nowhere: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "absent.json")
			if test.content != "" {
				path = file(t, "config.json", test.content)
			}
			_, _, err := fetch(t, Config{Profile: test.profile, SharedCredentialsFile: path}, secret)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if e.Kind != test.kind || e.Command != test.command || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got kind %s, command %q, %v\nwant kind %s, command %q, %q", e.Kind, e.Command, err, test.kind, test.command, test.want)
			}
			if want := fmt.Sprintf("profile %s of %s", test.profile, path); e.Source != want {
				t.Errorf("source %q, want %q", e.Source, want)
			}
		})
	}
}

func TestSourceProfileCircle(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ p, q, want string }{
		"itself":  {"p", "p", "p → p"},
		"another": {"q", "p", "p → q → p"},
		"further": {"q", "q", "p → q → q"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := config(t, `"name": "p", "mode": "ChainableRamRoleArn", "source_profile": "`+test.p+`"`, `"name": "q", "mode": "ChainableRamRoleArn", "source_profile": "`+test.q+`"`)
			_, _, err := fetch(t, Config{SharedCredentialsFile: path})
			if e, ok := errors.AsType[*Error](err); !ok || e.Err.Error() != "source_profile goes round in a circle: "+test.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHomeIsExpanded(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	if err := os.WriteFile(filepath.Join(home, "mine.json"), []byte(`{"current": "p", "profiles": [{"name": "p", "mode": "AK", `+ak+`}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := fetch(t, Config{SharedCredentialsFile: "~/mine.json"})
	if err != nil || s.String() != "profile p of ~/mine.json" {
		t.Errorf("%s: %v", s, err)
	}
	for path, want := range map[string]string{"~": home, "~other/x": "~other/x", "/~/x": "/~/x", "": ""} {
		if got, err := ExpandHome(path); got != want || err != nil {
			t.Errorf("%q became %q, want %q: %v", path, got, want, err)
		}
	}
}

// Without a home directory, ~ would name a folder of the working directory, whose External command would be run.
func TestNoHome(t *testing.T) {
	t.Chdir(t.TempDir())
	external := `{"current": "p", "profiles": [{"name": "p", "mode": "External", "process_command": "touch ran"}]}`
	write(t, "~/.aliyun/config.json", external)
	write(t, "~/.alibabacloud/credentials", "[default]\ntype = access_key\naccess_key_id = a\naccess_key_secret = b\n")
	write(t, "~/token", castest.OIDCToken)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	for _, homeless := range []string{"", "relative"} {
		t.Setenv("HOME", homeless)
		t.Setenv("USERPROFILE", homeless)
		for name, cfg := range map[string]Config{
			"chain":   {},
			"profile": {Profile: "p"},
			"file":    {SharedCredentialsFile: "~/.aliyun/config.json"},
			"OIDC":    {OIDC: &OIDC{ProviderARN: testProvider, RoleARN: testRole, TokenFile: "~/token"}},
		} {
			_, _, err := fetch(t, cfg)
			if e, ok := errors.AsType[*Error](err); !ok || e.Kind != NotFound || !strings.Contains(err.Error(), "no home directory is known") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	if _, err := os.Stat("ran"); err == nil {
		t.Error("a command of the working directory was run")
	}
}

// The library's own profile type is what these files are written for.
func FuzzParseCLIFile(f *testing.F) {
	f.Add([]byte(`{"current": "p", "profiles": [{"name": "p", "mode": "ChainableRamRoleArn", "source_profile": "p"}]}`))
	f.Add([]byte(`{"profiles": [null, {"name": 5}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		const secret = "tOpSeCrEt0123456789"
		content = append(content, secret...)
		parsed, err := parseCLIFile("config.json", content)
		if err == nil {
			for _, p := range parsed.Profiles {
				if _, err = parsed.fetcher(p.Name, nil); err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("%s", err)
				}
			}
			return
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s", err)
		}
		if json.Valid(content) && errors.Is(err, os.ErrNotExist) {
			t.Error("a file that was read isn't absent")
		}
	})
}
