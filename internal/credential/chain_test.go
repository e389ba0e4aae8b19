package credential

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// home gives the test a home directory of its own.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("USERPROFILE", dir)
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

const (
	cliJSON = ".aliyun/config.json"
	iniPath = ".alibabacloud/credentials"
)

// iniOf is a section of an INI file with a key that tells it from others.
func iniOf(section, kind, id string) string {
	return "[" + section + "]\ntype = " + kind + "\naccess_key_id = " + id + "\naccess_key_secret = " + castest.DefaultKey.AccessKeySecret +
		"\n"
}

//nolint:paralleltest // each case has a home directory of its own
func TestDefaultChain(t *testing.T) {
	i := issuer(t)
	key := castest.DefaultKey.AccessKeyID
	ini := iniOf("default", "access_key", key)
	current := `{"current": "p", "profiles": [{"name": "p", "mode": "AK", ` + ak + `}]}`
	const cli, inCLI, inINI, onECS = cliJSON, "profile p of ~/.aliyun/config.json", "file ~/.alibabacloud/credentials", "ECS metadata service"
	type files = map[string]string
	for name, test := range map[string]struct {
		from   Default
		files  files
		source string
	}{
		"CLI profile": {files: files{cli: current, iniPath: ini}, source: inCLI},
		"CLI profile, elsewhere": {
			from: Default{Files: Files{CLI: "~/mine"}}, files: files{"mine": current, iniPath: ini},
			source: "profile p of ~/mine",
		},
		"CLI profile switched off": {
			from: Default{NoCLI: "X"}, files: files{cli: current, iniPath: ini}, source: inINI,
		},
		"switched off, section": {
			from:   Default{Section: "p", NoCLI: "X"},
			files:  files{cli: current, iniPath: ini + iniOf("p", "access_key", key)},
			source: "section [p] of file ~/.alibabacloud/credentials",
		},
		"no current": {
			files:  files{cli: `{"profiles": [{"name": "a", "mode": "AK"}, {"name": "default", "mode": "AK", ` + ak + `}]}`},
			source: "profile default of ~/.aliyun/config.json",
		},
		"byte order mark": {files: files{cli: "\xef\xbb\xbf" + current}, source: inCLI},
		"no mode":         {files: files{cli: strings.Replace(current, `"mode": "AK", `, "", 1)}, source: inCLI},
		"current names none": {
			files:  files{cli: `{"current": "q", "profiles": [{"name": "p", "mode": "AK", ` + ak + `}]}`, iniPath: ini},
			source: inINI,
		},
		"no key, AK": {
			files:  files{cli: `{"profiles": [{"name": "default", "mode": "AK", "region_id": "x"}]}`, iniPath: ini},
			source: inINI,
		},
		"no key, AK, role of before": {
			files:  files{cli: `{"profiles": [{"name": "default", "mode": "AK", "ram_role_arn": "` + testRole + `"}]}`, iniPath: ini},
			source: inINI,
		},
		"no key, StsToken": {
			files: files{
				cli:     `{"profiles": [{"name": "default", "mode": "StsToken", "access_key_id": "", "sts_token": ""}]}`,
				iniPath: ini,
			},
			source: inINI,
		},
		"no key, RamRoleArn": {
			files:  files{cli: `{"profiles": [{"name": "default", "mode": "RamRoleArn", "expired_seconds": 900}]}`, iniPath: ini},
			source: inINI,
		},
		"no key, no mode": {
			files:  files{cli: `{"current": "default", "profiles": [{"name": "default"}]}`, iniPath: ini},
			source: inINI,
		},
		"no profiles":    {files: files{cli: `{"profiles": []}`, iniPath: ini}, source: inINI},
		"INI file":       {files: files{iniPath: ini}, source: inINI},
		"INI file, mark": {files: files{iniPath: "\xef\xbb\xbf" + ini}, source: inINI},
		"INI file, token": {
			files:  files{iniPath: strings.Replace(ini, "access_key\n", "sts\nsecurity_token = CAIS\n", 1)},
			source: inINI,
		},
		"INI file, role": {
			files: files{
				iniPath: strings.Replace(ini, "access_key\n", "ram_role_arn\nrole_arn = "+testRole+"\nrole_session_name = ini\n", 1),
			},
			source: inINI,
		},
		"INI file, ECS role": {
			files:  files{iniPath: "[default]\ntype = ecs_ram_role\nrole_name = " + castest.MetadataRole + "\n"},
			source: inINI,
		},
		"INI file, elsewhere": {
			from: Default{Files: Files{INI: "~/mine"}}, files: files{"mine": ini}, source: "file ~/mine",
		},
		"INI, no [default]": {files: files{iniPath: iniOf("other", "access_key", key)}, source: onECS},
		"INI, empty keys": {
			files:  files{iniPath: "[default]\ntype = access_key\naccess_key_id =\naccess_key_secret =\n"},
			source: onECS,
		},
		"INI, empty keys, token": {files: files{iniPath: "[default]\ntype = sts\n"}, source: onECS},
		"INI, empty keys, role":  {files: files{iniPath: "[default]\ntype = ram_role_arn\n"}, source: onECS},
		"INI, nothing":           {files: files{iniPath: "[default]\n"}, source: onECS},
		"home is no directory":   {files: files{".aliyun": "", ".alibabacloud": ""}, source: onECS},
		"metadata":               {source: onECS},
		"switched off, no file":  {from: Default{Section: "p", NoCLI: "X"}, source: onECS},
	} {
		t.Run(name, func(t *testing.T) {
			dir := home(t)
			for name, content := range test.files {
				write(t, filepath.Join(dir, name), content)
			}
			s, c, err := fetch(t, Config{Source: test.from, STS: STS{Endpoint: i.STSEndpoint()}})
			if err != nil {
				t.Fatal(err)
			}
			if s.String() != test.source {
				t.Errorf("got source %q, want %q", s, test.source)
			}
			if name == "INI file, role" {
				isIssued(t, i, c)
			}
			if want := name == "INI file, token"; want != (c.SecurityToken == "CAIS") {
				t.Errorf("got token %q, want one: %t", c.SecurityToken, want)
			}
		})
	}
}

