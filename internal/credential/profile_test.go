package credential

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// config writes the CLI's file with profile p, which is the current one, behind others. Each is a
// JSON object's inside.
func config(t *testing.T, p string, others ...string) string {
	t.Helper()
	profiles := strings.Join(append(others, `"name": "p", `+p), "}, {")
	return file(t, "config.json", `{"current": "p", "meta_path": "", "profiles": [{`+profiles+`}]}`)
}

// inFile returns a source that is such a profile.
func inFile(t *testing.T, p string, others ...string) Profile {
	t.Helper()
	return Profile{File: config(t, p, others...)}
}

// signIn is what an OAuth profile begins with.
const signIn = `"mode": "OAuth", "oauth_site_type": "CN", `

// chained is a profile that needs another one.
func chained(source string) string {
	return `"mode": "ChainableRamRoleArn", "source_profile": "` + source + `"`
}

// running is an External profile, whose command is this test's binary.
func running(command string) string {
	return `"mode": "External", "process_command": ` + strconv.Quote(os.Args[0]+" external-command "+command)
}

// renewing and accessing are OAuth profiles with one token: a refresh token, or an access token
// that holds.
func renewing(refresh string) string { return signIn + `"oauth_refresh_token": "` + refresh + `"` }

func accessing(token string) string {
	return signIn + `"oauth_access_token": "` + token + `", "oauth_access_token_expire": ` + inTwoHours
}

var inTwoHours = strconv.FormatInt(time.Now().Add(2*time.Hour).Unix(), 10)

var ak = `"access_key_id": "` + keys().ID + `", "access_key_secret": "` + keys().Secret + `"`

