package provider

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// TestEnvironmentFailsTheRead checks that what is wrong with the environment alone fails the read,
// not the provider: Terraform would report a missing provider block.
func TestEnvironmentFailsTheRead(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	env := keyed(server).with(environment{"CAS_REQUESTS_PER_SECOND": "0", "CAS_REQUEST_TIMEOUT": "-3s"})
	p := newPlugin(t, env)
	for name, get := range p.readers() {
		if diagnostics := p.configure(t, nil); len(diagnostics) > 0 {
			t.Errorf("got diagnostics of the provider, want none:\n%s", texts(diagnostics))
		}
		_, diagnostics := get(t, nil)
		checkLines(t, protocolLines(diagnostics), []string{
			": Invalid duration: CAS_REQUEST_TIMEOUT can't be used",
			": Invalid number: CAS_REQUESTS_PER_SECOND can't be used"})
		_, diagnostics = get(t, nil)
		checkLines(t, protocolLines(diagnostics), []string{
			": Invalid duration: Another error with this summary and cause",
			": Invalid number: Another error with this summary and cause"})
		if t.Failed() {
			t.Error("the failures are those of the " + name)
		}
	}
	if diagnostics := newPlugin(t, env).configure(t, arguments{"access_key": "id"}); len(diagnostics) != 1 {
		t.Errorf("got %d diagnostics of the provider, want only that of the block:\n%s", len(diagnostics),
			texts(diagnostics))
	}
	if calls := server.Calls(); len(calls) > 0 {
		t.Errorf("got %d calls, want none", len(calls))
	}
}

func TestConfigureSendsNothing(t *testing.T) {
	t.Parallel()
	server, issuer := start(t, castest.Options{}), castest.StartIssuer()
	t.Cleanup(issuer.Close)
	env := keyed(server)
	for _, block := range []arguments{
		nil,
		{"credentials_uri": issuer.CredentialsURI()},
		{
			"access_key": "id", "secret_key": "secret", "assume_role": arguments{"role_arn": testRole},
			"endpoints": arguments{"sts": issuer.STSEndpoint()},
		},
	} {
		if diagnostics := newPlugin(t, env).configure(t, block); len(diagnostics) > 0 {
			t.Error(texts(diagnostics))
		}
	}
	if calls := server.Calls(); len(calls) > 0 {
		t.Errorf("got %d calls, want none", len(calls))
	}
	if calls := issuer.Calls(); len(calls) > 0 {
		t.Errorf("got %d calls for credentials, want none", len(calls))
	}
}

