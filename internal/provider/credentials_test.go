package provider

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

const (
	testRole     = "acs:ram::1234567890123456:role/reader"
	otherRole    = "acs:ram::1234567890123456:role/other"
	testProvider = "acs:ram::1234567890123456:oidc-provider/ci"
	hush         = "hUsH-sEcReT-vAlUe"
)

// arguments are the arguments of a provider block. A map is a nested block, nil is null, and unknown{} is unknown.
type arguments map[string]any

type unknown struct{}

// values returns the provider block with these arguments.
func (a arguments) values(t *testing.T) map[string]attr.Value {
	t.Helper()
	var resp provider.SchemaResponse
	New("test")().Schema(t.Context(), provider.SchemaRequest{}, &resp)
	kind := resp.Schema.Type()
	value, err := kind.ValueFromTerraform(t.Context(), encoded(t, kind.TerraformType(t.Context()), a))
	if err != nil {
		t.Fatal(err)
	}
	object, _ := value.(types.Object)
	return object.Attributes()
}

type environment map[string]string

func (e environment) resolver(t *testing.T, block arguments) *resolver {
	t.Helper()
	return &resolver{block: block.values(t), getenv: e.get}
}

func (e environment) resolve(t *testing.T, block arguments) (credential.Config, diag.Diagnostics, diag.Diagnostics) {
	t.Helper()
	r := e.resolver(t, block)
	if unknown := r.unknown(); unknown.HasError() {
		return credential.Config{Source: credential.Default{}}, unknown, nil
	}
	return r.credentials(), nil, r.diags
}