func TestDefaultChainFindsNothing(t *testing.T) {
	home(t)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	_, _, err := fetch(t, Config{})
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Nowhere {
		t.Fatalf("got %v, want kind %s", err, Nowhere)
	}
	if len(e.Tried) != 3 {
		t.Fatalf("got %d sources tried, want 3: %v", len(e.Tried), err)
	}
	for at, want := range []struct{ source, reason string }{
		{source: "the current profile of ~/.aliyun/config.json", reason: "no file /"},
		{source: "file ~/.alibabacloud/credentials", reason: "no file /"},
		{source: "ECS metadata service", reason: "switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED"},
	} {
		got := e.Tried[at]
		if got.Source != want.source {
			t.Errorf("%d: got source %s, want %s", at, got.Source, want.source)
		}
		if !strings.Contains(got.Err.Error(), want.reason) {
			t.Errorf("%d: got %v, want %q in it", at, got.Err, want.reason)
		}
		if !strings.Contains(err.Error(), want.source+": ") {
			t.Errorf("got %v, want %s in it", err, want.source)
		}
	}
}

// The instance has a role, which is busy just now.
func TestDefaultChainFailsForAWhileAsItsLastSource(t *testing.T) {
	home(t)
	t.Setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")
	shared.Script("metadata", castest.Body(503, "", ""))
	_, _, err := fetch(t, Config{})
	failed(t, err, openapi.Temporary, "from ECS metadata service: ")
}