func TestProfileModes(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	i.AddKey(temporary)
	sts := `"access_key_id": "STS.NTexampleexample", "access_key_secret": "temporary-secret", "sts_token": "CAIS+/=="`
	command := `"process_command": ` + strconv.Quote(os.Args[0]+` external-command print '{"mode": "StsToken", `+
		`"access_key_id": "STS.NTexternalexternal", "access_key_secret": "external-secret", "sts_token": "external-token", `+
		`"expiration": "2999-01-01T00:00:00Z"}'`)
	role := `"ram_role_arn": "` + testRole + `", "ram_session_name": "cli"`
	at := `, "sts_endpoint": "https://` + i.STSEndpoint() + `/", "sts_region": "cn-shanghai"`
	oauth := `, "oauth_access_token": "` + castest.OAuthAccessToken + `", "oauth_access_token_expire": ` + inTwoHours
	metadata, plain := "100.100.100.200", strings.TrimPrefix(i.ProxyURL(), "http://")
	tests := map[string]struct {
		profile string          // and further ones
		from    *castest.Issuer // nil for a key that is given as it is
		want    string          // the host that is requested, or the ID of that key
	}{
		"AK":                 {`"mode": "AK", ` + ak, nil, castest.DefaultKey.AccessKeyID},
		"AK, other case":     {`"mode": "ak", ` + ak, nil, castest.DefaultKey.AccessKeyID},
		"StsToken":           {`"mode": "StsToken", ` + sts, nil, temporary.AccessKeyID},
		"RamRoleArn":         {`"mode": "RamRoleArn", ` + ak + `, ` + role + at, i, i.STSEndpoint()},
		"RamRoleArn, region": {`"mode": "RamRoleArn", "sts_region": "r", ` + ak + `, ` + role, shared, "sts.r.aliyuncs.com"},
		"RamRoleArn, VPC": {
			`"mode": "RamRoleArn", "sts_region": "r", "enable_vpc": true, ` + ak + `, ` + role,
			shared, "sts-vpc.r.aliyuncs.com",
		},
		"RamRoleArn, temporary": {`"mode": "RamRoleArn", ` + sts + `, ` + role + at, i, i.STSEndpoint()},
		"no mode, token":        {sts, nil, temporary.AccessKeyID},
		"no mode, role":         {ak + `, ` + role + at, i, i.STSEndpoint()},
		"no mode, ECS":          {`"ram_role_name": "` + castest.MetadataRole + `"`, shared, metadata},
		"no mode, CloudSSO": {
			strings.TrimPrefix(cloudSSO(i.SignInURL()), `"mode": "CloudSSO", `) + `, "oidc_provider_arn": "a"`,
			i, i.STSEndpoint(),
		},
		"no mode, External": {command, nil, "STS.NTexternalexternal"},
		"ChainableRamRoleArn": {
			chained("q") + `, ` + role + at + `}, {"name": "q", ` + chained("r") + `, ` + role + at +
				`}, {"name": "r", "mode": "AK", ` + ak,
			i, i.STSEndpoint(),
		},
		"EcsRamRole":          {`"mode": "EcsRamRole", "ram_role_name": "` + castest.MetadataRole + `"`, shared, metadata},
		"EcsRamRole, unnamed": {`"mode": "EcsRamRole"`, shared, metadata},
		"RamRoleArnWithRoleName": {
			`"mode": "RamRoleArnWithRoleName", "ram_role_name": "` + castest.MetadataRole + `", "sts_region": "ecs", ` + role,
			shared, "sts.ecs.aliyuncs.com",
		},
		"OIDC": {
			`"mode": "OIDC", "oidc_provider_arn": "` + testProvider + `", ` + role + at + `, "oidc_token_file": ` +
				strconv.Quote(file(t, "token", castest.OIDCToken)),
			i, i.STSEndpoint(),
		},
		"CredentialsURI":  {`"mode": "CredentialsURI", "credentials_uri": "` + i.CredentialsURI() + `"`, i, plain},
		"CloudSSO":        {cloudSSO(i.SignInURL()), i, i.STSEndpoint()},
		"CloudSSO, plain": {cloudSSO(i.ProxyURL()), i, plain},
		"OAuth":           {`"mode": "OAuth", "oauth_site_type": "CN"` + oauth, shared, "oauth.aliyun.com"},
		"OAuth, abroad":   {`"mode": "OAuth", "oauth_site_type": "INTL"` + oauth, shared, "oauth.alibabacloud.com"},
		"External":        {`"mode": "External", ` + command, nil, "STS.NTexternalexternal"},
	}
	guide, err := os.ReadFile("../../templates/guides/authentication.md.tmpl")
	must(t, err)
	_, list, _ := strings.Cut(string(guide), "A profile can have any mode that gives keys: ")
	list, _, _ = strings.Cut(list, ".\n")
	listed := strings.FieldsFunc(list, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, m := range (profile{}).modes() {
		if _, ok := tests[m.name]; !ok || !slices.Contains(listed, m.name) {
			t.Errorf("got no case of mode %s, or not in the authentication guide's list, want both", m.name)
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := config(t, test.profile)
			before, err := os.ReadFile(path)
			must(t, err)
			secrets := []string{"temporary-secret", "CAIS+/==", "external-secret", "external-token"}
			s, c := fetched(t, Config{Source: Profile{File: path}}, secrets...)
			if want := "profile p of " + path; s.String() != want {
				t.Errorf("got source %q, want %q", s, want)
			}
			if test.from == nil {
				if c.AccessKeyID != test.want {
					t.Errorf("got access key ID %s, want %s", c.AccessKeyID, test.want)
				}
			} else {
				isIssued(t, test.from, c)
				if !slices.ContainsFunc(test.from.Calls(), func(call castest.Issue) bool { return call.Host == test.want }) {
					t.Errorf("got no request to %s, want one", test.want)
				}
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("got the CLI's file changed, want it kept: %v", err)
			}
		})
	}
}

