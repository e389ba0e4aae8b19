package provider

import "testing"

// TestVariablesDisagree checks the warning about two families of variables, of which tools prefer
// different ones.
func TestVariablesDisagree(t *testing.T) {
	t.Parallel()
	keys := environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": hush}
	roles := keys.with(environment{"ALIBABA_CLOUD_ROLE_ARN": testRole, "ALICLOUD_ASSUME_ROLE_ARN": otherRole})
	profiles := environment{"ALIBABA_CLOUD_PROFILE": "p", "ALICLOUD_PROFILE": "q"}
	for name, test := range map[string]struct {
		block    arguments
		env      environment
		argument string
		want     string // the variables; empty for no warning
	}{
		"keys": {
			env: keys.with(environment{"ALICLOUD_ACCESS_KEY": "other", "ALICLOUD_SECRET_KEY": "other",
				"ALICLOUD_SECURITY_TOKEN": "other"}),
			argument: "access_key", want: "ALIBABA_CLOUD_ACCESS_KEY_ID and ALICLOUD_ACCESS_KEY",
		},
		"keys by the CLI's names": {env: keys.with(environment{"ALIBABACLOUD_ACCESS_KEY_ID": "other"}),
			argument: "access_key", want: "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABACLOUD_ACCESS_KEY_ID"},
		"the same key twice": {env: keys.with(environment{"ALICLOUD_ACCESS_KEY": "id",
			"ALICLOUD_SECRET_KEY": hush})},
		"keys of a block": {block: arguments{"access_key": "a", "secret_key": "b"},
			env: environment{"ALICLOUD_ACCESS_KEY": "other"}},
		"profiles that don't count": {env: keys.with(profiles)},
		"profiles": {env: profiles, argument: "profile", want: "ALIBABA_CLOUD_PROFILE and " +
			"ALICLOUD_PROFILE"},
		"profile of a block": {block: arguments{"profile": "p"}, env: profiles},
		"the INI file and the CLI's": {
			env: environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": "ini", "ALICLOUD_SHARED_CREDENTIALS_FILE": "cli"}},
		"roles": {block: arguments{"assume_role": arguments{}}, env: roles,
			argument: "assume_role.role_arn", want: "ALIBABA_CLOUD_ROLE_ARN and ALICLOUD_ASSUME_ROLE_ARN"},
		"roles that aren't assumed": {env: roles},
		"sites": {env: keys.with(environment{"ALIBABA_CLOUD_REGION": "cn-hangzhou",
			"ALICLOUD_REGION": "ap-southeast-1"}),
			argument: "region", want: "ALIBABA_CLOUD_REGION and ALICLOUD_REGION"},
		"regions of one site": {env: environment{"ALIBABA_CLOUD_REGION": "cn-hangzhou",
			"ALICLOUD_REGION": "cn-shanghai"}},
		"region and its completion": {env: environment{"ALIBABA_CLOUD_REGION": "cn-hangzhou",
			"ALICLOUD_REGION_ID": "ap-southeast-1"}},
		"completions": {env: environment{"ALIBABACLOUD_REGION_ID": "cn-hangzhou",
			"ALICLOUD_REGION_ID": "ap-southeast-1"},
			argument: "region", want: "ALIBABACLOUD_REGION_ID and ALICLOUD_REGION_ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			if test.want != "" {
				want = []string{test.argument + ": Environment variables disagree: " + test.want +
					" are set to different values. "}
			}
			r := test.env.resolver(t, test.block)
			r.resolve(nil)
			checkLines(t, lines(r.diags), want)
			if r.diags.HasError() || r.invalid.HasError() {
				t.Errorf("got an error, want a warning")
			}
		})
	}
}