// Going on with the next source would go on as someone else.
//
//nolint:paralleltest // each case has a home directory of its own
func TestDefaultChainStopsAtWhatIsBroken(t *testing.T) {
	const secret = "tOpSeCrEt0123456789"
	profile := func(inside string) string { return `{"current": "p", "profiles": [{"name": "p", ` + inside + `}]}` }
	for name, test := range map[string]struct {
		cli, ini string
		kind     egress.Kind
		want     string
	}{
		"sign-in expired": {cli: profile(`"mode": "CloudSSO"`), kind: Login, want: "expired or was never made"},
		"refused": {
			cli: profile(
				`"mode": "OAuth", "oauth_site_type": "CN", "oauth_access_token": "` + secret + `", "oauth_access_token_expire": ` + inTwoHours,
			),
			kind: openapi.Rejected,
			want: "invalid_token",
		},
		"unreachable": {
			cli: profile(`"mode": "CredentialsURI", "credentials_uri": "http://127.0.0.1:1/"`), kind: egress.Refused,
			want: "connection refused",
		},
		"role without a key": {
			cli: profile(`"mode": "RamRoleArn", "ram_role_arn": "` + testRole + `"`), kind: Invalid,
			want: "there is no access key ID or no access key secret",
		},
		"no such source": {
			cli: profile(`"mode": "ChainableRamRoleArn", "source_profile": "q"`), kind: NotFound,
			want: `no profile "q"`,
		},
		"no such token file": {
			cli:  profile(`"mode": "OIDC", "oidc_provider_arn": "a", "ram_role_arn": "b", "oidc_token_file": "/nowhere"`),
			kind: NotFound,
			want: "no file /nowhere",
		},
		"no such role": {
			cli: profile(`"mode": "EcsRamRole", "ram_role_name": "another"`), kind: NotFound,
			want: "no RAM role another",
		},
		"malformed CLI file": {
			cli: `{"profiles": [{"access_key_secret": "` + secret, kind: Invalid, want: "not the CLI's configuration",
		},
		"malformed INI file": {
			ini: "[default]\naccess_key_secret " + secret, kind: Invalid,
			want: "it is neither a JSON object nor an INI file",
		},
		"INI, half a pair": {
			ini: "[default]\ntype = access_key\naccess_key_secret = " + secret, kind: Invalid,
			want: "no access key ID",
		},
		"unknown mode": {
			cli: profile(`"mode": "BearerToken"`), kind: Invalid, want: `its mode "BearerToken" isn't supported`,
		},
		"half a pair": {
			cli: profile(`"mode": "AK", "access_key_secret": "` + secret + `"`), kind: Invalid,
			want: "no access key ID",
		},
		"INI, letters as type": {
			ini: "[default]\ntype = abcdefghijklmnopqrstuvwxyzabcd", kind: Invalid, want: `is "abc…", not`,
		},
		"INI, unknown type": {ini: "[default]\ntype = oidc_role_arn", kind: Invalid, want: `is "oidc_role_arn", not`},
		"INI, no token": {
			ini: "[default]\ntype = sts\naccess_key_id = a\naccess_key_secret = " + secret, kind: Invalid,
			want: "there is no security token",
		},
		"INI, no type": {
			ini: "[default]\naccess_key_secret = " + secret, kind: Invalid, want: "the type in its section",
		},
		"INI, secret as type": {ini: "[default]\ntype = " + secret, kind: Invalid, want: "the type in its section"},
		"INI, no role": {
			ini: "[default]\ntype = ram_role_arn\naccess_key_id = a\naccess_key_secret = " + secret, kind: Invalid,
			want: "role ARN is empty",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := home(t)
			source := "the current profile of ~/.aliyun/config.json"
			if test.cli != "" {
				write(t, filepath.Join(dir, ".aliyun/config.json"), test.cli)
				test.ini = "[default]\ntype = access_key\naccess_key_id = someone\naccess_key_secret = else\n"
			} else {
				source = "file ~/.alibabacloud/credentials"
			}
			write(t, filepath.Join(dir, ".alibabacloud/credentials"), test.ini)
			_, c, err := fetch(t, Config{}, secret)
			if err == nil {
				t.Fatalf("got %v, want kind %s", c, test.kind)
			}
			failed(t, err, test.kind, test.want)
			e, _ := errors.AsType[*Error](err)
			if e.Source != source && e.Source != "profile p of ~/.aliyun/config.json" {
				t.Errorf("got source %q, want %q", e.Source, source)
			}
		})
	}
}

// The instance's role would be somebody else.
func TestDefaultChainStopsAtASectionThatIsMisnamed(t *testing.T) { //nolint:paralleltest // it has a home directory of its own
	write(t, filepath.Join(home(t), iniPath), iniOf("default", "access_key", "LTAI5tAnother"))
	_, _, err := fetch(t, Config{Source: Default{Section: "p", NoCLI: "X"}})
	failed(t, err, NotFound, "it has no section [p]")
}

func TestDefaultChainStaysWithWhatItFound(t *testing.T) { //nolint:paralleltest // it has a home directory of its own
	dir := home(t)
	i := issuer(t)
	write(
		t,
		filepath.Join(dir, ".aliyun/config.json"),
		`{"current": "p", "profiles": [{"name": "p", "mode": "RamRoleArn", "ram_role_arn": "`+testRole+`", `+ak+`}]}`,
	)
	s, c, err := fetch(t, Config{STS: STS{Endpoint: i.STSEndpoint()}})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, ".aliyun/config.json")
	if err := os.Rename(config, config+".gone"); err != nil {
		t.Fatal(err)
	}
	s.Discard(c)
	_, err = s.Get(t.Context())
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an error of the profile", err)
	}
	if len(e.Tried) > 0 {
		t.Errorf("got other sources tried, want none: %v", e.Tried)
	}
	if want := "the current profile of ~/.aliyun/config.json"; e.Source != want {
		t.Errorf("got source %q, want %q", e.Source, want)
	}
}

func TestDefaultChainIsBuiltAgainAfterAFailure(t *testing.T) {
	dir := home(t)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	s, _, err := fetch(t, Config{})
	if err == nil {
		t.Fatal("got credentials from nowhere, want an error")
	}
	s.failure = nil
	write(t, filepath.Join(dir, ".aliyun/config.json"), `{"current": "p", "profiles": [{"name": "p", "mode": "AK", `+ak+`}]}`)
	if _, err := s.Get(t.Context()); err != nil {
		t.Error(err)
	}
}
