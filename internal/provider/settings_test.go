package provider

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuideShowsEverySetting compares the tables of the authentication guide with the settings. What it prints where they
// differ is what belongs there.
func TestGuideShowsEverySetting(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join("..", "..", "templates", "guides", "authentication.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	quoted := func(names []string) string {
		if len(names) == 0 {
			return "none"
		}
		return "`" + strings.Join(names, "`, `") + "`"
	}
	arguments := "| Argument | Environment, the first one that is set | Default |\n|---|---|---|\n"
	variables := "| Variable | What it does |\n|---|---|\n"
	for _, s := range settings {
		switch {
		case s.name == "":
			variables += fmt.Sprintf("| %s | %s |\n", quoted(s.variables), s.description)
		case s.fallback == "":
			arguments += fmt.Sprintf("| `%s` | %s | |\n", s.name, quoted(s.variables))
		default:
			arguments += fmt.Sprintf("| `%s` | %s | `%s` |\n", s.name, quoted(s.variables), s.fallback)
		}
	}
	for _, table := range []string{arguments, variables} {
		if !strings.Contains(string(guide), "\n\n"+table+"\n") {
			t.Errorf("the authentication guide needs this table:\n%s", table)
		}
	}
}

// TestSettings holds the table to what the code assumes of it.
func TestSettings(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range settings {
		if seen[s.name+s.variableAlone()] {
			t.Errorf("%s is there twice", s.name+s.variableAlone())
		}
		seen[s.name+s.variableAlone()] = true
		if s.fallback != "" && s.flaw != nil && s.flaw(s.fallback) != "" {
			t.Errorf("%s: the default %s %s", s.name, s.fallback, s.flaw(s.fallback))
		}
		if s.secret && (s.show == nil || s.show("x") != "") {
			t.Errorf("%s is a secret that a diagnostic shows", s.name)
		}
	}
}

func (s setting) variableAlone() string {
	if s.name != "" {
		return ""
	}
	return s.variables[0]
}

