package provider

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// required goes before every configuration.
const required = `
terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}
`

// smallest is the smallest configuration there is.
const smallest = required + `
data "cas_asset_count" "this" {}
`

// factories make the provider of this process for Terraform.
func (e environment) factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"cas": providerserver.NewProtocol6WithError(&casProvider{version: "1.2.3", getenv: e.get}),
	}
}

// valuesOf checks every attribute of a data source: those of want, and else those of answered.
func valuesOf(address string, want map[string]any) []statecheck.StateCheck {
	values := answered()
	delete(values, "timeouts")
	delete(values, "request_id") // the fake makes a new one for every answer
	checks := []statecheck.StateCheck{}
	for name := range values {
		value, ok := want[name]
		if !ok {
			value = values[name]
		}
		checks = append(checks, statecheck.ExpectKnownValue(address, tfjsonpath.New(name), known(value)))
	}
	return checks
}

func known(value any) knownvalue.Check {
	switch value := value.(type) {
	case int64:
		return knownvalue.Int64Exact(value)
	case string:
		return knownvalue.StringExact(value)
	}
	return knownvalue.Null()
}

// TestTerraform runs the configuration that the documentation begins with.
func TestTerraform(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	id := regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`)
	config := required + `
provider "cas" {}

data "cas_asset_count" "this" {
  lifecycle {
    postcondition {
      condition     = self.point >= 80
      error_message = "The certificate health score is ${self.point}."
    }
  }
}

check "cloud_assets" {
  assert {
    condition     = data.cas_asset_count.this.total_cloud_asset_count > 0
    error_message = "No cloud resources are known to Certificate Management Service."
  }
}

output "certificates" {
  value = data.cas_asset_count.this.total_certificate_count
}
`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: keyed(server).factories(),
		Steps: []resource.TestStep{
			{
				Config: config, // the framework plans again after it was applied, and fails where there is a change
				ConfigStateChecks: append(valuesOf("data.cas_asset_count.this", nil),
					statecheck.ExpectKnownValue("data.cas_asset_count.this", tfjsonpath.New("request_id"), knownvalue.StringRegexp(id)),
					statecheck.ExpectKnownOutputValue("certificates", knownvalue.Int64Exact(10)),
				),
			},
			{Config: config, PlanOnly: true},
			{
				PreConfig: func() {
					worse := castest.Assets()
					worse["Point"] = 61
					server.Answer(worse)
				},
				Config:      config,
				ExpectError: regexp.MustCompile(`(?s)Resource postcondition failed.*The certificate health score is 61\.`),
			},
		},
	})
	if server.Refused()+server.Throttled() > 0 {
		t.Errorf("%d calls refused, %d throttled", server.Refused(), server.Throttled())
	}
}

func TestTerraformNulls(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	nothing := map[string]any{}
	for name := range answered() {
		nothing[name] = nil
	}
	answer := func(change func(map[string]any)) func() {
		return func() {
			assets := castest.Assets()
			change(assets)
			server.Answer(assets)
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: keyed(server).factories(),
		Steps: []resource.TestStep{
			{
				PreConfig: answer(func(assets map[string]any) {
					delete(assets, "FreeCertificateCount")
					assets["AwsAssetCount"], assets["LastPoint"], assets["GoogleAssetCount"] = nil, nil, 23
				}),
				Config: smallest,
				ConfigStateChecks: valuesOf("data.cas_asset_count.this", map[string]any{
					"free_certificate_count": nil, "total_certificate_count": nil, "aws_asset_count": nil, "total_cloud_asset_count": nil,
					"last_point": nil, "point_change": nil,
				}),
			},
			{
				PreConfig:         answer(func(assets map[string]any) { clear(assets) }),
				Config:            smallest,
				ConfigStateChecks: valuesOf("data.cas_asset_count.this", nothing),
			},
		},
	})
}

// TestTerraformKeys reads with keys from everywhere.
func TestTerraformKeys(t *testing.T) {
	t.Parallel()
	temporary := castest.Key{AccessKeyID: "STS.NTtEsT", AccessKeySecret: "sEcReT/+=", SecurityToken: "CAIS+/aB3//x+y=="}
	const block = `
provider "cas" {
  access_key     = "STS.NTtEsT"
  secret_key     = "sEcReT/+="
  security_token = "CAIS+/aB3//x+y=="
}
`
	tests := map[string]struct {
		env   environment
		block string
		want  castest.Key
	}{
		"ALIBABA_CLOUD": {env: environment{
			"ALIBABA_CLOUD_ACCESS_KEY_ID":     temporary.AccessKeyID,
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET": temporary.AccessKeySecret,
			"ALIBABA_CLOUD_SECURITY_TOKEN":    temporary.SecurityToken,
		}, block: "", want: temporary},
		"ALICLOUD": {env: environment{
			"ALICLOUD_ACCESS_KEY": castest.DefaultKey.AccessKeyID,
			"ALICLOUD_SECRET_KEY": castest.DefaultKey.AccessKeySecret,
		}, block: "", want: castest.DefaultKey},
		"provider block": {env: environment{
			"ALIBABA_CLOUD_ACCESS_KEY_ID":     castest.DefaultKey.AccessKeyID,
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET": castest.DefaultKey.AccessKeySecret,
		}, block: block, want: temporary},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, castest.Options{Keys: []castest.Key{castest.DefaultKey, temporary}})
			test.env["CAS_ENDPOINT"] = server.URL()
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: test.env.factories(),
				Steps: []resource.TestStep{{
					Config:            smallest + test.block,
					ConfigStateChecks: valuesOf("data.cas_asset_count.this", nil),
				}},
			})
			for _, call := range server.Calls() {
				if call.Code != "" || call.AccessKeyID != test.want.AccessKeyID || call.Header.Get("X-Acs-Security-Token") != test.want.SecurityToken {
					t.Errorf("a call was answered %q and signed with %s, not %s", call.Code, call.AccessKeyID, test.want.AccessKeyID)
				}
			}
		})
	}
}

func TestTerraformUserAgent(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	env := keyed(server)
	env["TF_APPEND_USER_AGENT"] = "ci/42"
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories(),
		Steps:                    []resource.TestStep{{Config: smallest}},
	})
	want := regexp.MustCompile(`^terraform-provider-cas/1\.2\.3 Terraform/[0-9]+\.[0-9]+\.[0-9]+[^ ]* ci/42$`)
	for _, call := range server.Calls() {
		if !want.MatchString(call.UserAgent) {
			t.Errorf("user agent is %q", call.UserAgent)
		}
	}
}

// TestTerraformErrors has a way to fail for each kind of cause, and how often the service is called for it.
func TestTerraformErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(*castest.Server, environment)
		config  string
		want    string // as a regular expression
		calls   int
	}{
		"key refused": {
			prepare: func(s *castest.Server, _ environment) { s.RemoveKey(castest.DefaultKey.AccessKeyID) },
			want:    `(?s)Error: Access key refused.*InvalidAccessKeyId\.NotFound.*Request\s+ID:`,
			calls:   1,
		},
		"secret wrong": {
			prepare: func(_ *castest.Server, env environment) { env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] += "x" },
			want:    `(?s)Error: Access key refused.*SignatureDoesNotMatch`,
			calls:   1,
		},
		"permission denied": {
			prepare: func(s *castest.Server, _ environment) { s.Script(castest.Denied("216959339000654321")) },
			want:    `(?s)Error: Not allowed to read the certificate asset counts.*216959339000654321.*AliyunYundunCertReadOnlyAccess`,
			calls:   1,
		},
		"service down": {
			prepare: func(s *castest.Server, _ environment) {
				for range 2 {
					s.Script(castest.Fault(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."))
				}
			},
			config: `provider "cas" { max_retries = 1 }`,
			want:   `(?s)Error: Certificate Management Service is temporarily unavailable.*Attempts:\s+2`,
			calls:  2,
		},
		"endpoint not encrypted": {
			config: `provider "cas" {
			  endpoints { cas = "http://cas.aliyuncs.com" }
			}`,
			want: `(?s)Error: Invalid endpoint.*loopback`,
		},
		"endpoint gone": {
			prepare: func(s *castest.Server, _ environment) { s.Close() },
			config:  `provider "cas" { max_retries = 0 }`,
			want:    `Error: Connection refused`,
		},
		"certificate not trusted": {
			prepare: func(_ *castest.Server, env environment) { env["ALIBABA_CLOUD_ENDPOINT_CAS"] = strangers(t) },
			config:  `provider "cas" { max_retries = 0 }`,
			want:    `(?s)Error: Certificate not trusted.*Certificate of:\s+O=Acme Co`,
		},
		"timeout malformed": {
			config: `data "cas_asset_count" "other" {
			  timeouts { read = "0s" }
			}`,
			want: `Error: Timeout too short`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, castest.Options{})
			env := keyed(server)
			if test.prepare != nil {
				test.prepare(server, env)
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: env.factories(),
				Steps: []resource.TestStep{{
					Config:      smallest + test.config,
					PlanOnly:    true,
					ExpectError: regexp.MustCompile(test.want),
				}},
			})
			if calls := len(server.Calls()); calls != test.calls {
				t.Errorf("%d calls, want %d", calls, test.calls)
			}
		})
	}
}

// strangers returns where a server with a certificate listens that nobody trusts.
func strangers(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// TestTerraformTimeouts bounds a read by its timeouts block, whatever goes on.
func TestTerraformTimeouts(t *testing.T) {
	t.Parallel()
	config := smallest[:len(smallest)-2] + `
  timeouts {
    read = "2s"
  }
}
`
	tests := map[string]struct {
		step func(*castest.Server)
		want string
	}{
		"throttled for good": {
			step: func(s *castest.Server) { s.Script(castest.Throttle("X-Acs-Retry-After", "60000")) },
			want: `(?s)Error: Certificate asset counts not read in time.*Throttling\.User`,
		},
		"no answer": {
			step: func(s *castest.Server) { s.Script(castest.Hang()) },
			want: `(?s)Error: Certificate asset counts not read in time.*` +
				`after\s+[2-9]s\s+\(attempts:\s+1\),\s+while\s+it\s+waited\s+for\s+an\s+answer`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, castest.Options{})
			test.step(server)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: keyed(server).factories(),
				Steps:                    []resource.TestStep{{Config: config, PlanOnly: true, ExpectError: regexp.MustCompile(test.want)}},
			})
			if calls := len(server.Calls()); calls != 1 {
				t.Errorf("%d calls, want 1", calls)
			}
		})
	}
}

// TestAccAssetCount reads the account of the credentials in the environment.
func TestAccAssetCount(t *testing.T) {
	t.Parallel()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"cas": providerserver.NewProtocol6WithError(New("test")()),
		},
		Steps: []resource.TestStep{{
			Config: smallest,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.cas_asset_count.this", tfjsonpath.New("point"), knownvalue.NotNull()),
				statecheck.ExpectKnownValue("data.cas_asset_count.this", tfjsonpath.New("request_id"), knownvalue.NotNull()),
			},
		}},
	})
}
