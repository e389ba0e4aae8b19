package provider

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

const (
	testRole     = "acs:ram::1234567890123456:role/reader"
	otherRole    = "acs:ram::1234567890123456:role/other"
	testProvider = "acs:ram::1234567890123456:oidc-provider/ci"
	hush         = "hUsH-sEcReT-vAlUe"
	byBlock      = " in the provider block"
)

// arguments are the arguments of a provider block. A map is a nested block, nil is null, and
// unknown{} is unknown.
type arguments map[string]any

type unknown struct{}

type environment map[string]string

// with returns the environment with other variables added.
func (e environment) with(more environment) environment {
	all := maps.Clone(e)
	maps.Copy(all, more)
	return all
}

func (e environment) resolver(t *testing.T, block arguments) *resolver {
	t.Helper()
	var resp provider.SchemaResponse
	New("test").Schema(t.Context(), provider.SchemaRequest{}, &resp)
	raw := encoded(t, resp.Schema.Type().TerraformType(t.Context()), block)
	return &resolver{ctx: t.Context(), config: tfsdk.Config{Raw: raw, Schema: resp.Schema}, getenv: e.get}
}

// TestCredentials checks which settings make up a source, beyond which source counts: the second
// opinion and a real Terraform show that.
func TestCredentials(t *testing.T) {
	t.Parallel()
	type (
		oidc  = credential.OIDC
		role  = credential.AssumeRole
		files = credential.Files
	)
	const provider = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
	dir := t.TempDir()
	file, cliFile := filepath.Join(dir, "token"), filepath.Join(dir, "config.json")
	writeFile(t, file, "token")
	writeFile(t, cliFile, "\xef\xbb\xbf\n{}")
	withOIDC := environment{provider: testProvider, "ALIBABA_CLOUD_ROLE_ARN": testRole}
	everything := withOIDC.with(environment{
		"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret",
		"ALIBABA_CLOUD_SECURITY_TOKEN": "env-token", "ALICLOUD_ACCESS_KEY": "old", "ALICLOUD_SECRET_KEY": "old",
		"ALIBABA_CLOUD_OIDC_TOKEN_FILE": file, "ALIBABA_CLOUD_PROFILE": "env-profile",
		"ALICLOUD_SHARED_CREDENTIALS_FILE": "env-file", "ALICLOUD_ECS_ROLE_NAME": "env-ecs",
		"ALIBABA_CLOUD_CREDENTIALS_URI": "https://env.example",
	})
	completing := everything.resolver(t, nil).files()
	keys := credential.AccessKey{ID: "env-id", Secret: "env-secret", Token: "env-token"}
	reader := role{RoleARN: testRole, SessionName: "terraform", Expiration: 3600}
	for name, test := range map[string]struct {
		block  arguments
		env    environment
		source credential.Source
		setBy  string
		role   *role
		sts    credential.STS
	}{
		"keys of the block, and a role with everything": {
			block: arguments{"access_key": "id", "secret_key": "secret", "security_token": "token", "assume_role": arguments{
				"role_arn": otherRole, "session_name": "s", "policy": "{}", "external_id": "x", "session_expiration": 43200,
			}},
			env:    everything,
			source: credential.AccessKey{ID: "id", Secret: "secret", Token: "token"}, setBy: "access_key" + byBlock,
			role: &role{RoleARN: otherRole, SessionName: "s", Policy: "{}", ExternalID: "x", Expiration: 43200},
		},
		"profile of the block, file of the environment": {block: arguments{"profile": "p"}, env: everything,
			source: credential.Profile{Name: "p", File: "env-file", Files: completing}, setBy: "profile" + byBlock},
		"file of the block, profile of the environment": {
			block: arguments{"shared_credentials_file": "f"}, env: everything, setBy: "shared_credentials_file" + byBlock,
			source: credential.Profile{Name: "env-profile", File: "f", Files: completing}},
		"OIDC of the block": {
			block: arguments{"assume_role_with_oidc": arguments{
				"oidc_provider_arn": testProvider, "role_arn": otherRole, "oidc_token": "block-token",
				"role_session_name": "s", "policy": "{}", "session_expiration": 900,
			}},
			env: everything, setBy: "assume_role_with_oidc" + byBlock, source: oidc{
				ProviderARN: testProvider, Token: "block-token",
				AssumeRole: role{RoleARN: otherRole, SessionName: "s", Policy: "{}", Expiration: 900},
			},
		},
		"OIDC of the block, completed by the environment": {
			block: arguments{"assume_role_with_oidc": arguments{}}, env: everything,
			source: oidc{AssumeRole: reader, ProviderARN: testProvider, TokenFile: file},
			setBy:  "assume_role_with_oidc" + byBlock},
		"token file of the block, no token of the environment": {
			block:  arguments{"assume_role_with_oidc": arguments{"oidc_token_file": "f"}},
			env:    withOIDC.with(environment{"ALIBABA_CLOUD_OIDC_TOKEN": "env-token", "TFC_WORKLOAD_IDENTITY_TOKEN": "hcp"}),
			source: oidc{AssumeRole: reader, ProviderARN: testProvider, TokenFile: "f"},
			setBy:  "assume_role_with_oidc" + byBlock},
		"token of HCP Terraform": {env: withOIDC.with(environment{"TFC_WORKLOAD_IDENTITY_TOKEN": "hcp"}),
			source: oidc{AssumeRole: reader, ProviderARN: testProvider, Token: "hcp"}, setBy: provider},
		"token file before the token of HCP Terraform": {
			env:    withOIDC.with(environment{"TFC_WORKLOAD_IDENTITY_TOKEN": "hcp", "ALIBABA_CLOUD_OIDC_TOKEN_FILE": file}),
			source: oidc{AssumeRole: reader, ProviderARN: testProvider, TokenFile: file}, setBy: provider},
		"token of HCP Terraform alone": {env: environment{"TFC_WORKLOAD_IDENTITY_TOKEN": "hcp"},
			source: credential.Default{Files: files{Role: oidc{Token: "hcp"}}}},
		"OIDC of the environment, another role on top": {block: arguments{"assume_role": arguments{}},
			env:    withOIDC.with(environment{"ALIBABA_CLOUD_OIDC_TOKEN": "env-token", "ALICLOUD_ASSUME_ROLE_ARN": otherRole}),
			source: oidc{AssumeRole: reader, ProviderARN: testProvider, Token: "env-token"}, setBy: provider,
			role: &role{RoleARN: otherRole, SessionName: "terraform", Expiration: 3600}},
		"empty keys": {
			block: arguments{"access_key": "", "secret_key": "", "profile": "", "ecs_role_name": "", "credentials_uri": ""},
			env:   everything, source: keys, setBy: "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"empty keys, and nothing else": {block: arguments{"access_key": "", "secret_key": ""},
			source: credential.Default{}, setBy: "the provider block leaves access_key and secret_key empty"},
		"an empty string is no conflict": {block: arguments{"access_key": "", "profile": "", "ecs_role_name": "ecs"},
			source: credential.ECSRole{Name: "ecs"}, setBy: "ecs_role_name" + byBlock},
		"keys of one family": {
			env: environment{"ALIBABACLOUD_ACCESS_KEY_ID": "id", "ALIBABACLOUD_ACCESS_KEY_SECRET": "secret",
				"ALICLOUD_SECURITY_TOKEN": "old"},
			source: credential.AccessKey{ID: "id", Secret: "secret"}, setBy: "ALIBABACLOUD_ACCESS_KEY_ID",
		},
		"no role without a block": {env: everything.with(environment{"ALICLOUD_ASSUME_ROLE_ARN": testRole}),
			source: keys, setBy: "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"no role where it is empty": {
			block: arguments{"assume_role": arguments{"role_arn": ""}}, source: credential.Default{}},
		"empty role, completed by the environment": {
			block: arguments{"assume_role": arguments{"role_arn": ""}}, source: credential.Default{},
			env: environment{"ALICLOUD_ASSUME_ROLE_ARN": testRole, "ALICLOUD_ASSUME_ROLE_SESSION_NAME": "session",
				"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION": "900"},
			role: &role{RoleARN: testRole, SessionName: "session", Expiration: 900},
		},
		"credentials file, the CLI's": {
			env:    environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": cliFile, "ALICLOUD_SHARED_CREDENTIALS_FILE": "other"},
			source: credential.Profile{File: cliFile}, setBy: "ALIBABA_CLOUD_CREDENTIALS_FILE"},
		"credentials file, INI": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": file, "ALIBABA_CLOUD_PROFILE": "p"},
			source: credential.Profile{Name: "p", Files: files{INI: file}}, setBy: "ALIBABA_CLOUD_PROFILE"},
		"profiles ignored": {
			env: environment{"ALIBABACLOUD_IGNORE_PROFILE": "1", "ALIBABA_CLOUD_PROFILE": "p",
				"ALIBABA_CLOUD_CONFIG_FILE": "f", "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": "TRUE"},
			source: credential.Default{Section: "p", NoCLI: "ALIBABACLOUD_IGNORE_PROFILE",
				Files: files{CLI: "f", NoExternal: "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"}},
		},
		"profiles not ignored": {
			env:    environment{"ALIBABA_CLOUD_IGNORE_PROFILE": "false", "ALIBABA_CLOUD_PROFILE": "p"},
			source: credential.Profile{Name: "p"}, setBy: "ALIBABA_CLOUD_PROFILE"},
		"profiles ignored, but for the block": {
			block: arguments{"profile": "p"}, env: environment{"ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE"},
			source: credential.Profile{Name: "p"}, setBy: "profile" + byBlock},
		"variables that complete a profile": {
			env: environment{"ALIBABACLOUD_ROLE_ARN": testRole, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "f",
				"ALIBABA_CLOUD_EXTERNAL_ID": "?", "ALIBABA_CLOUD_ROLE_SESSION_NAME": "s"},
			source: credential.Default{Files: files{Role: oidc{
				TokenFile: "f", AssumeRole: role{RoleARN: testRole, SessionName: "s", ExternalID: "?"},
			}}},
		},
		"STS of the environment": {
			env: environment{"ALIBABA_CLOUD_STS_ENDPOINT": "https://sts-vpc.cn-beijing.aliyuncs.com/",
				"ALIBABA_CLOUD_STS_REGION": "cn-beijing", "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true"},
			source: credential.Default{},
			sts:    credential.STS{Fallback: "sts-vpc.cn-beijing.aliyuncs.com", Region: "cn-beijing", VPC: true},
		},
		"STS of the block": {block: arguments{"endpoints": arguments{"sts": "[::1]:8443"}},
			env:    environment{"ALIBABA_CLOUD_STS_ENDPOINT": "sts.invalid"},
			source: credential.Default{}, sts: credential.STS{Endpoint: "[::1]:8443"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := test.env.resolver(t, test.block)
			got := r.credentials()
			if r.diags.HasError() || r.invalid.HasError() {
				t.Fatalf("got %v and %v, want no error", r.diags, r.invalid)
			}
			want := credential.Config{Source: test.source, SetBy: test.setBy, AssumeRole: test.role, STS: test.sts}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			var secrets []string // which the log masks
			switch source := test.source.(type) {
			case credential.AccessKey:
				secrets = append(secrets, source.Secret, source.Token)
			case credential.OIDC:
				secrets = append(secrets, source.Token)
			}
			secrets = slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
			if !slices.Equal(r.secrets, secrets) {
				t.Errorf("got the secrets %q, want %q", r.secrets, secrets)
			}
		})
	}
}

