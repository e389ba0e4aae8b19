package provider

import (
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

const (
	testRole     = "acs:ram::1234567890123456:role/reader"
	otherRole    = "acs:ram::1234567890123456:role/other"
	testProvider = "acs:ram::1234567890123456:oidc-provider/ci"
	hush         = "hUsH-sEcReT-vAlUe"
)

// arguments are those of a provider block; a map is a nested block, nil is null, and unknown{} is unknown.
type arguments map[string]any

type unknown struct{}

func (a arguments) model(t *testing.T) providerModel {
	t.Helper()
	var m providerModel
	fields := reflect.ValueOf(&m).Elem()
	set := map[string]bool{}
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Tag.Get("tfsdk")
		set[name] = true
		switch target := fields.Field(i).Addr().Interface().(type) {
		case *types.String:
			*target = stringValue(a[name])
		case *types.Object:
			*target = blockValue(t, name, a[name])
		}
	}
	for name := range a {
		if !set[name] {
			t.Fatalf("no argument %s", name)
		}
	}
	return m
}

func stringValue(v any) types.String {
	switch v := v.(type) {
	case string:
		return types.StringValue(v)
	case unknown:
		return types.StringUnknown()
	}
	return types.StringNull()
}

func blockValue(t *testing.T, name string, v any) types.Object {
	t.Helper()
	kinds := map[string]attr.Type{"cas": types.StringType, "sts": types.StringType}
	if block, ok := credentialBlocks()[name]; ok {
		object, _ := block.Type().(types.ObjectType)
		kinds = object.AttrTypes
	}
	switch v := v.(type) {
	case unknown:
		return types.ObjectUnknown(kinds)
	case arguments:
		values := map[string]attr.Value{}
		for field, kind := range kinds {
			if kind == types.NumberType {
				values[field] = types.NumberNull()
				if n, ok := v[field].(int); ok {
					values[field] = types.NumberValue(big.NewFloat(float64(n)))
				}
				continue
			}
			values[field] = stringValue(v[field])
		}
		return types.ObjectValueMust(kinds, values)
	}
	return types.ObjectNull(kinds)
}

type environment map[string]string

func (e environment) resolve(t *testing.T, block arguments) (credential.Config, diag.Diagnostics, diag.Diagnostics) {
	t.Helper()
	r := &resolver{getenv: func(name string) string { return e[name] }}
	config := r.credentials(t.Context(), block.model(t))
	return config, r.unknown, r.diags
}