// A profile that is set up but broken ends the search of the default chain, too: what is in the INI
// file would be another identity.
func TestProfileFailures(t *testing.T) {
	t.Parallel()
	const secret = "tOpSeCrEt0123456789"
	ini := file(t, "ini", iniOf("default", "access_key", "someone"))
	const chains = "--mode ChainableRamRoleArn"
	// A key that could be used, but for what else is missing.
	const half = `"access_key_id": "a", "access_key_secret": "` + secret + `"`
	for name, test := range map[string]struct {
		inside string // of the profile
		kind   egress.Kind
		flags  string // of the command to run, if there is one
		want   string
	}{
		"Anonymous":   {`"mode": "Anonymous"`, Invalid, "", "isn't supported"},
		"BearerToken": {`"mode": "BearerToken", "bearer_token": "` + secret + `"`, Invalid, "", "isn't supported"},
		"RsaKeyPair": {
			`"mode": "RsaKeyPair", "private_key": "` + secret + `"`,
			Invalid, "", `its mode "RsaKeyPair" isn't supported, only AK, StsToken,`,
		},
		"External, with a variable": {
			`"mode": "External", "process_command": "VAULT_TOKEN=` + secret + ` tool"`,
			Invalid, "--mode External", "process_command: it begins with VAULT_TOKEN=…, but there is no shell",
		},
		"RamRoleArn, short session": {
			`"mode": "RamRoleArn", ` + half + `, "ram_role_arn": "r", "expired_seconds": 899`,
			Invalid, "--mode RamRoleArn", "a session of 899 seconds is too short: STS allows 900 and more",
		},
		"missing source":     {chained("q"), NotFound, "", `no profile "q"`},
		"cycle, itself":      {chained("p"), Invalid, chains, "source_profile has a cycle: p → p"},
		"cycle, another":     {chained("q") + `}, {"name": "q", ` + chained("p"), Invalid, chains, "a cycle: p → q → p"},
		"cycle, further":     {chained("q") + `}, {"name": "q", ` + chained("q"), Invalid, chains, "a cycle: p → q → q"},
		"AK, half":           {`"mode": "AK", "access_key_secret": "` + secret + `"`, Invalid, "--mode AK", "no access key"},
		"StsToken, half":     {`"mode": "StsToken", ` + half, Invalid, "--mode StsToken", "there is no security token"},
		"RamRoleArn, half":   {`"mode": "RamRoleArn", ` + half, Invalid, "--mode RamRoleArn", "role ARN is empty"},
		"RamRoleArn, no key": {`"mode": "RamRoleArn", "ram_role_arn": "r"`, Invalid, "--mode RamRoleArn", "no access key"},
		"source, no token": {
			chained("q") + `}, {"name": "q", "mode": "StsToken", ` + half, Invalid, "--mode StsToken", "no security token",
		},
		"URI, unreachable": {
			`"mode": "CredentialsURI", "credentials_uri": "http://127.0.0.1:1"`, egress.Refused, "", "connection refused",
		},
		"External, off": {
			`"mode": "External", "process_command": "/nowhere/tool"`,
			Invalid, "--mode External", "switched off by NO_EXTERNAL",
		},
		"URI, off": {
			`"mode": "CredentialsURI", "credentials_uri": "http://127.0.0.1:1"`,
			Invalid, "--mode CredentialsURI", "switched off by NO_EXTERNAL",
		},
		"STS elsewhere": {
			`"mode": "RamRoleArn", ` + half + `, "ram_role_arn": "r", "sts_endpoint": "evil.example/x"`,
			Invalid, "--mode RamRoleArn", "the endpoint of STS isn't a host name",
		},
		"plain URI": {
			`"mode": "CredentialsURI", "credentials_uri": "http://example.com/` + secret + `?a=` + secret + `"`,
			Invalid, "--mode CredentialsURI", "http is only allowed",
		},
		"EcsRamRole, other": {`"mode": "EcsRamRole", "ram_role_name": "other"`, NotFound, "", "no RAM role other"},
		"CloudSSO, new":     {`"mode": "CloudSSO"`, Login, "--mode CloudSSO", "expired or was never made"},
		"CloudSSO, expired": {
			`"mode": "CloudSSO", "access_token": "` + secret + `", "cloud_sso_access_token_expire": 1`,
			Login, "--mode CloudSSO", "expired or was never made",
		},
		"CloudSSO, plain": {
			`"mode": "CloudSSO", "access_token": "` + secret + `", ` +
				`"cloud_sso_sign_in_url": "http://example.com", "cloud_sso_access_token_expire": ` + inTwoHours,
			Invalid, "--mode CloudSSO", "http is only allowed",
		},
		"CloudSSO, refused": {
			`"mode": "CloudSSO", "access_token": "` + secret + `", ` +
				`"cloud_sso_sign_in_url": "https://signin.example.com/x", "cloud_sso_account_id": "1", ` +
				`"cloud_sso_access_config": "a", "cloud_sso_access_token_expire": ` + inTwoHours,
			openapi.Rejected, "--mode CloudSSO", "InvalidAccessToken: The access token [redacted] is invalid.",
		},
		"CloudSSO, no account": {
			`"mode": "CloudSSO", "cloud_sso_sign_in_url": "https://sso.test", ` +
				`"access_token": "` + secret + `", "cloud_sso_access_token_expire": ` + inTwoHours,
			Invalid, "--mode CloudSSO", "cloud_sso_account_id or cloud_sso_access_config is empty",
		},
		"CloudSSO, no token": {
			strings.Replace(cloudSSO("https://signin.test"), castest.SSOAccessToken, secret+`\n`, 1),
			NotAKey, "", "its access token begins or ends with white space",
		},
		"OAuth, new": {
			`"mode": "OAuth", "oauth_site_type": "CN"`,
			Login, "--mode OAuth --oauth-site-type CN", "expired or was never made",
		},
		"OAuth, no site": {`"mode": "OAuth"`, Invalid, "--mode OAuth", "not CN or INTL"},
		"OAuth, refused": {accessing(secret), openapi.Rejected, "--mode OAuth --oauth-site-type CN", "invalid_token"},
		"OAuth, no refresh": {
			renewing(secret),
			Login, "--mode OAuth --oauth-site-type CN", "the sign-in of profile p can't be renewed: it returned invalid_grant",
		},
		"External, none": {`"mode": "External"`, Invalid, "--mode External", "process_command: it is empty"},
		"External, absent": {
			`"mode": "External", "process_command": "/nowhere/tool --key ` + secret + `"`,
			NotFound, "", "run /nowhere/tool",
		},
		"External, not in PATH": {
			`"mode": "External", "process_command": "no-such-tool-anywhere --key ` + secret + `"`,
			NotFound, "", "run no-such-tool-anywhere",
		},
		"External, fails":   {running("fail " + secret), Invalid, "--mode External", "exit status 1"},
		"External, no JSON": {running("print " + secret), egress.Malformed, "", "isn't a JSON object"},
		"External, half": {
			running(`print '{"access_key_secret": "` + secret + `"}'`),
			egress.Malformed, "", "its response has no access key ID",
		},
		"External, expired": {
			running(`print '{"access_key_id": "a", "access_key_secret": "b", "expiration": "2020-01-01T00:00:00Z"}'`),
			Invalid, "", "the session that it gave expired at 2020-01-01T00:00:00Z by this machine's clock",
		},
		"External, other mode": {
			running(`print '{"mode": "RamRoleArn", ` + half + `}'`),
			Invalid, "--mode External", `its mode is "RamRoleArn"; only AK and StsToken are supported`,
		},
		"OIDC, no file": {
			`"mode": "OIDC", "oidc_provider_arn": "a", "ram_role_arn": "b", "oidc_token_file": "/nowhere"`,
			NotFound, "", "read OIDC token file: no file /nowhere",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := Default{Files: Files{CLI: config(t, test.inside), INI: ini}}
			if strings.HasSuffix(name, ", off") {
				source.NoExternal = "NO_EXTERNAL"
			}
			e := fails(t, Config{Source: source}, test.kind, test.want, secret)
			if test.flags != "" {
				test.flags = "aliyun configure " + test.flags + " --profile "
			}
			if got := strings.TrimRight(e.Command, "pq"); got != test.flags {
				t.Errorf("got command %q, want %q", got, test.flags)
			}
			if want := "profile p of " + source.CLI; e.Source != want {
				t.Errorf("got source %q, want %q", e.Source, want)
			}
		})
	}
}