// lines returns diagnostics as "path: summary: detail". The path is empty for an error in the
// environment.
func lines(diags diag.Diagnostics) []string {
	var all []string
	for _, d := range diags {
		at := ""
		if d, ok := d.(diag.DiagnosticWithPath); ok {
			at = d.Path().String()
		}
		all = append(all, fmt.Sprintf("%s: %s: %s", at, d.Summary(), d.Detail()))
	}
	return all
}

// checkLines compares diagnostics with how each of them begins.
func checkLines(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %d diagnostics, want %d", len(got), len(want))
	}
	for _, line := range got {
		if summary := strings.Split(line, ": ")[1]; !slices.Contains(headings(), summary) {
			t.Errorf("got summary %q, want a heading of the guide", summary)
		}
		if strings.Contains(line, hush) || strings.Contains(line, "\x1b") {
			t.Errorf("got a secret or a control character, want it left out: %q", line)
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, w) }) {
			t.Errorf("got no diagnostic %q, want it among\n%s", w, strings.Join(got, "\n"))
		}
	}
}

// TestProblems checks what is said about a provider block, as Terraform has it validated with all
// values known, and about the environment, whose errors wait for the read.
func TestProblems(t *testing.T) {
	t.Parallel()
	const (
		noRole = "Missing role ARN: Set one of: assume_role"
		twice  = " are both set in the provider block, and each is a source of credentials of its own."
	)
	for name, test := range map[string]struct {
		block arguments
		env   environment
		want  []string
	}{
		"no secret key": {block: arguments{"access_key": "id"},
			env: environment{"ALIBABA_CLOUD_ACCESS_KEY_SECRET": hush}, want: []string{
				"secret_key: Missing Alibaba Cloud secret key: access_key is set, but secret_key is not. Both are " +
					"needed to sign requests"}},
		"no access key": {block: arguments{"secret_key": hush}, env: environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id"},
			want: []string{
				"access_key: Missing Alibaba Cloud access key: secret_key is set, but access_key is not."}},
		"only a token": {block: arguments{"security_token": hush}, want: []string{
			"access_key: Missing Alibaba Cloud access key: security_token is set, but access_key is not."}},
		"half a pair in the environment": {
			env: environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALICLOUD_ACCESS_KEY": "id",
				"ALICLOUD_SECRET_KEY": hush}, want: []string{
				": Missing Alibaba Cloud secret key: ALIBABA_CLOUD_ACCESS_KEY_ID is set, but " +
					"ALIBABA_CLOUD_ACCESS_KEY_SECRET is not. Both are needed to sign requests, and both have to be " +
					"set in the same place: the provider block, or one family of variables."},
		},
		"half a pair of the other family": {env: environment{"ALICLOUD_SECRET_KEY": hush}, want: []string{
			": Missing Alibaba Cloud access key: ALICLOUD_SECRET_KEY is set, but ALICLOUD_ACCESS_KEY is not."}},
		"copied with quotes and spaces": {
			block: arguments{"access_key": `"id"`, "secret_key": hush + "\n", "security_token": hush + " " + hush},
			want: []string{
				"access_key: Invalid access key: access_key can't be used: it has quotes in or around it",
				"secret_key: Invalid secret key: secret_key can't be used: it begins or ends with white space",
				"security_token: Invalid security token: security_token can't be used: it has white space in it",
			},
		},
		"copied into the environment": {
			env: environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id\u200b", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": " " + hush},
			want: []string{
				": Invalid access key: ALIBABA_CLOUD_ACCESS_KEY_ID can't be used: it has a character in it that is " +
					"invisible",
				": Invalid secret key: ALIBABA_CLOUD_ACCESS_KEY_SECRET can't be used: it begins or ends with white " +
					"space",
			},
		},
		"two sources": {block: arguments{"access_key": "id", "secret_key": hush, "profile": "p"}, want: []string{
			"profile: Conflicting sources of credentials: access_key and profile" + twice}},
		"three sources": {
			block: arguments{"shared_credentials_file": "f", "credentials_uri": "https://a.example",
				"assume_role_with_oidc": arguments{
					"oidc_provider_arn": testProvider, "role_arn": testRole, "oidc_token": "token"}},
			want: []string{
				"shared_credentials_file: Conflicting sources of credentials: assume_role_with_oidc and " +
					"shared_credentials_file" + twice,
				"credentials_uri: Conflicting sources of credentials: assume_role_with_oidc and credentials_uri" + twice,
			},
		},
		"plain URI": {block: arguments{"credentials_uri": "http://me:" + hush + "@example.com/x?k=" + hush},
			want: []string{
				"credentials_uri: Invalid credentials URI: credentials_uri can't be used: http is only allowed"}},
		"URI of the environment": {env: environment{"ALICLOUD_CREDENTIALS_URI": "ftp://example.com"}, want: []string{
			": Invalid credentials URI: ALICLOUD_CREDENTIALS_URI can't be used: "}},
		"ECS role's ARN": {block: arguments{"ecs_role_name": testRole}, want: []string{
			"ecs_role_name: Invalid Attribute Value Match: Attribute ecs_role_name must be the name of a role, not " +
				"its ARN: "}},
		"everything about a role": {
			block: arguments{"access_key": "id", "secret_key": hush,
				"assume_role": arguments{"role_arn": "arn:aws:iam::1:role/x",
					"session_name": "a session", "policy": `{"` + hush, "external_id": "x", "session_expiration": 899}},
			want: []string{
				"assume_role.role_arn: Invalid Attribute Value Match: Attribute assume_role.role_arn must be the " +
					"ARN of a role, such as " +
					`"acs:ram::1234567890123456:role/reader", got: arn:aws:iam::1:role/x`,
				"assume_role.session_name: Invalid Attribute Value Match: Attribute assume_role.session_name must " +
					"have 2 to 64 letters",
				"assume_role.policy: Invalid policy: assume_role.policy can't be used: it isn't a JSON object: " +
					"unexpected end",
				"assume_role.external_id: Invalid Attribute Value Match: Attribute assume_role.external_id must " +
					"have 2 to 1224",
				`assume_role.session_expiration: Invalid number: assume_role.session_expiration can't be used: it is "899".`,
			},
		},
		"external ID that is too long": {
			block: arguments{"assume_role": arguments{"role_arn": testRole, "external_id": strings.Repeat("x", 1225)}},
			want:  []string{"assume_role.external_id: Invalid Attribute Value Length: "}},
		"role of the environment": {
			block: arguments{"assume_role": arguments{}},
			env: environment{"ALIBABA_CLOUD_ROLE_ARN": "role/x", "ALIBABA_CLOUD_ROLE_SESSION_NAME": "x",
				"ALIBABA_CLOUD_EXTERNAL_ID":               "?",
				"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION": "1h"},
			want: []string{
				": Invalid Attribute Value Match: ALIBABA_CLOUD_ROLE_ARN must be the ARN of a role, such as " +
					`"acs:ram::1234567890123456:role/reader", got: role/x`,
				": Invalid Attribute Value Match: ALIBABA_CLOUD_ROLE_SESSION_NAME must have 2 to 64 letters",
				": Invalid Attribute Value Match: ALIBABA_CLOUD_EXTERNAL_ID must have 2 to 1224 letters",
				`: Invalid number: ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION can't be used: it is "1h". Use a whole number`,
			},
		},
		"null role beside OIDC, whose role it isn't": {
			block: arguments{"assume_role": arguments{"role_arn": nil}, "assume_role_with_oidc": arguments{
				"oidc_provider_arn": testProvider, "oidc_token": "token"}},
			env: environment{"ALIBABA_CLOUD_ROLE_ARN": testRole},
			want: []string{"assume_role.role_arn: " + noRole + ".role_arn, ALICLOUD_ASSUME_ROLE_ARN. To assume no " +
				"role, leave the block out"},
		},
		"STS of the environment": {env: environment{"ALIBABA_CLOUD_STS_ENDPOINT": "http://127.0.0.1"}, want: []string{
			": Invalid endpoint: ALIBABA_CLOUD_STS_ENDPOINT can't be used: requests to STS must be encrypted, so " +
				"use https://"}},
		"no role": {block: arguments{"assume_role": arguments{"session_name": "ok"}},
			want: []string{"assume_role.role_arn: " + noRole +
				".role_arn, ALIBABA_CLOUD_ROLE_ARN, ALIBABACLOUD_ROLE_ARN, ALICLOUD_ASSUME_ROLE_ARN. To assume no role, " +
				"leave the block out, " +
				`or set role_arn to "".`}},
		"everything about OIDC": {
			block: arguments{"assume_role_with_oidc": arguments{"oidc_provider_arn": "x", "role_arn": "y",
				"oidc_token":        hush + "\n",
				"role_session_name": "z", "session_expiration": 43201, "policy": "[]"}},
			want: []string{
				"assume_role_with_oidc.oidc_provider_arn: Invalid Attribute Value Match: ",
				"assume_role_with_oidc.role_arn: Invalid Attribute Value Match: ",
				"assume_role_with_oidc.oidc_token: Invalid OIDC token: assume_role_with_oidc.oidc_token can't be " +
					"used: it begins or ends with",
				"assume_role_with_oidc.role_session_name: Invalid Attribute Value Match: ",
				"assume_role_with_oidc.policy: Invalid policy: ",
				"assume_role_with_oidc.session_expiration: Invalid number: ",
			},
		},
		"empty roles": {block: arguments{"assume_role": arguments{}, "assume_role_with_oidc": arguments{}}, want: []string{
			"assume_role.role_arn: " + noRole + ".role_arn, ALICLOUD_ASSUME_ROLE_ARN. To assume no role",
			"assume_role_with_oidc.oidc_provider_arn: Missing OIDC provider ARN: Set one of: " +
				"assume_role_with_oidc.oidc_provider_arn, ALIBABA_",
			"assume_role_with_oidc.role_arn: " + noRole + "_with_oidc.role_arn, ALIBABA_CLOUD_ROLE_ARN, " +
				"ALIBABACLOUD_ROLE_ARN.",
			"assume_role_with_oidc.oidc_token_file: Missing OIDC token: Set one of: " +
				"assume_role_with_oidc.oidc_token_file, ALIBABA_CLOUD_OIDC_TOKEN_FILE, " +
				"ALIBABACLOUD_OIDC_TOKEN_FILE, assume_role_with_oidc.oidc_token, ALIBABA_CLOUD_OIDC_TOKEN, " +
				"TFC_WORKLOAD_IDENTITY_TOKEN.",
		}},
		"two tokens": {
			block: arguments{"assume_role_with_oidc": arguments{"oidc_provider_arn": testProvider,
				"role_arn":   testRole,
				"oidc_token": hush, "oidc_token_file": os.Args[0]}},
			want: []string{"assume_role_with_oidc.oidc_token_file: Conflicting OIDC tokens: " +
				"assume_role_with_oidc.oidc_token and assume_role_with_"},
		},
		"half of OIDC in the environment": {
			env: environment{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider,
				"ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/nowhere/token"},
			want: []string{": " + noRole + "_with_oidc.role_arn, ALIBABA_CLOUD_ROLE_ARN, "},
		},
		"empty keys": {
			block: arguments{"access_key": "", "secret_key": ""},
			env:   environment{"ALICLOUD_ACCESS_KEY": "id", "ALICLOUD_SECRET_KEY": hush},
			want: []string{"access_key: Empty access key: Because the provider block leaves access_key and secret_key " +
				"empty, credentials come from access key id…, chosen by ALICLOUD_ACCESS_KEY."},
		},
		"an empty secret key": {block: arguments{"secret_key": ""}, want: []string{"secret_key: Empty access key: " +
			"Because the provider block leaves secret_key empty, credentials come from the default chain."}},
		"empty keys beside a profile of the block": {block: arguments{"access_key": "", "secret_key": "", "profile": "p"}},
		"limits": {
			block: arguments{"requests_per_second": 101, "max_retries": -1, "request_timeout": "61m", "region": "?",
				"account_type": "?"},
			want: []string{
				`requests_per_second: Invalid number: requests_per_second can't be used: it is "101". Use a whole number`,
				`max_retries: Invalid number: max_retries can't be used: it is "-1". Use a whole number from 0 to 20.`,
				`request_timeout: Invalid duration: request_timeout can't be used: "61m" isn't a duration above zero and of at most 1h.`,
				`region: Invalid Attribute Value Match: Attribute region must be the ID of a region, such as "cn-hangzhou" (China site) or`,
				"account_type: Invalid Attribute Value Match: Attribute account_type must be International or " +
					"Domestic, got: ?",
			},
		},
		"half a number": {block: arguments{"requests_per_second": 2.5, "max_retries": 1e30}, want: []string{
			`requests_per_second: Invalid number: requests_per_second can't be used: it is "2.5". Use a whole number`,
			`max_retries: Invalid number: max_retries can't be used: it is "1000`}},
		"limits of the environment": {
			env: environment{"CAS_REQUESTS_PER_SECOND": "0", "CAS_MAX_RETRIES": "many", "CAS_REQUEST_TIMEOUT": "-3s",
				"ALIBABA_CLOUD_REGION_ID": "Hangzhou\x1b[31m", "ALIBABA_CLOUD_ACCOUNT_TYPE": "both",
				"ALIBABA_CLOUD_STS_REGION": "sts.test/"},
			want: []string{
				`: Invalid number: CAS_REQUESTS_PER_SECOND can't be used: it is "0". Use a whole number from 1 to 100.`,
				`: Invalid number: CAS_MAX_RETRIES can't be used: it is "many". Use a whole number from 0 to 20.`,
				`: Invalid duration: CAS_REQUEST_TIMEOUT can't be used: "-3s" isn't a duration above zero and of at most 1h.`,
				": Invalid Attribute Value Match: ALIBABA_CLOUD_REGION_ID must be the ID of a region, such as",
				": Invalid Attribute Value Match: ALIBABA_CLOUD_STS_REGION must be the ID of a region, such as",
				": Invalid Attribute Value Match: ALIBABA_CLOUD_ACCOUNT_TYPE must be International or Domestic, " +
					"got: both",
			},
		},
		"region of the environment": {env: environment{"ALIBABA_CLOUD_REGION_ID": "Hangzhou"}, want: []string{
			": Invalid Attribute Value Match: ALIBABA_CLOUD_REGION_ID must be the ID of a region, such as"}},
		"limits at their ends": {block: arguments{"requests_per_second": 100, "max_retries": 0,
			"request_timeout": "1h"}},
		"the block beside the environment": {
			block: arguments{"endpoints": arguments{"cas": "http://me:" + hush + "@example.com",
				"sts": "http://127.0.0.1"}},
			env: environment{"CAS_MAX_RETRIES": "many"},
			want: []string{
				"endpoints.cas: Invalid endpoint: endpoints.cas can't be used: it holds a user name or a password",
				"endpoints.sts: Invalid endpoint: endpoints.sts can't be used: requests to STS must be encrypted",
				": Invalid number: CAS_MAX_RETRIES can't be used",
			},
		},
		"region without an endpoint of its own": {block: arguments{"region": "us-east-1"}, want: []string{
			"region: Site of the account isn't known: Region us-east-1 has no endpoint of its own, so the provider " +
				"calls cas.aliyuncs.com, which is right for accounts of the China site. Those of the international " +
				"site use cas.ap-southeast-1.aliyuncs.com: set account_type or ALIBABA_CLOUD_ACCOUNT_TYPE to " +
				"International for that, or to Domestic to go on."}},
		"region without an endpoint in VPCs": {
			block: arguments{"region": "cn-beijing"}, env: environment{"ALIBABACLOUD_ENDPOINT_TYPE": "VPC"},
			want: []string{
				"region: No endpoint within a VPC: ALIBABACLOUD_ENDPOINT_TYPE chooses the endpoint within a VPC, " +
					"but region cn-beijing has none, so the provider calls cas.aliyuncs.com over the internet. "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newPlugin(t, nil).validate(t, test.block)
			r := test.env.resolver(t, test.block)
			r.resolve(nil)
			for _, line := range lines(append(r.diags, r.invalid...)) {
				if !slices.Contains(got, line) {
					got = append(got, line)
				}
			}
			checkLines(t, got, test.want)
		})
	}
}

