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
		"environment": {
			env: map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": castest.DefaultKey.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": castest.DefaultKey.AccessKeySecret,
				"ALIBABA_CLOUD_CREDENTIALS_URI": i.CredentialsURI()},
			source: "environment",
		},
		"OIDC": {
			env: map[string]string{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider, "ALIBABA_CLOUD_ROLE_ARN": testRole,
				"ALIBABA_CLOUD_OIDC_TOKEN_FILE": file(t, "token", castest.OIDCToken)},
			files:  map[string]string{".alibabacloud/credentials": ini},
			source: "OIDC environment",
		},
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
		"metadata": {
			env:    map[string]string{"ALIBABA_CLOUD_CREDENTIALS_URI": i.CredentialsURI()},
			source: "ECS metadata service",
		},
		"URI": {
			env:    map[string]string{"ALIBABA_CLOUD_CREDENTIALS_URI": i.CredentialsURI(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"},
			source: "credentials URI",
		},
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
				issued(t, shared, c) // its expiration is in a provider inside the provider
			}
		})
	}
}

func TestDefaultChainFindsNothing(t *testing.T) {
	dir := home(t)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tExampleExample")
	write(t, filepath.Join(dir, ".alibabacloud/credentials"), "[default]\nthe secret is tOpSeCrEt0123456789\n")
	_, _, err := fetch(t, Config{}, "tOpSeCrEt0123456789")
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != NotFound || len(e.Tried) != 6 {
		t.Fatalf("got %v", err)
	}
	for at, want := range []struct{ source, reason string }{
		{"environment", "ALIBABA_CLOUD_ACCESS_KEY_SECRET not set"},
		{"OIDC environment", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE not set"},
		{"the current profile of ~/.aliyun/config.json", "no such file"},
		{"file ~/.alibabacloud/credentials", "delimiter not found (what it answered is left out"},
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
func TestDefaultChainStaysWithWhatItFound(t *testing.T) {
	home(t)
	i := issuer(t)
	t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", testProvider)
	t.Setenv("ALIBABA_CLOUD_ROLE_ARN", testRole)
	t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", file(t, "token", castest.OIDCToken))
	s, c, err := fetch(t, Config{STSEndpoint: i.STSEndpoint()})
	if err != nil {
		t.Fatal(err)
	}
	i.Script("sts", castest.Fault(500, "InternalError", "try later"))
	s.Discard(c)
	_, err = s.Get(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Source != "OIDC environment" || e.Kind != Unavailable {
		t.Errorf("got %v", err)
	}
	if c, err := s.Get(t.Context()); err != nil || c.account == "" {
		t.Errorf("after it recovered: %v", err)
	}
}

func TestDefaultChainIsBuiltAnewAfterAFailure(t *testing.T) {
	dir := home(t)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	s, _, err := fetch(t, Config{})
	if err == nil {
		t.Fatal("credentials from nowhere")
	}
	write(t, filepath.Join(dir, ".aliyun/config.json"), `{"current": "p", "profiles": [{"name": "p", "mode": "AK", `+ak+`}]}`)
	if _, err := s.Get(t.Context()); err != nil {
		t.Error(err)
	}
}
