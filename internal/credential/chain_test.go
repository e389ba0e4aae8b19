package credential

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
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

func TestDefaultChain(t *testing.T) {
	i := issuer(t)
	ini := "[default]\ntype = access_key\naccess_key_id = " + castest.DefaultKey.AccessKeyID + "\naccess_key_secret = " + castest.DefaultKey.AccessKeySecret + "\n"
	for name, test := range map[string]struct {
		env    map[string]string
		files  map[string]string
		source string
	}{
		"CLI profile": {
			files:  map[string]string{".aliyun/config.json": `{"current": "p", "profiles": [{"name": "p", "mode": "AK", ` + ak + `}]}`, ".alibabacloud/credentials": ini},
			source: "profile p of ~/.aliyun/config.json",
		},
		"CLI profile switched off": {
			env:    map[string]string{"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"},
			files:  map[string]string{".aliyun/config.json": `{"current": "p", "profiles": [{"name": "p", "mode": "AK", ` + ak + `}]}`, ".alibabacloud/credentials": ini},
			source: "file ~/.alibabacloud/credentials",
		},
		"INI file": {
			files:  map[string]string{".alibabacloud/credentials": ini},
			source: "file ~/.alibabacloud/credentials",
		},
		"INI file, role": {
			files:  map[string]string{".alibabacloud/credentials": strings.Replace(ini, "access_key\n", "ram_role_arn\nrole_arn = "+testRole+"\nrole_session_name = ini\n", 1)},
			source: "file ~/.alibabacloud/credentials",
		},
		"INI file, ECS role": {
			files:  map[string]string{".alibabacloud/credentials": "[default]\ntype = ecs_ram_role\nrole_name = " + castest.MetadataRole + "\n"},
			source: "file ~/.alibabacloud/credentials",
		},
		"INI file, elsewhere": {
			env:    map[string]string{"ALIBABA_CLOUD_CREDENTIALS_FILE": "~/mine"},
			files:  map[string]string{"mine": ini},
			source: "file ~/mine",
		},
		"metadata": {source: "ECS metadata service"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := home(t)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			for name, content := range test.files {
				write(t, filepath.Join(dir, name), content)
			}
			s, c, err := fetch(t, Config{STSEndpoint: i.STSEndpoint()})
			if err != nil {
				t.Fatal(err)
			}
			if s.String() != test.source {
				t.Errorf("source %q, want %q", s, test.source)
			}
			if name == "INI file, role" {
				issued(t, i, c)
			}
		})
	}
}