// TestUnknownArguments checks that an unknown value counts neither as missing nor as a conflict.
func TestUnknownArguments(t *testing.T) {
	t.Parallel()
	const depends = ": Unknown provider argument: %s depends on a value that is unknown until apply, so nothing can be " +
		"read yet. Use a value that is known at plan time"
	for name, test := range map[string]struct {
		block arguments
		want  map[string]string // what to set instead
	}{
		"keys": {block: arguments{"access_key": unknown{}, "secret_key": unknown{}, "profile": "p"},
			want: map[string]string{
				"access_key": ", set ALIBABA_CLOUD_ACCESS_KEY_ID instead", "secret_key": ", set " +
					"ALIBABA_CLOUD_ACCESS_KEY_SECRET instead"}},
		"one key": {block: arguments{"access_key": "id", "secret_key": unknown{}}, want: map[string]string{
			"secret_key": ", set ALIBABA_CLOUD_ACCESS_KEY_SECRET instead"}},
		"number": {block: arguments{"max_retries": unknown{}},
			want: map[string]string{"max_retries": ", set CAS_MAX_RETRIES instead"}},
		"nested": {block: arguments{"assume_role": arguments{"role_arn": unknown{}},
			"endpoints": arguments{"cas": unknown{}}},
			want: map[string]string{
				"assume_role.role_arn": ", set ALIBABA_CLOUD_ROLE_ARN instead", "endpoints.cas": ", set " +
					"ALIBABA_CLOUD_ENDPOINT_CAS instead"}},
		"blocks": {block: arguments{"assume_role": unknown{}, "assume_role_with_oidc": unknown{}},
			want: map[string]string{"assume_role": ", or let", "assume_role_with_oidc": ", or let"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for argument, instead := range test.want {
				want = append(want, argument+fmt.Sprintf(depends, argument)+instead)
			}
			checkLines(t, lines(environment{}.resolver(t, test.block).unknown()), want)
		})
	}
}