// tokenFile is one that is there.
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
	file := tokenFile(t)
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
	assumed := &credential.AssumeRole{RoleARN: testRole}
	for name, test := range map[string]struct {
		block arguments
		env   environment
		want  credential.Config
	}{
		"block: keys": {arguments{"access_key": "id", "secret_key": "secret"}, everything,
			credential.Config{AccessKeyID: "id", AccessKeySecret: "secret", SetBy: "access_key in the provider block"}},
		"block: temporary keys": {arguments{"access_key": "id", "secret_key": "secret", "security_token": "token"}, everything,
			credential.Config{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token", SetBy: "access_key in the provider block"}},
		"block: profile": {arguments{"profile": "p", "shared_credentials_file": "f"}, everything,
			credential.Config{Profile: "p", SharedCredentialsFile: "f", SetBy: "profile in the provider block"}},
		"block: profile, file from the environment": {arguments{"profile": "p"}, everything,
			credential.Config{Profile: "p", SharedCredentialsFile: "env-file", SetBy: "profile in the provider block"}},
		"block: file, profile from the environment": {arguments{"shared_credentials_file": "f"}, everything,
			credential.Config{Profile: "env-profile", SharedCredentialsFile: "f", SetBy: "shared_credentials_file in the provider block"}},
		"block: URI": {arguments{"credentials_uri": "https://block.example"}, everything,
			credential.Config{CredentialsURI: "https://block.example", SetBy: "credentials_uri in the provider block"}},
		"block: ECS role": {arguments{"ecs_role_name": "ecs"}, everything,
			credential.Config{ECSRoleName: "ecs", SetBy: "ecs_role_name in the provider block"}},
		"block: OIDC": {arguments{"assume_role_with_oidc": arguments{
			"oidc_provider_arn": testProvider, "role_arn": otherRole, "oidc_token": "block-token", "role_session_name": "session", "policy": "{}", "session_expiration": 900}}, everything,
			credential.Config{OIDC: &credential.OIDC{ProviderARN: testProvider, RoleARN: otherRole, Token: "block-token", SessionName: "session", Policy: "{}", Expiration: 900},
				SetBy: "assume_role_with_oidc in the provider block"}},
		"block: OIDC, completed from the environment": {arguments{"assume_role_with_oidc": arguments{}}, everything,
			credential.Config{OIDC: &credential.OIDC{ProviderARN: testProvider, RoleARN: testRole, TokenFile: file}, SetBy: "assume_role_with_oidc in the provider block"}},
		"block: token file, no token of the environment": {arguments{"assume_role_with_oidc": arguments{"oidc_token_file": file}}, environment{
			"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider, "ALIBABA_CLOUD_ROLE_ARN": testRole, "ALIBABA_CLOUD_OIDC_TOKEN": "env-token"},
			credential.Config{OIDC: &credential.OIDC{ProviderARN: testProvider, RoleARN: testRole, TokenFile: file}, SetBy: "assume_role_with_oidc in the provider block"}},
		"block: keys and a role": {arguments{"access_key": "id", "secret_key": "secret", "assume_role": arguments{
			"role_arn": otherRole, "session_name": "session", "policy": "{}", "external_id": "external", "session_expiration": 43200}}, everything,
			credential.Config{AccessKeyID: "id", AccessKeySecret: "secret", SetBy: "access_key in the provider block",
				AssumeRole: &credential.AssumeRole{RoleARN: otherRole, SessionName: "session", Policy: "{}", ExternalID: "external", Expiration: 43200}}},
		"block: keys, no role of the environment": {arguments{"access_key": "id", "secret_key": "secret"}, environment{"ALIBABA_CLOUD_ROLE_ARN": testRole},
			credential.Config{AccessKeyID: "id", AccessKeySecret: "secret", SetBy: "access_key in the provider block"}},
		"block: role on keys of the environment": {arguments{"assume_role": arguments{"role_arn": otherRole}}, without(),
			credential.Config{AccessKeyID: "env-id", AccessKeySecret: "env-secret", SecurityToken: "env-token", SetBy: "ALIBABA_CLOUD_ACCESS_KEY_ID",
				AssumeRole: &credential.AssumeRole{RoleARN: otherRole}}},
		"block: empty role is no role": {arguments{"assume_role": arguments{"role_arn": ""}}, nil, credential.Config{}},
		"block: empty strings are as null": {arguments{"access_key": "", "secret_key": "", "profile": "", "ecs_role_name": "", "credentials_uri": ""}, everything,
			credential.Config{AccessKeyID: "env-id", AccessKeySecret: "env-secret", SecurityToken: "env-token", SetBy: "ALIBABA_CLOUD_ACCESS_KEY_ID"}},
		"block: an empty string is no conflict": {arguments{"profile": "", "ecs_role_name": "ecs"}, nil,
			credential.Config{ECSRoleName: "ecs", SetBy: "ecs_role_name in the provider block"}},

		"environment: keys": {nil, everything,
			credential.Config{AccessKeyID: "env-id", AccessKeySecret: "env-secret", SecurityToken: "env-token", SetBy: "ALIBABA_CLOUD_ACCESS_KEY_ID"}},
		"environment: keys of the other family": {nil, without(newKeys...),
			credential.Config{AccessKeyID: "old-id", AccessKeySecret: "old-secret", SecurityToken: "old-token", SetBy: "ALICLOUD_ACCESS_KEY"}},
		"environment: families aren't mixed": {nil, environment{
			"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret", "ALICLOUD_SECURITY_TOKEN": "old-token"},
			credential.Config{AccessKeyID: "env-id", AccessKeySecret: "env-secret", SetBy: "ALIBABA_CLOUD_ACCESS_KEY_ID"}},
		"environment: OIDC": {nil, without(keys...),
			credential.Config{OIDC: &credential.OIDC{ProviderARN: testProvider, RoleARN: testRole, TokenFile: file}, SetBy: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"}},
		"environment: profile": {nil, without(oidc...),
			credential.Config{Profile: "env-profile", SharedCredentialsFile: "env-file", SetBy: "ALIBABA_CLOUD_PROFILE"}},
		"environment: profile by its other name": {nil, environment{"ALICLOUD_PROFILE": "old-profile"},
			credential.Config{Profile: "old-profile", SetBy: "ALICLOUD_PROFILE"}},
		"environment: file alone": {nil, environment{"ALICLOUD_SHARED_CREDENTIALS_FILE": "env-file"},
			credential.Config{SharedCredentialsFile: "env-file", SetBy: "ALICLOUD_SHARED_CREDENTIALS_FILE"}},
		"environment: ECS role": {nil, without(profile...),
			credential.Config{ECSRoleName: "env-ecs", SetBy: "ALICLOUD_ECS_ROLE_NAME"}},
		"environment: ECS role by its other name": {nil, environment{"ALIBABA_CLOUD_ECS_METADATA": "other-ecs"},
			credential.Config{ECSRoleName: "other-ecs", SetBy: "ALIBABA_CLOUD_ECS_METADATA"}},
		"environment: URI": {nil, without(ecs...),
			credential.Config{CredentialsURI: "https://env.example", SetBy: "ALIBABA_CLOUD_CREDENTIALS_URI"}},
		"environment: URI by its other name": {nil, environment{"ALICLOUD_CREDENTIALS_URI": "https://old.example"},
			credential.Config{CredentialsURI: "https://old.example", SetBy: "ALICLOUD_CREDENTIALS_URI"}},
		"environment: role on keys": {nil, environment{
			"ALICLOUD_ACCESS_KEY": "old-id", "ALICLOUD_SECRET_KEY": "old-secret", "ALIBABA_CLOUD_ROLE_ARN": testRole, "ALIBABA_CLOUD_ROLE_SESSION_NAME": "session"},
			credential.Config{AccessKeyID: "old-id", AccessKeySecret: "old-secret", SetBy: "ALICLOUD_ACCESS_KEY",
				AssumeRole: &credential.AssumeRole{RoleARN: testRole, SessionName: "session"}}},
		"environment: role on the default chain": {nil, environment{"ALICLOUD_ASSUME_ROLE_ARN": testRole}, credential.Config{AssumeRole: assumed}},
		"environment: with OIDC, the role is its own": {nil, without(keys...),
			credential.Config{OIDC: &credential.OIDC{ProviderARN: testProvider, RoleARN: testRole, TokenFile: file}, SetBy: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"}},
		"environment: with OIDC, another role on top": {nil, environment{
			"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider, "ALIBABA_CLOUD_OIDC_TOKEN": "env-token", "ALIBABA_CLOUD_ROLE_ARN": testRole, "ALICLOUD_ASSUME_ROLE_ARN": otherRole},
			credential.Config{OIDC: &credential.OIDC{ProviderARN: testProvider, RoleARN: testRole, Token: "env-token"}, SetBy: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
				AssumeRole: &credential.AssumeRole{RoleARN: otherRole}}},
		"nothing: the default chain": {nil, nil, credential.Config{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, unknown, diags := test.env.resolve(t, test.block)
			if len(unknown) > 0 || len(diags) > 0 {
				t.Fatalf("%v %v", unknown, diags)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// problem is a diagnostic: where, and what its summary and detail have in them.
type problem struct{ path, summary, detail string }

func checkProblems(t *testing.T, diags diag.Diagnostics, want []problem) {
	t.Helper()
	if len(diags) != len(want) {
		t.Errorf("%d problems, want %d", len(diags), len(want))
	}
	for _, w := range want {
		found := false
		for _, d := range diags {
			at, _ := d.(diag.DiagnosticWithPath)
			found = found || at != nil && at.Path().String() == w.path && strings.Contains(d.Summary(), w.summary) && strings.Contains(d.Detail(), w.detail)
		}
		if !found {
			t.Errorf("missing: %+v", w)
		}
	}
	for _, d := range diags {
		if strings.Contains(d.Summary()+d.Detail(), hush) {
			t.Errorf("a secret shows: %s", d.Detail())
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
		"no secret key": {arguments{"access_key": "id"}, environment{"ALIBABA_CLOUD_ACCESS_KEY_SECRET": hush},
			[]problem{{"secret_key", "Missing Alibaba Cloud secret key", "access_key is set, but secret_key is not. Both are needed to sign requests. What the provider block says is never completed from the environment"}}},
		"no access key": {arguments{"secret_key": hush}, environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id"},
			[]problem{{"access_key", "Missing Alibaba Cloud access key", "secret_key is set, but access_key is not."}}},
		"only a token": {arguments{"security_token": hush}, environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"},
			[]problem{{"access_key", "Missing Alibaba Cloud access key", "security_token is set"}}},
		"half a pair in the environment": {nil, environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALICLOUD_ACCESS_KEY": "id", "ALICLOUD_SECRET_KEY": hush},
			[]problem{{"secret_key", "Missing Alibaba Cloud secret key", "ALIBABA_CLOUD_ACCESS_KEY_ID is set, but ALIBABA_CLOUD_ACCESS_KEY_SECRET is not. Both are needed to sign requests. Set ALIBABA_CLOUD_ACCESS_KEY_SECRET as well"}}},
		"half a pair of the other family": {nil, environment{"ALICLOUD_SECRET_KEY": hush},
			[]problem{{"access_key", "Missing Alibaba Cloud access key", "ALICLOUD_SECRET_KEY is set, but ALICLOUD_ACCESS_KEY is not"}}},
		"copied with quotes and spaces": {arguments{"access_key": `"id"`, "secret_key": hush + "\n", "security_token": hush + " " + hush}, nil, []problem{
			{"access_key", "Invalid access key", "access_key has quotes in or around it"},
			{"secret_key", "Invalid secret key", "secret_key begins or ends with white space"},
			{"security_token", "Invalid security token", "security_token has white space in it"}}},
		"copied into the environment": {nil, environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": " " + hush},
			[]problem{{"secret_key", "Invalid secret key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET begins or ends with white space"}}},
		"two sources": {arguments{"access_key": "id", "secret_key": hush, "profile": "p"}, nil,
			[]problem{{"profile", "Conflicting sources of credentials", "access_key and profile are both set"}}},
		"three sources": {arguments{"shared_credentials_file": "f", "credentials_uri": "https://a.example", "assume_role_with_oidc": arguments{}}, nil, []problem{
			{"credentials_uri", "Conflicting sources", "shared_credentials_file and credentials_uri"},
			{"assume_role_with_oidc", "Conflicting sources", "shared_credentials_file and assume_role_with_oidc"}}},
		"plain URI": {arguments{"credentials_uri": "http://me:" + hush + "@example.com/x?k=" + hush}, nil,
			[]problem{{"credentials_uri", "Invalid credentials URI", `credentials_uri is "http://…@example.com/x", which can't be used: http is only allowed`}}},
		"URI of the environment": {nil, environment{"ALICLOUD_CREDENTIALS_URI": "ftp://example.com"},
			[]problem{{"credentials_uri", "Invalid credentials URI", `ALICLOUD_CREDENTIALS_URI is "ftp://example.com"`}}},
		"ECS role's ARN": {arguments{"ecs_role_name": testRole}, nil,
			[]problem{{"ecs_role_name", "Invalid ECS role name", "ecs_role_name is \"" + testRole}}},
		"everything about a role": {arguments{"access_key": "id", "secret_key": hush, "assume_role": arguments{
			"role_arn": "arn:aws:iam::1:role/x", "session_name": "a session", "policy": "{", "external_id": "x", "session_expiration": 899}}, nil, []problem{
			{"assume_role.role_arn", "Invalid role ARN", `assume_role.role_arn is "arn:aws:iam::1:role/x"`},
			{"assume_role.session_name", "Invalid session name", `is "a session"`},
			{"assume_role.policy", "Invalid policy", "isn't a JSON object: unexpected end of JSON input"},
			{"assume_role.external_id", "Invalid external ID", `is "x"`},
			{"assume_role.session_expiration", "Invalid number", `is 899. It must be a whole number from 900 to 43200`}}},
		"role and session of the environment": {nil, environment{"ALIBABA_CLOUD_ROLE_ARN": "role/x", "ALIBABA_CLOUD_ROLE_SESSION_NAME": "x"}, []problem{
			{"assume_role.role_arn", "Invalid role ARN", `ALIBABA_CLOUD_ROLE_ARN is "role/x"`},
			{"assume_role.session_name", "Invalid session name", `ALIBABA_CLOUD_ROLE_SESSION_NAME is "x"`}}},
		"no role": {arguments{"assume_role": arguments{"session_name": "ok"}}, nil,
			[]problem{{"assume_role.role_arn", "Missing role ARN", "ALIBABA_CLOUD_ROLE_ARN and ALICLOUD_ASSUME_ROLE_ARN are both empty"}}},
		"everything about OIDC": {arguments{"assume_role_with_oidc": arguments{
			"oidc_provider_arn": "x", "role_arn": "y", "oidc_token": hush + "\n", "role_session_name": "z", "session_expiration": 43201, "policy": "[]"}}, nil, []problem{
			{"assume_role_with_oidc.oidc_provider_arn", "Invalid OIDC provider ARN", `is "x"`},
			{"assume_role_with_oidc.role_arn", "Invalid role ARN", `is "y"`},
			{"assume_role_with_oidc.oidc_token", "Invalid OIDC token", "begins or ends with white space"},
			{"assume_role_with_oidc.role_session_name", "Invalid session name", `is "z"`},
			{"assume_role_with_oidc.policy", "Invalid policy", "isn't a JSON object"},
			{"assume_role_with_oidc.session_expiration", "Invalid number", `is 43201`}}},
		"nothing about OIDC": {arguments{"assume_role_with_oidc": arguments{}}, nil, []problem{
			{"assume_role_with_oidc.oidc_provider_arn", "Missing OIDC provider ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN is empty"},
			{"assume_role_with_oidc.role_arn", "Missing role ARN", "ALIBABA_CLOUD_ROLE_ARN is empty"},
			{"assume_role_with_oidc.oidc_token_file", "Missing OIDC token", "ALIBABA_CLOUD_OIDC_TOKEN_FILE and ALIBABA_CLOUD_OIDC_TOKEN are both empty"}}},
		"two tokens": {arguments{"assume_role_with_oidc": arguments{
			"oidc_provider_arn": testProvider, "role_arn": testRole, "oidc_token": hush, "oidc_token_file": os.Args[0]}}, nil,
			[]problem{{"assume_role_with_oidc.oidc_token_file", "Conflicting OIDC tokens", "assume_role_with_oidc.oidc_token and assume_role_with_oidc.oidc_token_file"}}},
		"half of OIDC in the environment": {nil, environment{"ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/nowhere/token", "ALIBABA_CLOUD_ROLE_ARN": testRole}, []problem{
			{"assume_role_with_oidc.oidc_provider_arn", "Missing OIDC provider ARN", ""},
			{"assume_role_with_oidc.oidc_token_file", "OIDC token file not found", `ALIBABA_CLOUD_OIDC_TOKEN_FILE is "/nowhere/token"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, diags := test.env.resolve(t, test.block)
			checkProblems(t, diags, test.want)
		})
	}
}

// What a later value may still complete is neither missing nor in conflict with it alone.
func TestUnknownCredentials(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block arguments
		want  []problem
	}{
		"secret key": {arguments{"access_key": "id", "secret_key": unknown{}},
			[]problem{{"secret_key", "Unknown provider argument", "set ALIBABA_CLOUD_ACCESS_KEY_SECRET instead"}}},
		"both keys": {arguments{"access_key": unknown{}, "secret_key": unknown{}},
			[]problem{{"access_key", "Unknown", "set ALIBABA_CLOUD_ACCESS_KEY_ID instead"}, {"secret_key", "Unknown", ""}}},
		"profile":       {arguments{"profile": unknown{}}, []problem{{"profile", "Unknown", "set ALIBABA_CLOUD_PROFILE instead"}}},
		"URI":           {arguments{"credentials_uri": unknown{}}, []problem{{"credentials_uri", "Unknown", "set ALIBABA_CLOUD_CREDENTIALS_URI instead"}}},
		"ECS role":      {arguments{"ecs_role_name": unknown{}}, []problem{{"ecs_role_name", "Unknown", "set ALICLOUD_ECS_ROLE_NAME instead"}}},
		"role":          {arguments{"assume_role": arguments{"role_arn": unknown{}}}, []problem{{"assume_role.role_arn", "Unknown", "set ALIBABA_CLOUD_ROLE_ARN instead"}}},
		"role's block":  {arguments{"assume_role": unknown{}}, []problem{{"assume_role", "Unknown", "known at plan time"}}},
		"OIDC's block":  {arguments{"assume_role_with_oidc": unknown{}}, []problem{{"assume_role_with_oidc", "Unknown", "known at plan time"}}},
		"OIDC provider": {arguments{"assume_role_with_oidc": arguments{"oidc_provider_arn": unknown{}, "role_arn": testRole, "oidc_token": "t"}}, []problem{{"assume_role_with_oidc.oidc_provider_arn", "Unknown", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, unknown, diags := environment{}.resolve(t, test.block)
			checkProblems(t, unknown, test.want)
			if len(diags) > 0 {
				t.Errorf("%v", diags)
			}
		})
	}
}

// terraform validate has no environment to look at yet, and the token file may be on another machine.
func TestValidate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block arguments
		want  []problem
	}{
		"complete by the environment": {arguments{"assume_role": arguments{}, "assume_role_with_oidc": arguments{"oidc_token_file": "/nowhere"}}, nil},
		"half a pair":                 {arguments{"access_key": "id"}, []problem{{"secret_key", "Missing", ""}}},
		// Whether a variable of the root module is null is known later.
		"keys, and what may be null": {arguments{
			"access_key": "id", "secret_key": "secret", "security_token": unknown{}, "profile": unknown{}, "credentials_uri": unknown{}, "ecs_role_name": unknown{},
		}, nil},
		"a profile, and keys that may be null":       {arguments{"access_key": unknown{}, "secret_key": unknown{}, "profile": "p"}, nil},
		"what may be half a pair":                    {arguments{"access_key": unknown{}}, nil},
		"what may be the other half":                 {arguments{"access_key": unknown{}, "secret_key": "secret"}, nil},
		"half a pair for certain":                    {arguments{"secret_key": "secret", "security_token": unknown{}}, []problem{{"access_key", "Missing", ""}}},
		"a token file, and a token that may be null": {arguments{"assume_role_with_oidc": arguments{"oidc_token": unknown{}, "oidc_token_file": "/nowhere"}}, nil},
		"a conflict for certain, behind what may be null": {arguments{"access_key": unknown{}, "profile": "p", "ecs_role_name": "r"},
			[]problem{{"ecs_role_name", "Conflicting", "profile and ecs_role_name"}}},
		"conflict": {arguments{"profile": "p", "ecs_role_name": "r"}, []problem{{"ecs_role_name", "Conflicting", "profile and ecs_role_name"}}},
		"all at once": {arguments{"region": "Hangzhou", "endpoints": arguments{"cas": "http://me:" + hush + "@example.com", "sts": "http://127.0.0.1"}, "ecs_role_name": "a b"}, []problem{
			{"region", "Invalid region", `region is "Hangzhou"`},
			{"endpoints.cas", "Invalid endpoint", `endpoints.cas is "http://…@example.com"`},
			{"endpoints.sts", "Invalid endpoint", "STS is only asked over https"},
			{"ecs_role_name", "Invalid ECS role name", `"a b"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkProblems(t, test.block.model(t).validate(t.Context()), test.want)
		})
	}
}

func TestSTSEndpoint(t *testing.T) {
	t.Parallel()
	r := &resolver{}
	for given, want := range map[string]string{
		"": "", "sts.aliyuncs.com": "sts.aliyuncs.com", "https://sts.aliyuncs.com/": "sts.aliyuncs.com", "127.0.0.1:8443": "127.0.0.1:8443", "[::1]:8443": "[::1]:8443",
	} {
		if got := r.stsEndpoint(setting{value: given}); got != want || len(r.diags) > 0 {
			t.Errorf("%q became %q, want %q: %v", given, got, want, r.diags)
		}
	}
}

// Without a home directory, ~ would name a folder of the working directory.
func TestTokenFileWithoutAHome(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	if err := os.Mkdir("~", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("~/token", []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, diags := environment{}.resolve(t, arguments{"assume_role_with_oidc": arguments{"oidc_provider_arn": testProvider, "role_arn": testRole, "oidc_token_file": "~/token"}})
	checkProblems(t, diags, []problem{{"assume_role_with_oidc.oidc_token_file", "OIDC token file not found", "no home directory is known"}})
}

func TestSecretNames(t *testing.T) {
	t.Parallel()
	_, _, diags := environment{}.resolve(t, arguments{"assume_role_with_oidc": arguments{"oidc_provider_arn": testProvider, "role_arn": testRole, "oidc_token": "to ken"}})
	checkProblems(t, diags, []problem{{"assume_role_with_oidc.oidc_token", "Invalid OIDC token", "has white space in it"}})
}