func TestFileOfProfilesFailures(t *testing.T) {
	t.Parallel()
	const secret = "tOpSeCrEt0123456789"
	for name, test := range map[string]struct {
		content string
		kind    egress.Kind
		want    string
	}{
		"no JSON": {`{"profiles": [{"access_key_secret": "` + secret, Invalid, "not the CLI's configuration"},
		"wrong type": {
			`{"profiles": [{"name": "q", "expired_seconds": "` + secret + `"}]}`,
			Invalid, "not the CLI's configuration: profile q: expired_seconds has the wrong type",
		},
		"wrong type, name":    {`{"profiles": [{"name": ["` + secret + `"]}]}`, Invalid, "name: name has the wrong type"},
		"wrong type, profile": {`{"profiles": ["` + secret + `"]}`, Invalid, "without a name: it has the wrong type"},
		"wrong type, all":     {`{"profiles": "` + secret + `"}`, Invalid, "profiles has the wrong type"},
		"no profiles":         {`{}`, NotFound, "has no profiles"},
		"another profile":     {`{"profiles": [{"name": "a"}, {"name": "b"}]}`, NotFound, `no profile "p", only a, b`},
	} {
		fails(t, Config{Source: Profile{Name: "p", File: file(t, name, test.content)}}, test.kind, test.want, secret)
	}
}