// TestValidate checks that terraform validate looks at the block alone, in which variables of the
// root module are unknown.
func TestValidate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block arguments
		want  []string
	}{
		"complete by the environment": {
			block: arguments{"assume_role": arguments{},
				"assume_role_with_oidc": arguments{"oidc_token_file": "/nowhere"}},
		},
		"keys, and what may be null": {block: arguments{"access_key": "id", "secret_key": "secret",
			"security_token": unknown{},
			"profile":        unknown{}, "credentials_uri": unknown{}, "ecs_role_name": unknown{}, "max_retries": unknown{}}},
		"a profile, and keys that may be null": {block: arguments{"access_key": unknown{}, "secret_key": unknown{},
			"profile": "p"}},
		"what may be the other half":    {block: arguments{"access_key": unknown{}, "secret_key": "secret"}},
		"half a pair that may be whole": {block: arguments{"access_key": "id", "secret_key": unknown{}}},
		"half a pair for certain": {block: arguments{"secret_key": "secret", "security_token": unknown{}},
			want: []string{
				"access_key: Missing Alibaba Cloud access key: "}},
		"a token file, and a token that may be null": {
			block: arguments{"assume_role_with_oidc": arguments{"oidc_token": unknown{},
				"oidc_token_file": "/nowhere"}},
		},
		"a conflict for certain, behind what may be null": {block: arguments{"access_key": unknown{}, "profile": "p",
			"ecs_role_name": "r"},
			want: []string{"ecs_role_name: Conflicting sources of credentials: profile and ecs_role_name"}},
		"empty strings": {block: arguments{"access_key": "", "region": "", "request_timeout": "",
			"assume_role": arguments{"policy": ""}}},
		"region abroad": {block: arguments{"region": "us-east-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLines(t, newPlugin(t, environment{"CAS_MAX_RETRIES": "many"}).validate(t, test.block), test.want)
		})
	}
}