// Tools differ in which of two families of variables they prefer.
func TestVariablesDisagree(t *testing.T) {
	t.Parallel()
	keys := environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": hush}
	with := func(more environment) environment {
		all := maps.Clone(keys)
		maps.Copy(all, more)
		return all
	}
	for name, test := range map[string]struct {
		block arguments
		env   environment
		want  []problem
	}{
		"keys": {
			env: with(environment{"ALICLOUD_ACCESS_KEY": "other", "ALICLOUD_SECRET_KEY": "other", "ALICLOUD_SECURITY_TOKEN": "other"}),
			want: []problem{
				{
					path:    "access_key",
					summary: "Environment variables disagree",
					detail:  "ALIBABA_CLOUD_ACCESS_KEY_ID and ALICLOUD_ACCESS_KEY are set to different values",
				},
			},
		},
		"keys by the CLI's names": {env: with(environment{"ALIBABACLOUD_ACCESS_KEY_ID": "other"}),
			want: []problem{{
				path:    "access_key",
				summary: "Environment variables disagree",
				detail:  "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABACLOUD_ACCESS_KEY_ID",
			}}},
		"the same key twice": {env: with(environment{"ALICLOUD_ACCESS_KEY": "id", "ALICLOUD_SECRET_KEY": hush})},
		"keys of a block": {block: arguments{"access_key": "a", "secret_key": "b"},
			env: with(environment{"ALICLOUD_ACCESS_KEY": "other"})},
		"profiles that aren't asked": {env: with(environment{"ALIBABA_CLOUD_PROFILE": "p", "ALICLOUD_PROFILE": "q"})},
		"profiles": {env: environment{"ALIBABA_CLOUD_PROFILE": "p", "ALICLOUD_PROFILE": "q"},
			want: []problem{{
				path:    "profile",
				summary: "Environment variables disagree",
				detail:  "ALIBABA_CLOUD_PROFILE and ALICLOUD_PROFILE",
			}}},
		"profile of a block, files": {
			block: arguments{"profile": "p"},
			env:   environment{"ALIBABA_CLOUD_PROFILE": "p", "ALICLOUD_PROFILE": "q"},
		},
		"the INI file and the CLI's": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": "ini", "ALICLOUD_SHARED_CREDENTIALS_FILE": "cli"}},
		"roles": {block: arguments{"assume_role": arguments{}}, env: with(
			environment{"ALIBABA_CLOUD_ROLE_ARN": testRole, "ALICLOUD_ASSUME_ROLE_ARN": otherRole},
		),
			want: []problem{{
				path:    "assume_role.role_arn",
				summary: "Environment variables disagree",
				detail:  "ALIBABA_CLOUD_ROLE_ARN and ALICLOUD_ASSUME_ROLE_ARN",
			}}},
		"roles that aren't assumed": {env: with(environment{"ALIBABA_CLOUD_ROLE_ARN": testRole, "ALICLOUD_ASSUME_ROLE_ARN": otherRole})},
		"sites": {env: with(environment{"ALIBABA_CLOUD_REGION": "cn-hangzhou", "ALIBABA_CLOUD_REGION_ID": "ap-southeast-1"}),
			want: []problem{{
				path:    "region",
				summary: "Environment variables disagree",
				detail:  "ALIBABA_CLOUD_REGION and ALIBABA_CLOUD_REGION_ID",
			}}},
		"regions of one site": {env: with(environment{"ALIBABA_CLOUD_REGION": "cn-hangzhou", "ALICLOUD_REGION": "cn-shanghai"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := test.env.resolver(t, test.block)
			r.resolve(t.Context())
			checkProblems(t, r.diags, test.want)
			if r.diags.HasError() {
				t.Errorf("got an error, want a warning")
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.json")
	content := `{"current": "intl", "profiles": [{"name": "intl", "mode": "AK", "access_key_id": "a", "access_key_secret": "b",
		"region_id": "ap-southeast-1"},
		{"name": "china", "mode": "AK", "access_key_id": "a", "access_key_secret": "b", "region_id": "cn-shanghai"}]}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	const china, intl, eu = "cas.aliyuncs.com", "cas.ap-southeast-1.aliyuncs.com", "cas.eu-central-1.aliyuncs.com"
	named := arguments{"shared_credentials_file": file}
	for name, test := range map[string]struct {
		block arguments
		env   environment
		want  string
	}{
		"nothing":               {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": "/nowhere"}, want: china},
		"current profile":       {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": file}, want: intl},
		"profile of the block":  {block: named, want: intl},
		"profile of a variable": {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": file, "ALIBABA_CLOUD_PROFILE": "china"}, want: china},
		"profile that isn't in use": {
			env:  environment{"ALIBABA_CLOUD_CONFIG_FILE": file, "ALICLOUD_ACCESS_KEY": "a", "ALICLOUD_SECRET_KEY": "b"},
			want: china,
		},
		"variable before the profile": {block: named, env: environment{"ALIBABA_CLOUD_REGION_ID": "eu-central-1"}, want: eu},
		"variable of another family":  {block: named, env: environment{"ALICLOUD_REGION_ID": "eu-central-1"}, want: eu},
		"variable of the CLI":         {block: named, env: environment{"ALIBABACLOUD_REGION_ID": "eu-central-1"}, want: eu},
		"Terraform's variable before": {
			env:  environment{"ALICLOUD_REGION": "eu-central-1", "ALIBABA_CLOUD_REGION_ID": "ap-southeast-1"},
			want: eu,
		},
		"block before the variables": {
			block: arguments{"region": "cn-hangzhou", "shared_credentials_file": file},
			env:   environment{"ALIBABA_CLOUD_REGION": "eu-central-1"},
			want:  china,
		},
		"endpoint before all": {
			block: arguments{"region": "cn-hangzhou", "endpoints": arguments{"cas": "cas.example.com"}},
			want:  "cas.example.com",
		},
		"endpoint of a variable": {block: named, env: environment{"ALIBABA_CLOUD_ENDPOINT_CAS": "cas.example.com"}, want: "cas.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := test.env.resolver(t, test.block)
			config, _ := r.resolve(t.Context())
			if r.diags.HasError() {
				t.Fatal(r.diags)
			}
			if got := config.Endpoint.Host; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Permissions don't keep a superuser who runs the tests from anything, so that the errors are made.
func TestTokenFileProblems(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		summary string
		detail  string
	}{
		"forbidden": {
			err:     fs.ErrPermission,
			summary: "Invalid OIDC token file",
			detail:  "in a pod, fsGroup in its securityContext lets its user read the token",
		},
		"absent": {err: fs.ErrNotExist, summary: "OIDC token file not found", detail: "check that it is mounted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r resolver
			v := value{setting: find("assume_role_with_oidc.oidc_token_file"), text: "/token", variable: "ALIBABA_CLOUD_OIDC_TOKEN_FILE"}
			r.refuseTokenFile(v, &fs.PathError{Op: "open", Path: "/token", Err: test.err})
			checkProblems(t, r.diags, []problem{{
				path:    "assume_role_with_oidc.oidc_token_file",
				summary: test.summary,
				detail:  test.detail,
			}})
		})
	}
	_, _, diags := environment{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider, "ALIBABA_CLOUD_ROLE_ARN": testRole,
		"ALIBABA_CLOUD_OIDC_TOKEN_FILE": t.TempDir()}.resolve(t, nil)
	checkProblems(
		t,
		diags,
		[]problem{{
			path:    "assume_role_with_oidc.oidc_token_file",
			summary: "Invalid OIDC token file",
			detail:  "which is a directory. Name the file in it.",
		}},
	)
}