// A secret that was pasted into the wrong field doesn't get into the command that is suggested.
func TestConfigureQuotesNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "SuperSecretKey0123456789abcdef"
	for want, p := range map[string]profile{
		"aliyun configure --mode AK --profile 'p q'": {Name: "p q"},
		"": {Name: "p", Mode: secret},
		"aliyun configure --mode OAuth --profile p":                        {Name: "p", Mode: "OAuth", OAuthSite: secret},
		"aliyun configure --mode CloudSSO --profile p":                     {Name: "p", Mode: "CloudSSO", OAuthSite: "CN"},
		"aliyun configure --mode OAuth --oauth-site-type INTL --profile p": {Name: "p", Mode: "OAuth", OAuthSite: "intl"},
	} {
		if got := p.configure(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Variables complete the profile in use, and no other; a profile's own fields come before them.
func TestProfileIsCompleted(t *testing.T) {
	t.Parallel()
	by := testOIDC()
	const another = "acs:ram::1234567890123456:role/another"
	role := AssumeRole{RoleARN: testRole, SessionName: "variable", ExternalID: "external"}
	by.AssumeRole, by.Policy, by.Expiration = role, "{}", 901
	withOIDC := AssumeRole{RoleARN: testRole, SessionName: "variable"}
	for name, test := range map[string]struct {
		profiles []string
		want     AssumeRole // of the last request; none where no role is assumed
		err      string
	}{
		"RamRoleArn": {profiles: []string{`"mode": "RamRoleArn", ` + ak}, want: role},
		"RamRoleArn, complete": {
			profiles: []string{ak + `, "ram_role_arn": "` + another + `", "ram_session_name": "own", "external_id": "own"`},
			want:     AssumeRole{RoleARN: another, SessionName: "own", ExternalID: "own"},
		},
		"no mode":        {profiles: []string{ak}, want: role},
		"OIDC":           {profiles: []string{`"mode": "OIDC"`}, want: withOIDC},
		"OIDC, no mode":  {profiles: []string{`"region_id": "cn-hangzhou"`}, want: withOIDC},
		"OIDC, its file": {profiles: []string{`"mode": "OIDC", "oidc_token_file": "/nowhere"`}, err: "no file /nowhere"},
		"CredentialsURI": {profiles: []string{`"mode": "CredentialsURI"`}},
		"source profile": {profiles: []string{chained("q"), `"name": "q", "mode": "CredentialsURI"`}, want: role},
		"source profile without a role": {
			profiles: []string{chained("q") + `, "ram_role_arn": "r"`, `"name": "q", "mode": "RamRoleArn", ` + ak},
			err:      "the role ARN is empty",
		},
		"AK": {profiles: []string{`"mode": "AK"`}, err: "there is no access key ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := issuer(t)
			path := config(t, test.profiles[0], test.profiles[1:]...)
			source := Profile{File: path, Name: "p", Files: Files{Role: by, URI: i.CredentialsURI()}}
			_, _, err := fetch(t, Config{Source: source, STS: STS{Endpoint: i.STSEndpoint()}})
			if test.err != "" {
				failed(t, err, asError(err).Kind, test.err)
				return
			}
			must(t, err)
			if calls := i.Calls(); test.want != (AssumeRole{}) {
				checkRole(t, calls[len(calls)-1], test.want)
			}
		})
	}
}

// A profile's endpoint is for every product of Alibaba Cloud.
func TestEndpointOfAProfileIsIgnoredAloud(t *testing.T) {
	t.Parallel()
	logger, out := logged()
	path := config(t, `"mode": "AK", "endpoint": "ecs.aliyuncs.com", `+ak)
	s := New(Config{Transport: isolated, Source: Profile{File: path}, Logger: logger})
	for range 2 {
		c, err := s.Get(t.Context())
		must(t, err)
		s.Discard(c)
	}
	if n := strings.Count(out.String(), "level=INFO msg=\"The profile's endpoint is ignored"); n != 1 {
		t.Errorf("got it said %d times, want once:\n%s", n, out)
	}
}

func FuzzParseCLIFile(f *testing.F) {
	f.Add([]byte(`{"current": "p", "profiles": [{"name": "p", "mode": "ChainableRamRoleArn", "source_profile": "p"}]}`))
	f.Add([]byte(`{"profiles": [null, {"name": 5}]}`))
	f.Add([]byte(`{"profiles": [{"name": "p", "mode": "OIDC", "access_key_secret": `))
	f.Fuzz(func(t *testing.T, content []byte) {
		const secret = "tOpSeCrEt0123456789"
		if _, err := parseCLIFile(append(content, secret...)); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("got %v, want the secret left out", err)
		}
	})
}