// tokenFile returns the path of a token file that exists.
func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPrecedence has a case for each row of the table in the authentication guide.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	file, cliFile := tokenFile(t), filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(cliFile, []byte("\xef\xbb\xbf\n{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	everything := environment{
		"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret", "ALIBABA_CLOUD_SECURITY_TOKEN": "env-token",
		"ALICLOUD_ACCESS_KEY": "old-id", "ALICLOUD_SECRET_KEY": "old-secret", "ALICLOUD_SECURITY_TOKEN": "old-token",
		"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": file, "ALIBABA_CLOUD_ROLE_ARN": testRole,
		"ALIBABA_CLOUD_PROFILE": "env-profile", "ALICLOUD_PROFILE": "old-profile", "ALICLOUD_SHARED_CREDENTIALS_FILE": "env-file",
		"ALICLOUD_ECS_ROLE_NAME": "env-ecs", "ALIBABA_CLOUD_ECS_METADATA": "other-ecs",
		"ALIBABA_CLOUD_CREDENTIALS_URI": "https://env.example", "ALICLOUD_CREDENTIALS_URI": "https://old.example",
	}
	without := func(prefixes ...string) environment {
		e := environment{}
		for name, value := range everything {
			e[name] = value
			for _, prefix := range prefixes {
				if strings.HasPrefix(name, prefix) {
					delete(e, name)
				}
			}
		}
		return e
	}
	newKeys := []string{"ALIBABA_CLOUD_ACCESS", "ALIBABA_CLOUD_SECURITY"}
	keys := append(newKeys, "ALICLOUD_ACCESS", "ALICLOUD_SECRET", "ALICLOUD_SECURITY")
	oidc := append(keys, "ALIBABA_CLOUD_OIDC", "ALIBABA_CLOUD_ROLE")
	profile := append(oidc, "ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE", "ALICLOUD_SHARED")
	ecs := append(profile, "ALICLOUD_ECS", "ALIBABA_CLOUD_ECS")
	for name, test := range map[string]struct {
		block arguments
		env   environment
		want  credential.Config
	}{
		"block: keys": {block: arguments{"access_key": "id", "secret_key": "secret"}, env: everything,
			want: credential.Config{Source: credential.AccessKey{ID: "id", Secret: "secret"},
				SetBy: "access_key in the provider block"}},
		"block: temporary keys": {
			block: arguments{"access_key": "id", "secret_key": "secret", "security_token": "token"},
			env:   everything,
			want: credential.Config{Source: credential.AccessKey{ID: "id", Secret: "secret", Token: "token"},
				SetBy: "access_key in the provider block"},
		},
		"block: profile": {block: arguments{"profile": "p", "shared_credentials_file": "f"}, env: everything,
			want: credential.Config{Source: credential.Profile{Name: "p", File: "f"},
				SetBy: "profile in the provider block"}},
		"block: profile, file from the environment": {block: arguments{"profile": "p"}, env: everything,
			want: credential.Config{Source: credential.Profile{Name: "p", File: "env-file"},
				SetBy: "profile in the provider block"}},
		"block: file, profile from the environment": {block: arguments{"shared_credentials_file": "f"}, env: everything,
			want: credential.Config{Source: credential.Profile{Name: "env-profile", File: "f"},
				SetBy: "shared_credentials_file in the provider block"}},
		"block: URI": {block: arguments{"credentials_uri": "https://block.example"}, env: everything,
			want: credential.Config{Source: credential.URI{Address: "https://block.example"},
				SetBy: "credentials_uri in the provider block"}},
		"block: ECS role": {block: arguments{"ecs_role_name": "ecs"}, env: everything,
			want: credential.Config{Source: credential.ECSRole{Name: "ecs"},
				SetBy: "ecs_role_name in the provider block"}},
		"block: OIDC": {
			block: arguments{
				"assume_role_with_oidc": arguments{
					"oidc_provider_arn":  testProvider,
					"role_arn":           otherRole,
					"oidc_token":         "block-token",
					"role_session_name":  "session",
					"policy":             "{}",
					"session_expiration": 900,
				},
			},
			env: everything,
			want: credential.Config{Source: credential.OIDC{
				AssumeRole: credential.AssumeRole{
					RoleARN:     otherRole,
					SessionName: "session",
					Policy:      "{}",
					Expiration:  900,
				},
				ProviderARN: testProvider,
				Token:       "block-token",
			}, SetBy: "assume_role_with_oidc in the provider block"},
		},
		"block: OIDC, completed from the environment": {
			block: arguments{"assume_role_with_oidc": arguments{}},
			env:   everything,
			want: credential.Config{Source: credential.OIDC{
				AssumeRole: credential.AssumeRole{
					RoleARN:     testRole,
					SessionName: "terraform",
					Expiration:  3600,
				},
				ProviderARN: testProvider,
				TokenFile:   file,
			}, SetBy: "assume_role_with_oidc in the provider block"},
		},
		"block: token file, no token of the environment": {
			block: arguments{"assume_role_with_oidc": arguments{"oidc_token_file": file}},
			env: environment{
				"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider,
				"ALIBABA_CLOUD_ROLE_ARN":          testRole,
				"ALIBABA_CLOUD_OIDC_TOKEN":        "env-token",
			},
			want: credential.Config{Source: credential.OIDC{
				AssumeRole: credential.AssumeRole{
					RoleARN:     testRole,
					SessionName: "terraform",
					Expiration:  3600,
				},
				ProviderARN: testProvider,
				TokenFile:   file,
			}, SetBy: "assume_role_with_oidc in the provider block"},
		},
		"block: keys and a role": {
			block: arguments{
				"access_key": "id",
				"secret_key": "secret",
				"assume_role": arguments{
					"role_arn":           otherRole,
					"session_name":       "session",
					"policy":             "{}",
					"external_id":        "external",
					"session_expiration": 43200,
				},
			},
			env: everything,
			want: credential.Config{Source: credential.AccessKey{ID: "id", Secret: "secret"},
				SetBy: "access_key in the provider block",
				AssumeRole: &credential.AssumeRole{
					RoleARN:     otherRole,
					SessionName: "session",
					Policy:      "{}",
					ExternalID:  "external",
					Expiration:  43200,
				}},
		},
		"block: keys, no role of the environment": {block: arguments{"access_key": "id", "secret_key": "secret"}, env: environment{
			"ALIBABA_CLOUD_ROLE_ARN": testRole,
		},
			want: credential.Config{Source: credential.AccessKey{ID: "id", Secret: "secret"},
				SetBy: "access_key in the provider block"}},
		"block: role on keys of the environment": {
			block: arguments{"assume_role": arguments{"role_arn": otherRole}},
			env:   without(),
			want: credential.Config{Source: credential.AccessKey{ID: "env-id", Secret: "env-secret", Token: "env-token"},
				SetBy:      "ALIBABA_CLOUD_ACCESS_KEY_ID",
				AssumeRole: &credential.AssumeRole{RoleARN: otherRole, SessionName: "terraform", Expiration: 3600}},
		},
		"block: empty role is no role": {block: arguments{"assume_role": arguments{"role_arn": ""}}, want: credential.Config{
			Source: credential.Default{}}},
		"block: empty strings are as null": {
			block: arguments{"access_key": "", "secret_key": "", "profile": "", "ecs_role_name": "", "credentials_uri": ""},
			env:   everything,
			want: credential.Config{Source: credential.AccessKey{ID: "env-id", Secret: "env-secret", Token: "env-token"},
				SetBy: "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		},
		"block: an empty string is no conflict": {block: arguments{"profile": "", "ecs_role_name": "ecs"},
			want: credential.Config{Source: credential.ECSRole{Name: "ecs"},
				SetBy: "ecs_role_name in the provider block"}},

		"environment: keys": {
			env: everything,
			want: credential.Config{Source: credential.AccessKey{ID: "env-id", Secret: "env-secret", Token: "env-token"},
				SetBy: "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		},
		"environment: keys of the other family": {env: without(newKeys...),
			want: credential.Config{Source: credential.AccessKey{ID: "old-id", Secret: "old-secret", Token: "old-token"},
				SetBy: "ALICLOUD_ACCESS_KEY"}},
		"environment: families aren't mixed": {env: environment{
			"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret", "ALICLOUD_SECURITY_TOKEN": "old-token"},
			want: credential.Config{Source: credential.AccessKey{ID: "env-id", Secret: "env-secret"},
				SetBy: "ALIBABA_CLOUD_ACCESS_KEY_ID"}},
		"environment: OIDC": {
			env: without(keys...),
			want: credential.Config{Source: credential.OIDC{
				AssumeRole: credential.AssumeRole{
					RoleARN:     testRole,
					SessionName: "terraform",
					Expiration:  3600,
				},
				ProviderARN: testProvider,
				TokenFile:   file,
			}, SetBy: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
		},
		"environment: profile": {env: without(oidc...),
			want: credential.Config{Source: credential.Profile{Name: "env-profile", File: "env-file"},
				SetBy: "ALIBABA_CLOUD_PROFILE"}},
		"environment: profile by its other name": {env: environment{"ALICLOUD_PROFILE": "old-profile"},
			want: credential.Config{Source: credential.Profile{Name: "old-profile"}, SetBy: "ALICLOUD_PROFILE"}},
		"environment: file alone": {env: environment{"ALICLOUD_SHARED_CREDENTIALS_FILE": "env-file"},
			want: credential.Config{Source: credential.Profile{File: "env-file"},
				SetBy: "ALICLOUD_SHARED_CREDENTIALS_FILE"}},
		"environment: ECS role": {env: without(profile...),
			want: credential.Config{Source: credential.ECSRole{Name: "other-ecs"},
				SetBy: "ALIBABA_CLOUD_ECS_METADATA"}},
		"environment: ECS role by its other name": {env: environment{"ALICLOUD_ECS_ROLE_NAME": "env-ecs"},
			want: credential.Config{Source: credential.ECSRole{Name: "env-ecs"}, SetBy: "ALICLOUD_ECS_ROLE_NAME"}},
		"environment: URI": {env: without(ecs...),
			want: credential.Config{Source: credential.URI{Address: "https://env.example"},
				SetBy: "ALIBABA_CLOUD_CREDENTIALS_URI"}},
		"environment: URI by its other name": {env: environment{"ALICLOUD_CREDENTIALS_URI": "https://old.example"},
			want: credential.Config{Source: credential.URI{Address: "https://old.example"},
				SetBy: "ALICLOUD_CREDENTIALS_URI"}},
		"environment: no role without a block": {
			env: environment{
				"ALICLOUD_ACCESS_KEY":      "old-id",
				"ALICLOUD_SECRET_KEY":      "old-secret",
				"ALIBABA_CLOUD_ROLE_ARN":   testRole,
				"ALICLOUD_ASSUME_ROLE_ARN": testRole,
			},
			want: credential.Config{Source: credential.AccessKey{ID: "old-id", Secret: "old-secret"},
				SetBy: "ALICLOUD_ACCESS_KEY"},
		},
		"environment: no role on the default chain": {
			env:  environment{"ALIBABA_CLOUD_ROLE_ARN": testRole},
			want: credential.Config{Source: credential.Default{}},
		},
		"block: empty, role of the environment": {
			block: arguments{"assume_role": arguments{}},
			env: environment{
				"ALIBABA_CLOUD_ROLE_ARN":                  testRole,
				"ALIBABA_CLOUD_ROLE_SESSION_NAME":         "session",
				"ALIBABA_CLOUD_EXTERNAL_ID":               "external",
				"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION": "900",
			},
			want: credential.Config{Source: credential.Default{},
				AssumeRole: &credential.AssumeRole{RoleARN: testRole, SessionName: "session", ExternalID: "external", Expiration: 900}},
		},
		"block: empty, role by its other names": {
			block: arguments{"assume_role": arguments{}},
			env: environment{
				"ALICLOUD_ASSUME_ROLE_ARN":          testRole,
				"ALICLOUD_ASSUME_ROLE_SESSION_NAME": "session",
				"ALIBABACLOUD_EXTERNAL_ID":          "external",
			},
			want: credential.Config{Source: credential.Default{},
				AssumeRole: &credential.AssumeRole{RoleARN: testRole, SessionName: "session", ExternalID: "external", Expiration: 3600}},
		},
		"block: role, completed by the environment": {
			block: arguments{"assume_role": arguments{"role_arn": otherRole, "session_name": "mine"}},
			env: environment{
				"ALIBABA_CLOUD_ROLE_ARN":          testRole,
				"ALIBABA_CLOUD_ROLE_SESSION_NAME": "session",
				"ALIBABA_CLOUD_EXTERNAL_ID":       "external",
			},
			want: credential.Config{Source: credential.Default{},
				AssumeRole: &credential.AssumeRole{RoleARN: otherRole, SessionName: "mine", ExternalID: "external", Expiration: 3600}},
		},
		"block: keys and an empty role block": {block: arguments{"access_key": "id", "secret_key": "secret", "assume_role": arguments{}},
			env: environment{"ALIBABA_CLOUD_ROLE_ARN": testRole},
			want: credential.Config{Source: credential.AccessKey{ID: "id", Secret: "secret"},
				SetBy:      "access_key in the provider block",
				AssumeRole: &credential.AssumeRole{RoleARN: testRole, SessionName: "terraform", Expiration: 3600}}},
		"block: an empty string takes the role of the environment": {block: arguments{"assume_role": arguments{"role_arn": ""}},
			env: environment{"ALIBABA_CLOUD_ROLE_ARN": testRole},
			want: credential.Config{Source: credential.Default{},
				AssumeRole: &credential.AssumeRole{RoleARN: testRole, SessionName: "terraform", Expiration: 3600}}},
		"environment: a token alone isn't OIDC": {
			env: environment{
				"ALIBABA_CLOUD_OIDC_TOKEN":      "token",
				"ALIBABA_CLOUD_OIDC_TOKEN_FILE": file,
				"ALIBABA_CLOUD_ROLE_ARN":        testRole,
				"ALIBABA_CLOUD_PROFILE":         "p",
			},
			want: credential.Config{Source: credential.Profile{Name: "p"}, SetBy: "ALIBABA_CLOUD_PROFILE"},
		},
		"environment: OIDC by the CLI's names": {env: environment{
			"ALIBABACLOUD_OIDC_PROVIDER_ARN": testProvider, "ALIBABACLOUD_OIDC_TOKEN_FILE": file, "ALIBABACLOUD_ROLE_ARN": testRole},
			want: credential.Config{Source: credential.OIDC{
				AssumeRole: credential.AssumeRole{
					RoleARN:     testRole,
					SessionName: "terraform",
					Expiration:  3600,
				},
				ProviderARN: testProvider,
				TokenFile:   file,
			}, SetBy: "ALIBABACLOUD_OIDC_PROVIDER_ARN"}},
		"environment: keys by the CLI's names": {env: environment{
			"ALIBABACLOUD_ACCESS_KEY_ID": "id", "ALIBABACLOUD_ACCESS_KEY_SECRET": "secret", "ALIBABACLOUD_SECURITY_TOKEN": "token"},
			want: credential.Config{Source: credential.AccessKey{ID: "id", Secret: "secret", Token: "token"},
				SetBy: "ALIBABACLOUD_ACCESS_KEY_ID"}},
		"environment: keys by alicloud's other names": {env: environment{
			"ALICLOUD_ACCESS_KEY_ID":     "id",
			"ALICLOUD_ACCESS_KEY_SECRET": "secret",
		},
			want: credential.Config{Source: credential.AccessKey{ID: "id", Secret: "secret"},
				SetBy: "ALICLOUD_ACCESS_KEY_ID"}},
		"environment: profile by the CLI's name": {env: environment{"ALIBABACLOUD_PROFILE": "p", "ALICLOUD_PROFILE": "q"},
			want: credential.Config{Source: credential.Profile{Name: "p"}, SetBy: "ALIBABACLOUD_PROFILE"}},
		"environment: credentials file, the CLI's": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": cliFile, "ALIBABA_CLOUD_PROFILE": "p"},
			want: credential.Config{Source: credential.Profile{Name: "p", File: cliFile},
				SetBy: "ALIBABA_CLOUD_PROFILE"}},
		"environment: credentials file alone, the CLI's": {env: environment{
			"ALIBABA_CLOUD_CREDENTIALS_FILE":   cliFile,
			"ALICLOUD_SHARED_CREDENTIALS_FILE": "other",
		},
			want: credential.Config{Source: credential.Profile{File: cliFile},
				SetBy: "ALIBABA_CLOUD_CREDENTIALS_FILE"}},
		"environment: credentials file, INI": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": file, "ALIBABA_CLOUD_PROFILE": "p"},
			want: credential.Config{Source: credential.Profile{Name: "p", Files: credential.Files{INI: file}},
				SetBy: "ALIBABA_CLOUD_PROFILE"}},
		"environment: credentials file alone, INI": {
			env:  environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": file},
			want: credential.Config{Source: credential.Default{Files: credential.Files{INI: file}}},
		},
		"block: profile, credentials file of the environment": {block: arguments{"profile": "p"}, env: environment{
			"ALIBABA_CLOUD_CREDENTIALS_FILE": cliFile,
		},
			want: credential.Config{Source: credential.Profile{Name: "p", File: cliFile},
				SetBy: "profile in the provider block"}},
		"environment: the CLI's file elsewhere": {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": "f"}, want: credential.Config{
			Source: credential.Default{Files: credential.Files{CLI: "f"}}}},
		"environment: profiles ignored": {
			env: environment{
				"ALIBABA_CLOUD_IGNORE_PROFILE":     "TRUE",
				"ALIBABA_CLOUD_PROFILE":            "p",
				"ALICLOUD_SHARED_CREDENTIALS_FILE": "f",
				"ALIBABA_CLOUD_ECS_METADATA":       "r",
			},
			want: credential.Config{Source: credential.ECSRole{Name: "r"}, SetBy: "ALIBABA_CLOUD_ECS_METADATA"},
		},
		"environment: profiles ignored, section": {env: environment{"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true", "ALIBABA_CLOUD_PROFILE": "p"},
			want: credential.Config{
				Source: credential.Default{Section: "p", NoCLI: "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"}}},
		"environment: profiles ignored, by its other name": {env: environment{"ALIBABACLOUD_IGNORE_PROFILE": "1"},
			want: credential.Config{Source: credential.Default{NoCLI: "ALIBABACLOUD_IGNORE_PROFILE"}}},
		"environment: profiles not ignored": {env: environment{"ALIBABA_CLOUD_IGNORE_PROFILE": "FALSE", "ALIBABA_CLOUD_PROFILE": "p"},
			want: credential.Config{Source: credential.Profile{Name: "p"}, SetBy: "ALIBABA_CLOUD_PROFILE"}},
		"block: profiles ignored, but for the block": {block: arguments{"profile": "p"}, env: environment{
			"ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE",
		},
			want: credential.Config{Source: credential.Profile{Name: "p"}, SetBy: "profile in the provider block"}},
		"environment: no commands": {env: environment{"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": "1"},
			want: credential.Config{
				Source: credential.Default{Files: credential.Files{NoExternal: "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"}}}},
		"environment: STS": {
			env: environment{
				"ALIBABA_CLOUD_STS_ENDPOINT":         "sts-vpc.cn-beijing.aliyuncs.com",
				"ALIBABA_CLOUD_STS_REGION":           "cn-beijing",
				"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true",
			},
			want: credential.Config{
				Source: credential.Default{},
				STS:    credential.STS{Fallback: "sts-vpc.cn-beijing.aliyuncs.com", Region: "cn-beijing", VPC: true}},
		},
		"block: STS": {block: arguments{"endpoints": arguments{"sts": "sts.aliyuncs.com"}}, env: environment{
			"ALIBABA_CLOUD_STS_ENDPOINT": "sts.invalid",
		},
			want: credential.Config{Source: credential.Default{}, STS: credential.STS{Endpoint: "sts.aliyuncs.com"}}},
		"environment: with OIDC, the role is its own": {
			env: without(keys...),
			want: credential.Config{Source: credential.OIDC{
				AssumeRole: credential.AssumeRole{
					RoleARN:     testRole,
					SessionName: "terraform",
					Expiration:  3600,
				},
				ProviderARN: testProvider,
				TokenFile:   file,
			}, SetBy: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
		},
		"block: with OIDC of the environment, another role on top": {
			block: arguments{"assume_role": arguments{}},
			env: environment{
				"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider,
				"ALIBABA_CLOUD_OIDC_TOKEN":        "env-token",
				"ALIBABA_CLOUD_ROLE_ARN":          testRole,
				"ALICLOUD_ASSUME_ROLE_ARN":        otherRole,
			},
			want: credential.Config{Source: credential.OIDC{
				AssumeRole: credential.AssumeRole{
					RoleARN:     testRole,
					SessionName: "terraform",
					Expiration:  3600,
				},
				ProviderARN: testProvider,
				Token:       "env-token",
			},
				SetBy:      "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
				AssumeRole: &credential.AssumeRole{RoleARN: otherRole, SessionName: "terraform", Expiration: 3600}},
		},
		"nothing: the default chain": {want: credential.Config{Source: credential.Default{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, unknown, diags := test.env.resolve(t, test.block)
			if unknown.HasError() {
				t.Fatalf("got %v, want nothing unknown", unknown)
			}
			if diags.HasError() {
				t.Fatalf("got %v, want no error", diags)
			}
			switch source := got.Source.(type) { // which variables complete a profile is another test's
			case credential.Profile:
				source.Completion = credential.Completion{}
				got.Source = source
			case credential.Default:
				source.Completion = credential.Completion{}
				got.Source = source
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestVariablesCompleteAProfile(t *testing.T) {
	t.Parallel()
	got, _, _ := environment{
		"ALIBABA_CLOUD_CREDENTIALS_URI": "https://env.example", "ALIBABACLOUD_OIDC_PROVIDER_ARN": testProvider,
		"ALIBABA_CLOUD_OIDC_TOKEN": "token", "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "file", "ALIBABA_CLOUD_ROLE_ARN": testRole,
		"ALIBABA_CLOUD_ROLE_SESSION_NAME": "session", "ALIBABA_CLOUD_EXTERNAL_ID": "external",
	}.resolve(t, arguments{"profile": "p"})
	want := credential.Profile{Name: "p", Files: credential.Files{Completion: credential.Completion{
		URI: "https://env.example",
		OIDC: credential.OIDC{
			AssumeRole:  credential.AssumeRole{RoleARN: testRole, SessionName: "session", ExternalID: "external"},
			ProviderARN: testProvider, Token: "token", TokenFile: "file",
		},
	}}}
	if got.Source != want {
		t.Errorf("got  %+v\nwant %+v", got.Source, want)
	}
}

// problem is a diagnostic: its path, and parts of its summary and detail.
type problem struct{ path, summary, detail string }

func (p problem) is(d diag.Diagnostic) bool {
	at, ok := d.(diag.DiagnosticWithPath)
	return ok && at.Path().String() == p.path && strings.Contains(d.Summary(), p.summary) && strings.Contains(d.Detail(), p.detail)
}

func checkProblems(t *testing.T, diags diag.Diagnostics, want []problem) {
	t.Helper()
	if len(diags) != len(want) {
		t.Errorf("got %d problems, want %d", len(diags), len(want))
	}
	for _, d := range diags {
		if !slices.Contains(knownSummaries, d.Summary()) {
			t.Errorf("got summary %q, want one of knownSummaries", d.Summary())
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(diags, w.is) {
			t.Errorf("got no such problem, want %+v", w)
		}
	}
	for _, d := range diags {
		if strings.Contains(d.Summary()+d.Detail(), hush) {
			t.Errorf("got a secret, want it left out: %s", d.Detail())
		}
		if t.Failed() {
			t.Logf("%s\n%s", d.Summary(), d.Detail())
		}
	}
}

func TestCredentialProblems(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block arguments
		env   environment
		want  []problem
	}{
		"no secret key": {
			block: arguments{"access_key": "id"},
			env:   environment{"ALIBABA_CLOUD_ACCESS_KEY_SECRET": hush},
			want: []problem{
				{
					path:    "secret_key",
					summary: "Missing Alibaba Cloud secret key",
					detail: "access_key is set, but secret_key is not. Both are needed to sign requests, and both have to be set in the " +
						"same place",
				},
			},
		},
		"no access key": {block: arguments{"secret_key": hush}, env: environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id"},
			want: []problem{{
				path:    "access_key",
				summary: "Missing Alibaba Cloud access key",
				detail:  "secret_key is set, but access_key is not.",
			}}},
		"only a token": {block: arguments{"security_token": hush}, env: environment{
			"ALIBABA_CLOUD_ACCESS_KEY_ID":     "id",
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s",
		},
			want: []problem{{path: "access_key", summary: "Missing Alibaba Cloud access key", detail: "security_token is set"}}},
		"half a pair in the environment": {
			env: environment{
				"ALIBABA_CLOUD_ACCESS_KEY_ID": "id",
				"ALICLOUD_ACCESS_KEY":         "id",
				"ALICLOUD_SECRET_KEY":         hush,
			},
			want: []problem{
				{
					path:    "secret_key",
					summary: "Missing Alibaba Cloud secret key",
					detail: "ALIBABA_CLOUD_ACCESS_KEY_ID is set, but ALIBABA_CLOUD_ACCESS_KEY_SECRET is not. Both are needed to sign requests, and both " +
						"have to be set in the same place: the provider block, or one family of variables. Set ALIBABA_CLOUD_ACCESS_KEY_SECRET as well",
				},
			},
		},
		"half a pair of the other family": {env: environment{"ALICLOUD_SECRET_KEY": hush},
			want: []problem{{
				path:    "access_key",
				summary: "Missing Alibaba Cloud access key",
				detail:  "ALICLOUD_SECRET_KEY is set, but ALICLOUD_ACCESS_KEY is not",
			}}},
		"copied with quotes and spaces": {
			block: arguments{"access_key": `"id"`, "secret_key": hush + "\n", "security_token": hush + " " + hush},
			want: []problem{
				{path: "access_key", summary: "Invalid access key", detail: "access_key can't be used: it has quotes in or around it"},
				{path: "secret_key", summary: "Invalid secret key", detail: "secret_key can't be used: it begins or ends with white space"},
				{path: "security_token", summary: "Invalid security token", detail: "security_token can't be used: it has white space in it"},
			},
		},
		"copied into the environment": {env: environment{
			"ALIBABA_CLOUD_ACCESS_KEY_ID":     "id",
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET": " " + hush,
		},
			want: []problem{{
				path:    "secret_key",
				summary: "Invalid secret key",
				detail:  "ALIBABA_CLOUD_ACCESS_KEY_SECRET can't be used: it begins or ends with white space",
			}}},
		"two sources": {block: arguments{"access_key": "id", "secret_key": hush, "profile": "p"},
			want: []problem{{
				path:    "profile",
				summary: "Conflicting sources of credentials",
				detail:  "access_key and profile are both set",
			}}},
		"three sources": {
			block: arguments{"shared_credentials_file": "f", "credentials_uri": "https://a.example", "assume_role_with_oidc": arguments{
				"oidc_provider_arn": testProvider, "role_arn": testRole, "oidc_token": "token"}},
			want: []problem{
				{
					path:    "shared_credentials_file",
					summary: "Conflicting sources",
					detail:  "assume_role_with_oidc and shared_credentials_file",
				},
				{path: "credentials_uri", summary: "Conflicting sources", detail: "assume_role_with_oidc and credentials_uri"}},
		},
		"plain URI": {
			block: arguments{"credentials_uri": "http://me:" + hush + "@example.com/x?k=" + hush},
			want: []problem{
				{
					path:    "credentials_uri",
					summary: "Invalid credentials URI",
					detail:  `credentials_uri can't be used: http is only allowed`,
				},
			},
		},
		"URI of the environment": {env: environment{"ALICLOUD_CREDENTIALS_URI": "ftp://example.com"},
			want: []problem{{
				path:    "credentials_uri",
				summary: "Invalid credentials URI",
				detail:  `ALICLOUD_CREDENTIALS_URI can't be used`,
			}}},
		"ECS role's ARN": {block: arguments{"ecs_role_name": testRole},
			want: []problem{{path: "ecs_role_name", summary: "Invalid ECS role name", detail: "ecs_role_name is \"" + testRole}}},
		"everything about a role": {
			block: arguments{
				"access_key": "id",
				"secret_key": hush,
				"assume_role": arguments{
					"role_arn":           "arn:aws:iam::1:role/x",
					"session_name":       "a session",
					"policy":             "{",
					"external_id":        "x",
					"session_expiration": 899,
				},
			},
			want: []problem{
				{
					path:    "assume_role.role_arn",
					summary: "Invalid role ARN",
					detail:  `assume_role.role_arn is "arn:aws:iam::1:role/x"`,
				},
				{path: "assume_role.session_name", summary: "Invalid session name", detail: `is "a session"`},
				{
					path:    "assume_role.policy",
					summary: "Invalid policy",
					detail:  "isn't a JSON object: unexpected end of JSON input",
				},
				{path: "assume_role.external_id", summary: "Invalid external ID", detail: `is "x"`},
				{
					path:    "assume_role.session_expiration",
					summary: "Invalid number",
					detail:  `is "899": it isn't a whole number from 900 to 43200`,
				},
			},
		},
		"role of the environment": {
			block: arguments{"assume_role": arguments{}},
			env: environment{"ALIBABA_CLOUD_ROLE_ARN": "role/x", "ALIBABA_CLOUD_ROLE_SESSION_NAME": "x",
				"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION": "1h",
				"ALIBABA_CLOUD_EXTERNAL_ID":               "?"},
			want: []problem{
				{path: "assume_role.role_arn", summary: "Invalid role ARN", detail: `ALIBABA_CLOUD_ROLE_ARN is "role/x"`},
				{
					path:    "assume_role.session_name",
					summary: "Invalid session name",
					detail:  `ALIBABA_CLOUD_ROLE_SESSION_NAME is "x"`,
				},
				{
					path:    "assume_role.session_expiration",
					summary: "Invalid number",
					detail:  `ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION is "1h": it isn't a whole number from 900`,
				},
				{path: "assume_role.external_id", summary: "Invalid external ID", detail: `ALIBABA_CLOUD_EXTERNAL_ID is "?"`}},
		},
		"null role beside OIDC, whose role it isn't": {
			block: arguments{"assume_role": arguments{"role_arn": nil}, "assume_role_with_oidc": arguments{
				"oidc_provider_arn": testProvider, "oidc_token": "token"}},
			env: environment{"ALIBABA_CLOUD_ROLE_ARN": testRole},
			want: []problem{{
				path:    "assume_role.role_arn",
				summary: "Missing role ARN",
				detail:  ": assume_role.role_arn, ALICLOUD_ASSUME_ROLE_ARN.",
			}},
		},
		"STS of the environment": {
			env: environment{"ALIBABA_CLOUD_STS_ENDPOINT": "http://127.0.0.1"},
			want: []problem{
				{
					path:    "endpoints.sts",
					summary: "Invalid endpoint",
					detail:  `ALIBABA_CLOUD_STS_ENDPOINT can't be used: STS is only asked over https`,
				},
			},
		},
		"half a pair of the CLI's names": {
			env: environment{"ALIBABACLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_SECURITY_TOKEN": ""},
			want: []problem{
				{
					path:    "secret_key",
					summary: "Missing Alibaba Cloud secret key",
					detail:  "ALIBABACLOUD_ACCESS_KEY_ID is set, but ALIBABACLOUD_ACCESS_KEY_SECRET is not",
				},
			},
		},
		"halves of two families": {env: environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALICLOUD_SECRET_KEY": hush},
			want: []problem{{
				path:    "secret_key",
				summary: "Missing Alibaba Cloud secret key",
				detail:  "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not",
			}}},
		"invisible character in the environment": {env: environment{
			"ALIBABA_CLOUD_ACCESS_KEY_ID":     "id\u200b",
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET": hush,
		},
			want: []problem{{
				path:    "access_key",
				summary: "Invalid access key",
				detail:  "ALIBABA_CLOUD_ACCESS_KEY_ID can't be used: it has a character in it that is invisible",
			}}},
		"no role": {
			block: arguments{"assume_role": arguments{"session_name": "ok"}},
			want: []problem{
				{
					path:    "assume_role.role_arn",
					summary: "Missing role ARN",
					detail: "None of these is set, and one of them has to be: " +
						"assume_role.role_arn, ALIBABA_CLOUD_ROLE_ARN, ALIBABACLOUD_ROLE_ARN, ALICLOUD_ASSUME_ROLE_ARN. " +
						`To assume no role, leave the block out, or set role_arn to "".`,
				},
			},
		},
		"everything about OIDC": {
			block: arguments{
				"assume_role_with_oidc": arguments{
					"oidc_provider_arn":  "x",
					"role_arn":           "y",
					"oidc_token":         hush + "\n",
					"role_session_name":  "z",
					"session_expiration": 43201,
					"policy":             "[]",
				},
			},
			want: []problem{
				{path: "assume_role_with_oidc.oidc_provider_arn", summary: "Invalid OIDC provider ARN", detail: `is "x"`},
				{path: "assume_role_with_oidc.role_arn", summary: "Invalid role ARN", detail: `is "y"`},
				{
					path:    "assume_role_with_oidc.oidc_token",
					summary: "Invalid OIDC token",
					detail:  "begins or ends with white space",
				},
				{path: "assume_role_with_oidc.role_session_name", summary: "Invalid session name", detail: `is "z"`},
				{path: "assume_role_with_oidc.policy", summary: "Invalid policy", detail: "isn't a JSON object"},
				{path: "assume_role_with_oidc.session_expiration", summary: "Invalid number", detail: `is "43201"`},
			},
		},
		"nothing about OIDC": {
			block: arguments{"assume_role_with_oidc": arguments{}},
			want: []problem{
				{
					path:    "assume_role_with_oidc.oidc_provider_arn",
					summary: "Missing OIDC provider ARN",
					detail:  "assume_role_with_oidc.oidc_provider_arn, ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABACLOUD_OIDC_PROVIDER_ARN.",
				},
				{
					path:    "assume_role_with_oidc.role_arn",
					summary: "Missing role ARN",
					detail:  "assume_role_with_oidc.role_arn, ALIBABA_CLOUD_ROLE_ARN, ALIBABACLOUD_ROLE_ARN.",
				},
				{
					path:    "assume_role_with_oidc.oidc_token_file",
					summary: "Missing OIDC token",
					detail: "assume_role_with_oidc.oidc_token_file, ALIBABA_CLOUD_OIDC_TOKEN_FILE, ALIBABACLOUD_OIDC_TOKEN_FILE, " +
						"assume_role_with_oidc.oidc_token, ALIBABA_CLOUD_OIDC_TOKEN.",
				},
			},
		},
		"two tokens": {
			block: arguments{
				"assume_role_with_oidc": arguments{
					"oidc_provider_arn": testProvider,
					"role_arn":          testRole,
					"oidc_token":        hush,
					"oidc_token_file":   os.Args[0],
				},
			},
			want: []problem{
				{
					path:    "assume_role_with_oidc.oidc_token_file",
					summary: "Conflicting OIDC tokens",
					detail:  "assume_role_with_oidc.oidc_token and assume_role_with_oidc.oidc_token_file",
				},
			},
		},
		"half of OIDC in the environment": {
			env: environment{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/nowhere/token"},
			want: []problem{
				{path: "assume_role_with_oidc.role_arn", summary: "Missing role ARN", detail: ""},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, diags := test.env.resolve(t, test.block)
			checkProblems(t, diags, test.want)
		})
	}
}

// TestUnknownCredentials checks that an unknown value counts neither as missing nor as a conflict.
func TestUnknownCredentials(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block arguments
		want  []problem
	}{
		"secret key": {block: arguments{"access_key": "id", "secret_key": unknown{}},
			want: []problem{{
				path:    "secret_key",
				summary: "Unknown provider argument",
				detail:  "set ALIBABA_CLOUD_ACCESS_KEY_SECRET instead",
			}}},
		"both keys": {block: arguments{"access_key": unknown{}, "secret_key": unknown{}},
			want: []problem{{
				path:    "access_key",
				summary: "Unknown",
				detail:  "set ALIBABA_CLOUD_ACCESS_KEY_ID instead",
			}, {
				path:    "secret_key",
				summary: "Unknown",
				detail:  "",
			}}},
		"profile": {block: arguments{"profile": unknown{}}, want: []problem{{
			path:    "profile",
			summary: "Unknown",
			detail:  "set ALIBABA_CLOUD_PROFILE instead",
		}}},
		"URI": {
			block: arguments{"credentials_uri": unknown{}},
			want:  []problem{{path: "credentials_uri", summary: "Unknown", detail: "set ALIBABA_CLOUD_CREDENTIALS_URI instead"}},
		},
		"ECS role": {
			block: arguments{"ecs_role_name": unknown{}},
			want:  []problem{{path: "ecs_role_name", summary: "Unknown", detail: "set ALIBABA_CLOUD_ECS_METADATA instead"}},
		},
		"role": {
			block: arguments{"assume_role": arguments{"role_arn": unknown{}}},
			want:  []problem{{path: "assume_role.role_arn", summary: "Unknown", detail: "set ALIBABA_CLOUD_ROLE_ARN instead"}},
		},
		"role's block": {block: arguments{"assume_role": unknown{}}, want: []problem{{
			path:    "assume_role",
			summary: "Unknown",
			detail:  "known at plan time",
		}}},
		"OIDC's block": {
			block: arguments{"assume_role_with_oidc": unknown{}},
			want:  []problem{{path: "assume_role_with_oidc", summary: "Unknown", detail: "known at plan time"}},
		},
		"OIDC provider": {
			block: arguments{"assume_role_with_oidc": arguments{"oidc_provider_arn": unknown{}, "role_arn": testRole, "oidc_token": "t"}},
			want:  []problem{{path: "assume_role_with_oidc.oidc_provider_arn", summary: "Unknown", detail: ""}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, unknown, diags := environment{}.resolve(t, test.block)
			checkProblems(t, unknown, test.want)
			if len(diags) > 0 {
				t.Errorf("got %v, want nothing but what is unknown", diags)
			}
		})
	}
}

// TestValidate checks that terraform validate looks at the block alone.
func TestValidate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block arguments
		want  []problem
	}{
		"complete by the environment": {
			block: arguments{"assume_role": arguments{}, "assume_role_with_oidc": arguments{"oidc_token_file": "/nowhere"}},
			want:  nil,
		},
		"half a pair": {block: arguments{"access_key": "id"}, want: []problem{{
			path:    "secret_key",
			summary: "Missing",
			detail:  "",
		}}},
		// Whether a variable of the root module is null is known later.
		"keys, and what may be null": {
			block: arguments{
				"access_key":      "id",
				"secret_key":      "secret",
				"security_token":  unknown{},
				"profile":         unknown{},
				"credentials_uri": unknown{},
				"ecs_role_name":   unknown{},
			},
			want: nil,
		},
		"a profile, and keys that may be null": {block: arguments{"access_key": unknown{}, "secret_key": unknown{}, "profile": "p"}, want: nil},
		"what may be half a pair":              {block: arguments{"access_key": unknown{}}, want: nil},
		"what may be the other half":           {block: arguments{"access_key": unknown{}, "secret_key": "secret"}, want: nil},
		"half a pair for certain": {
			block: arguments{"secret_key": "secret", "security_token": unknown{}},
			want:  []problem{{path: "access_key", summary: "Missing", detail: ""}},
		},
		"a token file, and a token that may be null": {
			block: arguments{"assume_role_with_oidc": arguments{"oidc_token": unknown{}, "oidc_token_file": "/nowhere"}},
			want:  nil,
		},
		"a conflict for certain, behind what may be null": {block: arguments{"access_key": unknown{}, "profile": "p", "ecs_role_name": "r"},
			want: []problem{{path: "ecs_role_name", summary: "Conflicting", detail: "profile and ecs_role_name"}}},
		"conflict": {
			block: arguments{"profile": "p", "ecs_role_name": "r"},
			want:  []problem{{path: "ecs_role_name", summary: "Conflicting", detail: "profile and ecs_role_name"}},
		},
		"all at once": {
			block: arguments{
				"region":        "Hangzhou",
				"endpoints":     arguments{"cas": "http://me:" + hush + "@example.com", "sts": "http://127.0.0.1"},
				"ecs_role_name": "a b",
			},
			want: []problem{
				{path: "region", summary: "Invalid region", detail: `region is "Hangzhou"`},
				{path: "endpoints.cas", summary: "Invalid endpoint", detail: `endpoints.cas can't be used: it holds a user name or a password`},
				{path: "endpoints.sts", summary: "Invalid endpoint", detail: "STS is only asked over https"},
				{path: "ecs_role_name", summary: "Invalid ECS role name", detail: `"a b"`},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := environment{}.resolver(t, test.block)
			r.validating = true
			r.resolve(t.Context())
			checkProblems(t, r.diags, test.want)
		})
	}
}

func TestSTSEndpoint(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "sts.aliyuncs.com": "sts.aliyuncs.com", "https://sts.aliyuncs.com/": "sts.aliyuncs.com", "127.0.0.1:8443": "127.0.0.1:8443",
		"[::1]:8443": "[::1]:8443",
	} {
		config, _, diags := environment{}.resolve(t, arguments{"endpoints": arguments{"sts": given}})
		if config.STS.Endpoint != want {
			t.Errorf("%q: got %q, want %q", given, config.STS.Endpoint, want)
		}
		if len(diags) > 0 {
			t.Errorf("%q: got %v, want no diagnostics", given, diags)
		}
	}
}

// TestTokenFileProblems checks that the read names the token file that it can't read, and who named it.
func TestTokenFileProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, test := range map[string]struct{ file, want string }{
		"absent":    {file: filepath.Join(dir, "token"), want: "Alibaba Cloud credentials not found"},
		"directory": {file: dir, want: "Alibaba Cloud credentials can't be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlugin(t, environment{
				"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider,
				"ALIBABA_CLOUD_ROLE_ARN":          testRole,
				"ALIBABA_CLOUD_OIDC_TOKEN_FILE":   test.file,
			})
			if diagnostics := p.configure(t, nil); len(diagnostics) > 0 {
				t.Fatal(texts(diagnostics))
			}
			_, diagnostics := p.read(t, nil)
			text := texts(diagnostics)
			for _, want := range []string{test.want, "(ALIBABA_CLOUD_OIDC_PROVIDER_ARN)", test.file} {
				if !strings.Contains(text, want) {
					t.Errorf("got no %q, want it said:\n%s", want, text)
				}
			}
		})
	}
}

func TestSecretNames(t *testing.T) {
	t.Parallel()
	_, _, diags := environment{}.resolve(t, arguments{"assume_role_with_oidc": arguments{"oidc_provider_arn": testProvider,
		"role_arn": testRole, "oidc_token": "to ken"}})
	checkProblems(t, diags, []problem{{
		path:    "assume_role_with_oidc.oidc_token",
		summary: "Invalid OIDC token",
		detail:  "has white space in it",
	}})
}
