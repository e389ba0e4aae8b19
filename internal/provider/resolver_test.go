package provider

import (
	"maps"
	"slices"
	"testing"
)

// TestVariablesDisagree checks the warning about two families of variables, of which tools prefer different ones.
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

// TestSecretsForTheLog checks that the resolver collects each secret that is in use, and nothing else.
func TestSecretsForTheLog(t *testing.T) {
	t.Parallel()
	const token = "CAIS-token"
	for name, test := range map[string]struct {
		block arguments
		env   environment
		want  []string
	}{
		"keys of the block": {
			block: arguments{"access_key": "id", "secret_key": hush, "security_token": token},
			want:  []string{hush, token},
		},
		"keys of the environment": {
			env:  environment{"ALICLOUD_ACCESS_KEY": "id", "ALICLOUD_SECRET_KEY": hush, "ALICLOUD_SECURITY_TOKEN": token},
			want: []string{hush, token},
		},
		"token of OIDC": {
			block: arguments{"assume_role_with_oidc": arguments{
				"oidc_provider_arn": testProvider, "role_arn": testRole, "oidc_token": token,
			}},
			want: []string{token},
		},
		"no secret": {block: arguments{"profile": "p"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := test.env.resolver(t, test.block)
			r.resolve(t.Context())
			if !slices.Equal(r.secrets, test.want) {
				t.Errorf("got %q, want %q", r.secrets, test.want)
			}
		})
	}
}