// What the user names is looked for as other tools do, and nothing takes its place.
//
//nolint:paralleltest // each case has a home directory of its own
func TestNamedProfile(t *testing.T) {
	cli := func(name, id string) string {
		const profile = `"name": "%s", "mode": "AK", "access_key_id": "%s", "access_key_secret": "s3cr3t"`
		return cliOf("other", fmt.Sprintf(profile+"}, {"+profile, name, id, "other", "other"))
	}
	ini, wrong := iniOf("p", "access_key", "ini"), cli("other", "wrong")
	named, inFile, unnamed := Profile{Name: "p"}, Profile{Name: "p", File: "~/f"}, Profile{File: "~/f"}
	const noKey = "there is no access key ID or no access key secret"
	for name, test := range map[string]struct {
		from  Profile
		files files
		want  string // access key ID
		err   string
	}{
		"in the CLI's file": {from: named, files: files{cliJSON: cli("p", "cli"), iniPath: ini}, want: "cli"},
		"in the INI file":   {from: named, files: files{cliJSON: cli("q", "cli"), iniPath: ini}, want: "ini"},
		"no CLI's file":     {from: named, files: files{iniPath: ini}, want: "ini"},
		"nowhere": {
			from: named, files: files{cliJSON: cli("q", "cli"), iniPath: iniOf("default", "access_key", "ini")},
			err: "neither file has it",
		},
		"without a key": {
			from: named, files: files{cliJSON: cliOf("", `"name": "p", "mode": "AK"`), iniPath: ini},
			err: noKey,
		},
		"malformed":            {from: named, files: files{cliJSON: `{`, iniPath: ini}, err: "not the CLI's configuration"},
		"section without keys": {from: named, files: files{iniPath: "[p]\ntype = access_key\n"}, err: noKey},
		"file, CLI's":          {from: unnamed, files: files{"f": cli("p", "cli"), cliJSON: wrong}, want: "other"},
		"file, CLI's, mark":    {from: inFile, files: files{"f": "\xef\xbb\xbf\n " + cli("p", "cli")}, want: "cli"},
		"file, INI":            {from: unnamed, files: files{"f": iniOf("default", "access_key", "ini")}, want: "ini"},
		"file, INI, section":   {from: inFile, files: files{"f": ini, cliJSON: wrong}, want: "ini"},
		"file, another one":    {from: inFile, files: files{"f": cli("q", "cli"), iniPath: ini}, err: `no profile "p",`},
		"file, neither":        {from: inFile, files: files{"f": "tOpSeCrEt"}, err: "it is neither a JSON object nor"},
		"file that isn't there": {
			from: unnamed, files: files{cliJSON: cli("other", "wrong")}, err: "from file ~/f: no file /",
		},
	} {
		t.Run(name, func(t *testing.T) {
			home(t, test.files)
			_, c, err := fetch(t, Config{Source: test.from})
			if c.AccessKeyID != test.want {
				t.Errorf("got access key ID %q, want %q", c.AccessKeyID, test.want)
			}
			if test.err == "" {
				test.err = "<nil>"
			}
			if !strings.Contains(fmt.Sprint(err), test.err) {
				t.Errorf("got %v, want %q", err, test.err)
			}
		})
	}
}