// TestUnknownProviderBlock configures a provider before apply, where one of its values isn't known
// yet.
func TestUnknownProviderBlock(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	block := arguments{"secret_key": unknown{}, "access_key": "id", "endpoints": arguments{"cas": unknown{}}}

	p := newPlugin(t, keyed(server))
	for name, get := range p.readers() {
		if diagnostics := p.configure(t, block); len(diagnostics) > 0 { // which lets each explain the cause
			t.Fatalf("%s: %s", name, texts(diagnostics))
		}
		_, diagnostics := get(t, nil)
		checkLines(t, protocolLines(diagnostics), []string{
			"secret_key: Unknown provider argument: ", "endpoints.cas: Unknown provider argument: "})
	}
	_, err := p.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		Config:             dynamic(t, p.schema.Provider, block),
		ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{DeferralAllowed: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	const counts = "cas_asset_count"
	data, err := p.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{
		TypeName: counts, Config: dynamic(t, p.schema.DataSourceSchemas[counts], nil),
		ClientCapabilities: &tfprotov6.ReadDataSourceClientCapabilities{DeferralAllowed: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := p.OpenEphemeralResource(t.Context(), &tfprotov6.OpenEphemeralResourceRequest{
		TypeName: counts, Config: dynamic(t, p.schema.EphemeralResourceSchemas[counts], nil),
		ClientCapabilities: &tfprotov6.OpenEphemeralResourceClientCapabilities{DeferralAllowed: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkLines(t, protocolLines(append(data.Diagnostics, opened.Diagnostics...)), nil)
	for _, got := range []*tfprotov6.Deferred{data.Deferred, opened.Deferred} {
		if want := tfprotov6.DeferredReasonProviderConfigUnknown; got == nil || got.Reason != want {
			t.Errorf("got deferral %v, want one for %s", got, want)
		}
	}
	if calls := server.Calls(); len(calls) > 0 {
		t.Errorf("got %d calls, want none", len(calls))
	}
}

// validate returns what terraform validate says about the provider block.
func (p plugin) validate(t *testing.T, block arguments) []string {
	t.Helper()
	resp, err := p.ValidateProviderConfig(t.Context(), &tfprotov6.ValidateProviderConfigRequest{
		Config: dynamic(t, p.schema.Provider, block),
	})
	if err != nil {
		t.Fatal(err)
	}
	return protocolLines(resp.Diagnostics)
}

// protocolLines returns diagnostics as lines does.
func protocolLines(diagnostics []*tfprotov6.Diagnostic) []string {
	var all []string
	for _, d := range diagnostics {
		var names []string
		for _, step := range d.Attribute.Steps() {
			name, _ := step.(tftypes.AttributeName)
			names = append(names, string(name))
		}
		all = append(all, strings.Join(names, ".")+": "+d.Summary+": "+d.Detail)
	}
	return all
}

func TestTimeoutsAreValidated(t *testing.T) {
	t.Parallel()
	refused := func(value string) string {
		return `: Invalid duration: timeouts.%s can't be used: "` + value +
			`" isn't a duration above zero and of at most 2562047h. Use one such as "30s" or "1m30s".`
	}
	for name, test := range map[string]struct {
		timeout any
		want    string
	}{
		"none":     {timeout: nil},
		"unknown":  {timeout: unknown{}},
		"good":     {timeout: "90s"},
		"no unit":  {timeout: "30", want: refused("30")},
		"nothing":  {timeout: "", want: ": Invalid Attribute Value Length: Attribute timeouts.%s"},
		"no time":  {timeout: "0s", want: refused("0s")},
		"negative": {timeout: "-1.5h", want: refused("-1.5h")},
		"too long": {timeout: "9999999h", want: refused("9999999h")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlugin(t, nil)
			const counts, require = "cas_asset_count", "cas_require_asset_count"
			block := func(schema *tfprotov6.Schema, operation string) *tfprotov6.DynamicValue {
				return dynamic(t, schema, arguments{
					"timeouts": arguments{operation: test.timeout}, "minimum": arguments{"point": 80}})
			}
			data, err := p.ValidateDataResourceConfig(t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{
				TypeName: counts, Config: block(p.schema.DataSourceSchemas[counts], "read")})
			if err != nil {
				t.Fatal(err)
			}
			ephemeral, err := p.ValidateEphemeralResourceConfig(t.Context(), &tfprotov6.ValidateEphemeralResourceConfigRequest{
				TypeName: counts, Config: block(p.schema.EphemeralResourceSchemas[counts], "open")})
			if err != nil {
				t.Fatal(err)
			}
			action, err := p.ValidateActionConfig(t.Context(), &tfprotov6.ValidateActionConfigRequest{
				ActionType: require, Config: block(p.schema.ActionSchemas[require].Schema, "invoke")})
			if err != nil {
				t.Fatal(err)
			}
			for operation, diagnostics := range map[string][]*tfprotov6.Diagnostic{
				"read": data.Diagnostics, "open": ephemeral.Diagnostics, "invoke": action.Diagnostics,
			} {
				var want []string
				if test.want != "" {
					want = []string{"timeouts." + operation + strings.ReplaceAll(test.want, "%s", operation)}
				}
				checkLines(t, protocolLines(diagnostics), want)
			}
		})
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	const plain = "terraform-provider-cas/1.2.3 Terraform/1.11.4"
	for appended, want := range map[string]string{
		"":                               plain,
		"ci/42 (nightly)":                plain + " ci/42 (nightly)",
		" a\r\nX-Evil: 1\x00 b\t \u00e9": plain + " a X-Evil: 1 b",
	} {
		if got := userAgent("1.2.3", "1.11.4", appended); got != want {
			t.Errorf("%q: got %q, want %q", appended, got, want)
		}
	}
}

func TestRegionAndEndpoint(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.json")
	content := `{"current": "intl", "profiles": [`
	for name, fields := range map[string]string{
		"intl": `"region_id": "ap-southeast-1"`, "china": `"region_id": "cn-shanghai"`,
		"vpc": `"endpoint_type": "vpc"`, "none": `"x": ""`,
	} {
		content += `{"name": "` + name + `", "mode": "AK", "access_key_id": "a", "access_key_secret": "b", ` + fields + `},`
	}
	writeFile(t, file, strings.TrimSuffix(content, ",")+"]}")
	const china, intl, eu = "cas.aliyuncs.com", "cas.ap-southeast-1.aliyuncs.com", "cas.eu-central-1.aliyuncs.com"
	named := func(profile string) arguments { return arguments{"shared_credentials_file": file, "profile": profile} }
	for name, test := range map[string]struct {
		block arguments
		env   environment
		want  string
	}{
		"nothing":              {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": "/nowhere"}, want: china},
		"current profile":      {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": file}, want: intl},
		"profile of the block": {block: named("intl"), want: intl},
		"profile of a variable": {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": file,
			"ALIBABA_CLOUD_PROFILE": "china"}, want: china},
		"region ID after the profile": {block: named("intl"),
			env: environment{"ALIBABA_CLOUD_REGION_ID": "eu-central-1"}, want: intl},
		"region ID completes a profile": {block: named("none"), env: environment{"ALICLOUD_REGION_ID": "eu-central-1"},
			want: eu},
		"region ID without a profile": {
			env: environment{"ALIBABA_CLOUD_CONFIG_FILE": "/nowhere", "ALIBABACLOUD_REGION_ID": "eu-central-1"}, want: eu},
		"region before the profile": {block: named("intl"), env: environment{"ALICLOUD_REGION": "eu-central-1"},
			want: eu},
		"region of the block": {block: arguments{"region": "cn-hangzhou", "shared_credentials_file": file},
			env: environment{"ALIBABA_CLOUD_REGION": "eu-central-1"}, want: china},
		"profile that isn't in use": {
			env: environment{"ALIBABA_CLOUD_CONFIG_FILE": file, "ALICLOUD_ACCESS_KEY": "a",
				"ALICLOUD_SECRET_KEY": "b"},
			want: china,
		},
		"account of the international site": {block: arguments{"region": "us-east-1", "account_type": "International"},
			want: intl},
		"account of a variable": {
			block: arguments{"region": "us-east-1"}, env: environment{"ALIBABA_CLOUD_ACCOUNT_TYPE": "international"},
			want: intl},
		"account without a region": {
			env:  environment{"ALIBABA_CLOUD_CONFIG_FILE": "/nowhere", "ALIBABA_CLOUD_ACCOUNT_TYPE": "International"},
			want: intl},
		"VPC of a profile": {block: named("vpc"), want: "cas-vpc.cn-hangzhou.aliyuncs.com"},
		"VPC of a variable": {block: named("intl"), env: environment{"ALIBABA_CLOUD_ENDPOINT_TYPE": "vpc"},
			want: "cas-vpc." + intl[4:]},
		"endpoint before VPCs": {block: named("vpc"),
			env: environment{"ALIBABA_CLOUD_ENDPOINT_CAS": "cas.example.com"}, want: "cas.example.com"},
		"endpoint of the block": {block: arguments{"region": "us-east-1",
			"endpoints": arguments{"cas": "cas.example.com"}}, want: "cas.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := test.env.resolver(t, test.block)
			config := r.resolve(nil)
			if len(r.diags)+len(r.invalid) > 0 {
				t.Fatalf("got %v and %v, want no diagnostics", r.diags, r.invalid)
			}
			if got := config.Endpoint.Host; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestCacheDirWithoutHome checks that a process without HOME, as a system service has none, gets a
// directory all the same.
func TestCacheDirWithoutHome(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("LOCALAPPDATA", "")
	if dir := cacheDir(); !filepath.IsAbs(dir) || filepath.Base(dir) != ".cache" {
		t.Errorf("got %q, want the cache directory of the user database", dir)
	}
}