func TestDefaultChainFindsNothing(t *testing.T) {
	home(t)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	_, _, err := fetch(t, Config{})
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != NotFound || len(e.Tried) != 6 {
		t.Fatalf("got %v", err)
	}
	for at, want := range []struct{ source, reason string }{
		{"environment", "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET not set"},
		{"OIDC environment", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE not set"},
		{"the current profile of ~/.aliyun/config.json", "no such file"},
		{"file ~/.alibabacloud/credentials", "no such file"},
		{"ECS metadata service", "switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED"},
		{"credentials URI", "ALIBABA_CLOUD_CREDENTIALS_URI not set"},
	} {
		got := e.Tried[at]
		if got.Source != want.source || !strings.Contains(got.Err.Error(), want.reason) {
			t.Errorf("%d: %s: %v; want %s: %s", at, got.Source, got.Err, want.source, want.reason)
		}
		if !strings.Contains(err.Error(), want.source+": ") {
			t.Errorf("%s isn't in the error", want.source)
		}
	}
}

// Going on with the next source would go on as someone else.
//
//nolint:paralleltest // each case has a home directory of its own
func TestDefaultChainStopsAtWhatIsBroken(t *testing.T) {
	const secret = "tOpSeCrEt0123456789"
	profile := func(inside string) string { return `{"current": "p", "profiles": [{"name": "p", ` + inside + `}]}` }
	for name, test := range map[string]struct {
		cli, ini string
		kind     Kind
		want     string
	}{
		"sign-in expired":     {profile(`"mode": "CloudSSO"`), "", Login, "expired or was never made"},
		"refused":             {profile(`"mode": "OAuth", "oauth_site_type": "CN", "oauth_access_token": "` + secret + `", "oauth_access_token_expire": ` + inTwoHours), "", Refused, "invalid_token"},
		"unreachable":         {profile(`"mode": "CredentialsURI", "credentials_uri": "http://127.0.0.1:1/"`), "", Unavailable, "connection refused"},
		"no such profile":     {`{"current": "q", "profiles": [{"name": "p"}]}`, "", NotFound, `no profile "q"`},
		"no such source":      {profile(`"mode": "ChainableRamRoleArn", "source_profile": "q"`), "", NotFound, `no profile "q"`},
		"no such token file":  {profile(`"mode": "OIDC", "oidc_provider_arn": "a", "ram_role_arn": "b", "oidc_token_file": "/nowhere"`), "", NotFound, "no such file"},
		"no such role":        {profile(`"mode": "EcsRamRole", "ram_role_name": "another"`), "", NotFound, "no RAM role another"},
		"malformed CLI file":  {`{"profiles": [{"access_key_secret": "` + secret, "", Invalid, "not the CLI's configuration"},
		"malformed INI file":  {"", "[default]\naccess_key_secret " + secret, Invalid, "it isn't an INI file"},
		"INI, half a pair":    {"", "[default]\ntype = access_key\naccess_key_secret = " + secret, Invalid, "no access key ID"},
		"INI, other section":  {"", "[other]\ntype = access_key\naccess_key_secret = " + secret, Invalid, "no section [default]"},
		"INI, no type":        {"", "[default]\naccess_key_secret = " + secret, Invalid, "the type in its section"},
		"INI, secret as type": {"", "[default]\ntype = " + secret, Invalid, "the type in its section"},
		"INI, no role":        {"", "[default]\ntype = ram_role_arn\naccess_key_id = a\naccess_key_secret = " + secret, Invalid, "role ARN is empty"},
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
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("it went on as %v: %v", c, err)
			}
			if e.Kind != test.kind || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got kind %s, %v; want kind %s, %q", e.Kind, err, test.kind, test.want)
			}
			if e.Source != source && e.Source != "profile p of ~/.aliyun/config.json" {
				t.Errorf("source %q, want %q", e.Source, source)
			}
		})
	}
}

// What the parser of INI files says quotes the line that it can't read.
func TestINIIsNeverQuoted(t *testing.T) {
	t.Parallel()
	const secret = "tOpSeCrEt0123456789"
	for _, content := range []string{
		"[default]\n= " + secret, "[default]\n`" + secret, "[default]\n\"\"\"" + secret, "[default " + secret, "[default]\n" + secret,
		"[default]\nkey = `" + secret, "[default]\nkey = \"\"\"" + secret, "[" + secret + "]", "[default]\ntype = " + secret,
		"[default]\ntype = %(" + secret + ")s",
	} {
		_, err := parseINI([]byte(content), Config{})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestDefaultChainStaysWithWhatItFound(t *testing.T) { //nolint:paralleltest // it has a home directory of its own
	dir := home(t)
	i := issuer(t)
	write(t, filepath.Join(dir, ".aliyun/config.json"), `{"current": "p", "profiles": [{"name": "p", "mode": "RamRoleArn", "ram_role_arn": "`+testRole+`", `+ak+`}]}`)
	s, c, err := fetch(t, Config{STSEndpoint: i.STSEndpoint()})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, ".aliyun/config.json")
	if err := os.Rename(config, config+".gone"); err != nil {
		t.Fatal(err)
	}
	s.Discard(c)
	_, err = s.Get(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || len(e.Tried) > 0 || e.Source != "the current profile of ~/.aliyun/config.json" {
		t.Errorf("got %v", err)
	}
}

func TestDefaultChainIsBuiltAnewAfterAFailure(t *testing.T) {
	dir := home(t)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	s, _, err := fetch(t, Config{})
	if err == nil {
		t.Fatal("credentials from nowhere")
	}
	s.failure = nil
	write(t, filepath.Join(dir, ".aliyun/config.json"), `{"current": "p", "profiles": [{"name": "p", "mode": "AK", `+ak+`}]}`)
	if _, err := s.Get(t.Context()); err != nil {
		t.Error(err)
	}
}
