package provider

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

func TestSchemas(t *testing.T) {
	t.Parallel()
	var ofProvider provider.SchemaResponse
	New("test")().Schema(t.Context(), provider.SchemaRequest{}, &ofProvider)
	if d := ofProvider.Schema.ValidateImplementation(t.Context()); d.HasError() {
		t.Error(d)
	}
	var ofData datasource.SchemaResponse
	newAssetCountDataSource().Schema(t.Context(), datasource.SchemaRequest{}, &ofData)
	if d := ofData.Schema.ValidateImplementation(t.Context()); d.HasError() {
		t.Error(d)
	}

	described := map[string]string{"provider": ofProvider.Schema.MarkdownDescription, "data source": ofData.Schema.MarkdownDescription}
	for name, attribute := range ofData.Schema.Attributes {
		described[name] = attribute.GetMarkdownDescription()
		if !attribute.IsComputed() {
			t.Errorf("%s: got an attribute that isn't computed, want one that is", name)
		}
		if attribute.IsOptional() {
			t.Errorf("%s: got an optional attribute, want one that can't be set", name)
		}
		if attribute.IsRequired() {
			t.Errorf("%s: got a required attribute, want one that can't be set", name)
		}
	}
	for name, block := range ofData.Schema.Blocks {
		if block, ok := block.(dataschema.SingleNestedBlock); ok {
			for attribute, of := range block.Attributes {
				described[name+"."+attribute] = of.GetDescription() // what framework-timeouts sets
			}
		}
	}
	var sensitive []string
	attributes := func(prefix string, all map[string]schema.Attribute) {
		for name, attribute := range all {
			described[prefix+name] = attribute.GetMarkdownDescription()
			if attribute.IsSensitive() {
				sensitive = append(sensitive, prefix+name)
			}
		}
	}
	attributes("", ofProvider.Schema.Attributes)
	for name, block := range ofProvider.Schema.Blocks {
		if block, ok := block.(schema.SingleNestedBlock); ok {
			described[name] = block.MarkdownDescription
			attributes(name+".", block.Attributes)
		}
	}
	for name, description := range described {
		if !strings.HasSuffix(description, ".") {
			t.Errorf("%s: got description %q, want a sentence", name, description)
		}
	}
	slices.Sort(sensitive)
	if want := []string{"assume_role_with_oidc.oidc_token", "secret_key", "security_token"}; !slices.Equal(sensitive, want) {
		t.Errorf("got sensitive %v, want %v", sensitive, want)
	}
}

// TestConfigureReportsEverything gives all the diagnostics of a block in which nothing is right, and makes no call.
func TestConfigureReportsEverything(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	env := keyed(server)
	delete(env, "ALIBABA_CLOUD_ENDPOINT_CAS")
	maps.Copy(env, environment{"CAS_MAX_RETRIES": "many", "CAS_REQUEST_TIMEOUT": "-3s", "ALIBABA_CLOUD_REGION": "Hangzhou"})
	diagnostics := newPlugin(t, env).configure(t, arguments{
		"access_key":          "LTAI5tCasTestAccessKeyId",
		"requests_per_second": 1000,
		"endpoints":           arguments{"cas": "http://cas.aliyuncs.com", "sts": "sts.aliyuncs.com/path"},
	})
	got := map[string]string{}
	for _, d := range diagnostics {
		if other, twice := got[d.Attribute.String()]; twice {
			t.Errorf("%s: got %q and %q, want one diagnostic", d.Attribute, other, d.Summary)
		}
		got[d.Attribute.String()] = d.Summary
		if strings.HasSuffix(d.Summary, ".") {
			t.Errorf("%s: got summary %q, want no full stop at its end", d.Attribute, d.Summary)
		}
		if !strings.HasSuffix(d.Detail, ".") {
			t.Errorf("%s: got detail %q, want a full stop at its end", d.Attribute, d.Detail)
		}
	}
	at := func(names ...string) string {
		steps := make([]tftypes.AttributePathStep, len(names))
		for i, name := range names {
			steps[i] = tftypes.AttributeName(name)
		}
		return tftypes.NewAttributePathWithSteps(steps).String()
	}
	want := map[string]string{
		at("secret_key"):          "Missing Alibaba Cloud secret key",
		at("region"):              "Invalid region",
		at("requests_per_second"): "Invalid number",
		at("max_retries"):         "Invalid number",
		at("request_timeout"):     "Invalid duration",
		at("endpoints", "cas"):    "Invalid endpoint",
		at("endpoints", "sts"):    "Invalid endpoint",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v\n%s", got, want, texts(diagnostics))
	}
	text := texts(diagnostics)
	if strings.Contains(text, castest.DefaultKey.AccessKeySecret) {
		t.Errorf("got a secret, want it left out:\n%s", text)
	}
	if !strings.Contains(text, "CAS_MAX_RETRIES is \"many\"") {
		t.Errorf("got no variable with its value, want CAS_MAX_RETRIES:\n%s", text)
	}
	if calls := server.Calls(); len(calls) > 0 {
		t.Errorf("got %d calls, want none", len(calls))
	}
}