// A region is known without a request, and what is wrong with the file is left to the fetch.
//
//nolint:paralleltest // each case has a home directory of its own
func TestRegionOf(t *testing.T) {
	file := `{"current": "p", "profiles": [{"name": "p", "mode": "AK", "region_id": "ap-southeast-1", ` + ak + `},
		{"name": "q", "mode": "CloudSSO", "region_id": "eu-central-1", "endpoint_type": "VPC"},
		{"name": "unset", "region_id": "us-west-1"}, {"name": "none", "mode": "AK", ` + ak + `}]}`
	for name, test := range map[string]struct {
		from Source
		file string
		want string // the region
		vpc  bool
	}{
		"current profile":    {from: Default{}, file: file, want: "ap-southeast-1"},
		"named profile":      {from: Profile{Name: "q"}, file: file, want: "eu-central-1", vpc: true},
		"profile without":    {from: Profile{Name: "none"}, file: file},
		"file":               {from: Profile{File: "~/" + cliJSON}, file: file, want: "ap-southeast-1"},
		"profile not set up": {from: Default{}, file: strings.Replace(file, `"p"`, `"unset"`, 1)},
		"no such profile":    {from: Profile{Name: "nobody"}, file: file},
		"switched off":       {from: Default{NoCLI: "X"}, file: file},
		"keys":               {from: AccessKey{ID: "a"}, file: file},
		"URI":                {from: URI{"https://a.example"}, file: file},
		"ECS role":           {from: ECSRole{"r"}, file: file},
		"OIDC":               {from: OIDC{}, file: file},
		"malformed":          {from: Default{}, file: "{"},
		"no file":            {from: Default{}},
	} {
		t.Run(name, func(t *testing.T) {
			if home(t, nil); test.file != "" {
				home(t, files{cliJSON: test.file})
			}
			if id, vpc := RegionOf(test.from); id != test.want || vpc != test.vpc {
				t.Errorf("got region %q, VPC: %t, want %q, %t", id, vpc, test.want, test.vpc)
			}
		})
	}
}

// What the parser of INI files says quotes the line that it can't read.
func TestINIIsNeverQuoted(t *testing.T) {
	t.Parallel()
	const secret = "tOpSeCrEt0123456789"
	for _, content := range []string{
		"[default]\n= " + secret, "[default]\n`" + secret, "[default]\n\"\"\"" + secret, "[default " + secret,
		"[default]\n" + secret,
		"[default]\nkey = `" + secret, "[default]\nkey = \"\"\"" + secret, "[" + secret + "]", "[default]\ntype = " + secret,
		"[default]\ntype = %(" + secret + ")s",
	} {
		_, err := parseINI([]byte(content), "")
		if err == nil {
			t.Errorf("%q: got no error, want one", content)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: got %v, want the line left out", content, err)
		}
	}
}

// A section whose name has a dot in it inherits nothing.
func TestINISectionInheritsNothing(t *testing.T) {
	t.Parallel()
	const content = "[team]\ntype = access_key\naccess_key_id = a\naccess_key_secret = b\n[team.prod]\nregion = x\n"
	_, err := parseINI([]byte(content), "team.prod")
	if err == nil || !strings.Contains(err.Error(), "the type in its section [team.prod]") {
		t.Errorf("got %v, want no type in the section", err)
	}
}
