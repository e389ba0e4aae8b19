package credential

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// Whatever the source, what can't be a key is neither shown nor sent, to assume a role either.
func TestWhatCantBeAKeyIsRefused(t *testing.T) {
	t.Parallel()
	const id, secret = "LTAI5tCasTestAccessKeyId", "hush-hush-hush"
	for want, flawed := range map[string]struct{ id, secret, token string }{ // as in a JSON string
		"its access key ID begins or ends with white space":             {id + `\n`, secret, "t"},
		"its access key secret has a character in it that is invisible": {id, "\ufeff" + secret, "t"},
		"its access key secret has white space in it":                   {id, "hush-hush hush", "t"},
		"its security token has quotes in or around it":                 {id, secret, `\"t\"`},
		"its security token has a character in it that is invisible":    {id, secret, `t\u0007`},
	} {
		unquoted := strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\u0007`, "\a")
		parts := []any{flawed.id, flawed.secret, flawed.token}
		keys := fmt.Sprintf(`"access_key_id": "%s", "access_key_secret": "%s", "sts_token": "%s"`, parts...)
		issued := fmt.Sprintf(`{"AccessKeyId": "%s", "AccessKeySecret": "%s", "SecurityToken": "%s"}`, parts...)
		for name, cfg := range map[string]func(*castest.Issuer) Config{
			"environment": func(*castest.Issuer) Config {
				return Config{Source: AccessKey{unquoted.Replace(flawed.id), flawed.secret, unquoted.Replace(flawed.token)}}
			},
			"profile": func(*castest.Issuer) Config {
				return Config{Source: inFile(t, `"mode": "StsToken", `+keys)}
			},
			"profile of a role": func(*castest.Issuer) Config {
				return Config{Source: inFile(t, `"mode": "RamRoleArn", "ram_role_arn": "`+testRole+`", `+keys)}
			},
			"External": func(*castest.Issuer) Config {
				return Config{Source: inFile(t, running("print '{"+keys+"}'"))}
			},
			"URI": func(i *castest.Issuer) Config {
				i.Script("uri", castest.Body(200, "application/json", issued))
				return Config{Source: URI{i.CredentialsURI()}}
			},
			"STS": func(i *castest.Issuer) Config {
				i.Script("sts", castest.Body(200, "application/json", `{"Credentials": `+issued+`}`))
				return viaSTS(i)
			},
		} {
			t.Run(want+", "+name, func(t *testing.T) {
				t.Parallel()
				e := fails(t, cfg(issuer(t)), NotAKey, want, secret, "hush-hush hush", `"t"`)
				if e.Source == "" || e.Temporary() {
					t.Errorf("got %#v, want the source named, and no other try", &e)
				}
			})
			if name == "STS" { // which assumes a role already
				continue
			}
			t.Run(want+", "+name+", to assume a role", func(t *testing.T) {
				t.Parallel()
				i, with := issuer(t), cfg(issuer(t))
				with.STS.Endpoint, with.AssumeRole = i.STSEndpoint(), &AssumeRole{RoleARN: testRole}
				fails(t, with, NotAKey, want, secret)
				if n := len(i.Calls()); n > 0 {
					t.Errorf("got %d requests to STS, want none", n)
				}
			})
		}
	}
}

func TestAccessKey(t *testing.T) {
	t.Parallel()
	key := keys()
	key.Token = "CAIS+/with=="
	s, c := fetched(t, Config{Source: key, SetBy: "access_key in the provider block"})
	if got := (AccessKey{c.AccessKeyID, c.AccessKeySecret, c.SecurityToken}); got != key {
		t.Errorf("got %q, want what was given", []string{c.AccessKeyID, c.AccessKeySecret, c.SecurityToken})
	}
	if got, want := s.String(), "access key LTAI…eyId (access_key in the provider block)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for range 2 { // the second is of a reader that is late
		if s.Discard(c) {
			t.Error("got other keys to come, want none where these were given")
		}
	}
}

func TestSourceThatCantWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no secret":      {cfg: Config{Source: AccessKey{ID: "LTAI5tExampleExample"}}, want: "no access key secret"},
		"no id":          {cfg: Config{Source: AccessKey{Secret: "top-secret-value"}}, want: "no access key ID"},
		"only a token":   {cfg: Config{Source: AccessKey{Token: "top-secret-value"}}, want: "no access key"},
		"plain URI":      {cfg: Config{Source: URI{"http://example.com/?key=top-secret-value"}}, want: "http is only"},
		"user in URI":    {cfg: Config{Source: URI{"ftp://user:top-secret-value@example.com/"}}, want: "its scheme isn't"},
		"no URI":         {cfg: Config{Source: URI{"not-a-uri/top-secret-value"}}, want: "its scheme isn't https or http"},
		"role, no ARN":   {cfg: Config{Source: keys(), AssumeRole: &AssumeRole{}}, want: "role ARN is empty"},
		"OIDC, no token": {cfg: Config{Source: OIDC{ProviderARN: "p"}}, want: "neither an OIDC token nor a token file"},
		"OIDC, no ARN":   {cfg: Config{Source: OIDC{Token: "top-secret-value"}}, want: "the OIDC provider ARN is empty"},
		"OIDC, no role":  {cfg: Config{Source: OIDC{Token: "t0ken", ProviderARN: "p"}}, want: "role ARN is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fails(t, test.cfg, Invalid, test.want, "top-secret-value")
		})
	}
}

// home gives the test a home directory of its own, with these files.
func home(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("USERPROFILE", dir)
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

const (
	cliJSON = ".aliyun/config.json"
	iniPath = ".alibabacloud/credentials"
	inINI   = "file ~/" + iniPath
	unread  = "the current profile of ~/" + cliJSON
)

type files = map[string]string

// iniOf is a section of an INI file with a key of its own.
func iniOf(section, kind, id string) string {
	const format = "[%s]\ntype = %s\naccess_key_id = %s\naccess_key_secret = %s\n"
	return fmt.Sprintf(format, section, kind, id, keys().Secret)
}

// cliOf is a CLI's file with one profile.
func cliOf(current, profile string) string {
	return `{"current": "` + current + `", "profiles": [{` + profile + `}]}`
}

//nolint:paralleltest // each case has a home directory of its own
func TestDefaultChain(t *testing.T) {
	i := issuer(t)
	key := castest.DefaultKey.AccessKeyID
	ini, current := iniOf("default", "access_key", key), cliOf("p", `"name": "p", "mode": "AK", `+ak)
	const inCLI, onECS = "profile p of ~/.aliyun/config.json", "ECS metadata service"
	for source, rows := range map[string]map[string]struct {
		from     Default
		cli, ini string
	}{
		inCLI: {
			"profile":         {cli: current, ini: ini},
			"byte order mark": {cli: "\xef\xbb\xbf" + current},
			"no mode":         {cli: strings.Replace(current, `"mode": "AK", `, "", 1)},
		},
		"profile default of ~/.aliyun/config.json": {
			"no current": {cli: `{"profiles": [{"name": "a", "mode": "AK"}, {"name": "default", "mode": "AK", ` + ak + `}]}`},
		},
		inINI: {
			"CLI's file switched off":    {from: Default{NoCLI: "X"}, cli: current, ini: ini},
			"current names none":         {cli: cliOf("q", `"name": "p", "mode": "AK", `+ak), ini: ini},
			"no key, AK":                 {cli: cliOf("", `"name": "default", "mode": "AK", "region_id": "x"`), ini: ini},
			"no key, AK, role of before": {cli: cliOf("", `"name": "default", "mode": "AK", "ram_role_arn": "r"`), ini: ini},
			"no key, StsToken":           {cli: cliOf("", `"name": "default", "mode": "StsToken"`), ini: ini},
			"no key, RamRoleArn":         {cli: cliOf("", `"name": "default", "mode": "RamRoleArn"`), ini: ini},
			"no key, no mode":            {cli: cliOf("default", `"name": "default"`), ini: ini},
			"no profiles":                {cli: `{"profiles": []}`, ini: ini},
			"no CLI's file":              {ini: ini},
			"byte order mark":            {ini: "\xef\xbb\xbf" + ini},
			"token":                      {ini: strings.Replace(ini, "access_key\n", "sts\nsecurity_token = CAIS\n", 1)},
			"role":                       {ini: strings.Replace(ini, "access_key", "ram_role_arn\nrole_arn = "+testRole, 1)},
			"ECS role":                   {ini: "[default]\ntype = ecs_ram_role\nrole_name = " + castest.MetadataRole + "\n"},
		},
		"section [p] of " + inINI: {
			"switched off": {from: Default{Section: "p", NoCLI: "X"}, cli: current, ini: ini + iniOf("p", "access_key", key)},
		},
		onECS: {
			"no [default]":             {ini: iniOf("other", "access_key", key)},
			"empty keys":               {ini: "[default]\ntype = access_key\naccess_key_id =\naccess_key_secret =\n"},
			"empty keys, token":        {ini: "[default]\ntype = sts\n"},
			"empty keys, role":         {ini: "[default]\ntype = ram_role_arn\n"},
			"empty section":            {ini: "[default]\n"},
			"no files":                 {},
			"switched off, no section": {from: Default{Section: "p", NoCLI: "X"}},
		},
	} {
		for name, test := range rows {
			t.Run(source+", "+name, func(t *testing.T) {
				in := files{cliJSON: test.cli, iniPath: test.ini}
				maps.DeleteFunc(in, func(_, content string) bool { return content == "" })
				home(t, in)
				s, c := fetched(t, Config{Source: test.from, STS: STS{Endpoint: i.STSEndpoint()}})
				if s.String() != source {
					t.Errorf("got source %q, want %q", s, source)
				}
				if name == "role" {
					isIssued(t, i, c)
				}
				if want := name == "token"; want != (c.SecurityToken == "CAIS") {
					t.Errorf("got token %q, want one: %t", c.SecurityToken, want)
				}
			})
		}
	}
}

func TestDefaultChainElsewhere(t *testing.T) { //nolint:paralleltest // it has a home directory of its own
	current := cliOf("p", `"name": "p", "mode": "AK", `+ak)
	home(t, files{"cli": current, "ini": iniOf("default", "access_key", "x"), ".aliyun": "", ".alibabacloud": ""})
	for source, in := range map[string]Files{
		"profile p of ~/cli": {CLI: "~/cli"}, "file ~/ini": {INI: "~/ini"}, "ECS metadata service": {}, // below a file
	} {
		if s, _ := fetched(t, Config{Source: Default{Files: in}}); s.String() != source {
			t.Errorf("got source %q, want %q", s, source)
		}
	}
}

func TestDefaultChainFindsNothing(t *testing.T) {
	home(t, nil)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "True")
	e := fails(t, Config{}, Nowhere, "")
	want := []struct{ source, reason string }{
		{unread, "no file /"},
		{inINI, "no file /"},
		{"ECS metadata service", "switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED"},
	}
	if len(e.Tried) != len(want) {
		t.Fatalf("got %d sources tried, want %d: %v", len(e.Tried), len(want), &e)
	}
	for at, want := range want {
		got := e.Tried[at]
		if got.Source != want.source || !strings.Contains(got.Err.Error(), want.reason) {
			t.Errorf("%d: got %s: %v, want %s: %s", at, got.Source, got.Err, want.source, want.reason)
		}
	}
}

// The instance has a role, which is busy just now.
func TestDefaultChainFailsForAWhileAsItsLastSource(t *testing.T) {
	home(t, nil)
	t.Setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")
	shared.Script("metadata", castest.Body(503, "", ""))
	fails(t, Config{}, openapi.Temporary, "from ECS metadata service: ")
}

// Going on with the next source would go on as someone else: an INI file behind the CLI's, or else
// the instance's role. [TestProfileFailures] shows it for each profile.
//
//nolint:paralleltest // each case has a home directory of its own
func TestDefaultChainStopsAtWhatIsBroken(t *testing.T) {
	const secret = "tOpSeCrEt0123456789"
	const id, noID = "access_key_id = a\n", "access_key_secret = " + secret
	for name, test := range map[string]struct {
		cli, ini string // the lines of [default]
		section  string
		kind     egress.Kind
		want     string
	}{
		"malformed CLI file": {cli: `{"profiles": [{"name": "` + secret, kind: Invalid, want: "not the CLI's configuration"},
		"malformed INI file": {ini: "access_key_secret " + secret, kind: Invalid, want: "neither a JSON object nor"},
		"half a pair":        {ini: "type = access_key\n" + noID, kind: Invalid, want: "no access key ID"},
		"letters as type":    {ini: "type = abcdefghijklmnopqrstuvwxyzabcd", kind: Invalid, want: `is "abc…", not`},
		"unknown type":       {ini: "type = oidc_role_arn", kind: Invalid, want: `is "oidc_role_arn", not`},
		"no type":            {ini: noID, kind: Invalid, want: "the type in its section"},
		"secret as type":     {ini: "type = " + secret, kind: Invalid, want: "the type in its section"},
		"no token":           {ini: "type = sts\n" + id + noID, kind: Invalid, want: "there is no security token"},
		"no role":            {ini: "type = ram_role_arn\n" + id + noID, kind: Invalid, want: "role ARN is empty"},
		"misnamed section":   {ini: "type = access_key\n" + id + noID, section: "p", kind: NotFound, want: "no section [p]"},
	} {
		t.Run(name, func(t *testing.T) {
			in, source := files{iniPath: "[default]\n" + test.ini}, inINI
			if test.cli != "" {
				in, source = files{cliJSON: test.cli, iniPath: iniOf("default", "access_key", "someone")}, unread
			}
			if test.section != "" {
				source = "section [p] of " + source
			}
			home(t, in)
			e := fails(t, Config{Source: Default{Section: test.section}}, test.kind, test.want, secret)
			if e.Source != source || e.Command != "" {
				t.Errorf("got source %q and command %q, want %q and none", e.Source, e.Command, source)
			}
		})
	}
}

func TestDefaultChainStaysWithWhatItFound(t *testing.T) { //nolint:paralleltest // it has a home directory of its own
	i := issuer(t)
	dir := home(t, files{cliJSON: cliOf("p", `"name": "p", "mode": "RamRoleArn", "ram_role_arn": "`+testRole+`", `+ak)})
	s, c := fetched(t, Config{STS: STS{Endpoint: i.STSEndpoint()}})
	must(t, os.Remove(filepath.Join(dir, cliJSON)))
	s.Discard(c)
	if want := "profile p of ~/" + cliJSON; s.String() != want {
		t.Errorf("got source %q, want %q", s, want)
	}
	_, err := s.Get(t.Context())
	if e := failed(t, err, NotFound, "no file"); len(e.Tried) > 0 || e.Source != unread {
		t.Errorf("got source %q and %v tried, want the profile alone", e.Source, e.Tried)
	}
}

func TestDefaultChainIsBuiltAgainAfterAFailure(t *testing.T) {
	dir := home(t, nil)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	s, _, _ := fetch(t, Config{})
	s.failure = nil
	write(t, filepath.Join(dir, cliJSON), cliOf("p", `"name": "p", "mode": "AK", `+ak))
	if _, err := s.Get(t.Context()); err != nil {
		t.Error(err)
	}
}