func TestConfigureCallsNobody(t *testing.T) {
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

// TestUnknownProviderBlock configures a provider before apply, where one of its values isn't known yet.
func TestUnknownProviderBlock(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	block := arguments{"secret_key": unknown{}, "access_key": "id", "endpoints": arguments{"cas": unknown{}}}

	t.Run("the read says so", func(t *testing.T) {
		t.Parallel()
		p := newPlugin(t, keyed(server))
		if diagnostics := p.configure(t, block); len(diagnostics) > 0 {
			t.Fatal(texts(diagnostics))
		}
		for name, get := range p.readers() {
			_, diagnostics := get(t, nil)
			text := texts(diagnostics)
			if len(diagnostics) != 2 {
				t.Errorf("%s: got %d diagnostics, want 2:\n%s", name, len(diagnostics), text)
			}
			if n := strings.Count(text, "Unknown "); n != 2 {
				t.Errorf("%s: got \"Unknown\" %d times, want it twice:\n%s", name, n, text)
			}
			for _, want := range []string{"secret_key", "endpoints.cas"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: got no diagnostic of %s, want one:\n%s", name, want, text)
				}
			}
		}
	})
	t.Run("the read is deferred", func(t *testing.T) {
		t.Parallel()
		p := newPlugin(t, keyed(server))
		_, err := p.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
			Config:             dynamic(t, p.schema.Provider, block),
			ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{DeferralAllowed: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		data := p.schema.DataSourceSchemas["cas_asset_count"]
		resp, err := p.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{
			TypeName: "cas_asset_count", Config: dynamic(t, data, nil),
			ClientCapabilities: &tfprotov6.ReadDataSourceClientCapabilities{DeferralAllowed: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		isDeferred(t, resp.Deferred, resp.Diagnostics)
		opened, err := p.OpenEphemeralResource(t.Context(), &tfprotov6.OpenEphemeralResourceRequest{
			TypeName: "cas_asset_count", Config: dynamic(t, p.schema.EphemeralResourceSchemas["cas_asset_count"], nil),
			ClientCapabilities: &tfprotov6.OpenEphemeralResourceClientCapabilities{DeferralAllowed: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		isDeferred(t, opened.Deferred, opened.Diagnostics)
	})
	if calls := server.Calls(); len(calls) > 0 {
		t.Errorf("got %d calls, want none", len(calls))
	}
}

// isDeferred checks that Terraform is told to ask again when the provider's block is known, and nothing else.
func isDeferred(t *testing.T, got *tfprotov6.Deferred, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	if len(diagnostics) > 0 {
		t.Errorf("got %d diagnostics, want none:\n%s", len(diagnostics), texts(diagnostics))
	}
	if want := tfprotov6.DeferredReasonProviderConfigUnknown; got == nil || got.Reason != want {
		t.Errorf("got deferral %v, want one for %s", got, want)
	}
}

// TestLimitsAreValidated checks that terraform validate refuses each wrong limit of the block once.
func TestLimitsAreValidated(t *testing.T) {
	t.Parallel()
	p := newPlugin(t, environment{"CAS_MAX_RETRIES": "many"}) // terraform validate ignores the environment
	for name, test := range map[string]struct {
		block arguments
		want  string
	}{
		"good": {block: arguments{"requests_per_second": 100, "max_retries": 0, "request_timeout": "1h"}, want: ""},
		"unknown": {
			block: arguments{"requests_per_second": unknown{}, "max_retries": unknown{}, "request_timeout": unknown{}},
			want:  "",
		},
		"no call":            {block: arguments{"requests_per_second": 0}, want: "Invalid number"},
		"too many calls":     {block: arguments{"requests_per_second": 101}, want: "Invalid number"},
		"negative retries":   {block: arguments{"max_retries": -1}, want: "Invalid number"},
		"too many retries":   {block: arguments{"max_retries": 21}, want: "Invalid number"},
		"no time":            {block: arguments{"request_timeout": "0s"}, want: "Invalid duration"},
		"too much time":      {block: arguments{"request_timeout": "61m"}, want: "Invalid duration"},
		"no duration at all": {block: arguments{"request_timeout": "soon"}, want: "Invalid duration"},
		"half a call":        {block: arguments{"requests_per_second": 2.5}, want: "Invalid number"},
		"half a retry":       {block: arguments{"max_retries": 1.5}, want: "Invalid number"},
		"half a second": {
			block: arguments{"assume_role": arguments{"role_arn": testRole, "session_expiration": 900.5}},
			want:  "Invalid number",
		},
		"everything at once": {
			block: arguments{"requests_per_second": 1e30, "max_retries": 2.5, "request_timeout": "soon", "region": "?"},
			want:  "Invalid durationInvalid regionInvalid numberInvalid number",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := p.ValidateProviderConfig(t.Context(), &tfprotov6.ValidateProviderConfigRequest{
				Config: dynamic(t, p.schema.Provider, test.block),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := summaries(resp.Diagnostics); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// summaries concatenates the summaries of all diagnostics.
func summaries(diagnostics []*tfprotov6.Diagnostic) string {
	var all strings.Builder
	for _, d := range diagnostics {
		all.WriteString(d.Summary)
	}
	return all.String()
}

func TestTimeoutsAreValidated(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		timeout any
		want    string
	}{
		"none":        {timeout: nil, want: ""},
		"unknown":     {timeout: unknown{}, want: ""},
		"good":        {timeout: "90s", want: ""},
		"no unit":     {timeout: "30", want: "Invalid Attribute Value Time Duration"},
		"no number":   {timeout: "soon", want: "Invalid Attribute Value Time Duration"},
		"nothing":     {timeout: "", want: "Invalid Attribute Value Time Duration"},
		"white space": {timeout: " 5m", want: "Invalid Attribute Value Time Duration"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlugin(t, nil)
			data, err := p.ValidateDataResourceConfig(t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{
				TypeName: "cas_asset_count",
				Config:   dynamic(t, p.schema.DataSourceSchemas["cas_asset_count"], arguments{"timeouts": arguments{"read": test.timeout}}),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := summaries(data.Diagnostics); got != test.want {
				t.Errorf("data source: got %q, want %q", got, test.want)
			}
			ephemeral, err := p.ValidateEphemeralResourceConfig(t.Context(), &tfprotov6.ValidateEphemeralResourceConfigRequest{
				TypeName: "cas_asset_count",
				Config:   dynamic(t, p.schema.EphemeralResourceSchemas["cas_asset_count"], arguments{"timeouts": arguments{"open": test.timeout}}),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := summaries(ephemeral.Diagnostics); got != test.want {
				t.Errorf("ephemeral resource: got %q, want %q", got, test.want)
			}
			action, err := p.ValidateActionConfig(t.Context(), &tfprotov6.ValidateActionConfigRequest{
				ActionType: "cas_require_asset_count",
				Config: dynamic(t, p.schema.ActionSchemas["cas_require_asset_count"].Schema,
					arguments{"minimum": arguments{"point": 80}, "timeouts": arguments{"invoke": test.timeout}}),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := summaries(action.Diagnostics); got != test.want {
				t.Errorf("action: got %q, want %q", got, test.want)
			}
		})
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ terraform, appended, want string }{
		"plain": {terraform: "1.11.4", appended: "", want: "terraform-provider-cas/1.2.3 Terraform/1.11.4"},
		"appended": {
			terraform: "1.11.4",
			appended:  "ci/42 (nightly)",
			want:      "terraform-provider-cas/1.2.3 Terraform/1.11.4 ci/42 (nightly)",
		},
		"controls": {
			terraform: "1.11.4",
			appended:  " a\r\nX-Evil: 1\x00 b\t ",
			want:      "terraform-provider-cas/1.2.3 Terraform/1.11.4 a X-Evil: 1 b",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := userAgent("1.2.3", test.terraform, test.appended); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
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

// What is in the home directory of whoever validates says nothing about other environments.
func TestValidateReadsNoRegion(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.json")
	content := `{"profiles": [{"name": "default", "mode": "EcsRamRole", "region_id": "ap-southeast-1"}]}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	r := environment{}.resolver(t, arguments{"shared_credentials_file": file})
	r.validating = true
	config, _ := r.resolve(t.Context())
	if got, want := config.Endpoint.Host, "cas.aliyuncs.com"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
