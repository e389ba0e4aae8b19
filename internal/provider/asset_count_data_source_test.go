package provider

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

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

// smallest is a configuration with no arguments.
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
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_5_0)}, // for the check block
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
	if refused := server.Refused(); refused > 0 {
		t.Errorf("got %d calls refused, want none", refused)
	}
	if throttled := server.Throttled(); throttled > 0 {
		t.Errorf("got %d calls throttled, want none", throttled)
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

// TestTerraformKeys reads with keys from each place that can hold them.
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
				if call.Code != "" {
					t.Errorf("got a call refused with %q, want an answer", call.Code)
				}
				if want := test.want.AccessKeyID; call.AccessKeyID != want {
					t.Errorf("got a call signed with %s, want %s", call.AccessKeyID, want)
				}
				if got, want := call.Header.Get("X-Acs-Security-Token"), test.want.SecurityToken; got != want {
					t.Errorf("got a call with token %q, want %q", got, want)
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
			t.Errorf("got user agent %q, want a match of %s", call.UserAgent, want)
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
			want:    `(?s)Error: Certificate isn't trusted.*Certificate of:\s+O=Acme Co`,
		},
		"no time": {
			config: `data "cas_asset_count" "other" {
			  timeouts { read = "0s" }
			  depends_on = [data.cas_asset_count.this]
			}`,
			want:  `(?s)Error: Certificate asset counts not read in time.*Give the read more time in its\s+timeouts block`,
			calls: 1,
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
				t.Errorf("got %d calls, want %d", calls, test.calls)
			}
		})
	}
}

// strangers returns the address of a server whose certificate isn't trusted.
func strangers(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// TestTerraformTimeouts checks that the timeouts block bounds a read.
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
				`after\s+[2-9][.\d]*s\s+\(attempts:\s+1\),\s+while\s+it\s+waited\s+for\s+an\s+answer`,
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
				t.Errorf("got %d calls, want 1", calls)
			}
		})
	}
}

// keysInEnvironment are variables for newTerraform.
var keysInEnvironment = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=$KEY", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=$SECRET"}

// TestCommands runs one command after the other on a configuration with one read, as a user would.
func TestCommands(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, `
data "cas_asset_count" "this" {}

output "score" {
  value = data.cas_asset_count.this.point
}

output "everything_but_the_request" {
  value = { for name, value in data.cas_asset_count.this : name => value if !contains(["request_id", "timeouts"], name) }
}

output "domains" {
  value = data.cas_asset_count.this.domain_asset_count
}
`, keysInEnvironment...)
	assets := castest.Assets()
	assets["DomainAssetCount"] = int64(9007199254740993) // a float can't hold it
	tf.cas.Answer(assets)

	for i, args := range [][]string{
		{"plan", "-no-color"},
		{"apply", "-no-color", "-auto-approve"},
		{"plan", "-no-color", "-detailed-exitcode"}, // fails where there is a change
	} {
		said, log, err := tf.run(t, args...)
		if err != nil {
			t.Fatalf("%s: got %v, want no error\n%s", args[0], err, said)
		}
		if calls := len(tf.cas.Calls()); calls != i+1 {
			t.Errorf("%v: got %d calls, want %d, one for each command", args, calls, i+1)
		}
		var logged []string // the calls, each with what the service's support asks for
		for line := range strings.Lines(log) {
			if strings.Contains(line, logLine()) {
				logged = append(logged, line)
			}
		}
		if len(logged) != 1 {
			t.Errorf("%v: got the calls %q in the log, want one", args, logged)
		}
		for _, want := range []string{"tf_data_source_type=cas_asset_count", "request_id="} {
			if !strings.Contains(strings.Join(logged, ""), want) {
				t.Errorf("%v: got %q, want %s", args, logged, want)
			}
		}
		tf.checkSecrets(t, said+log)
	}

	said, _, err := tf.run(t, "output", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var outputs map[string]struct{ Value any }
	decoder := json.NewDecoder(strings.NewReader(said))
	decoder.UseNumber()
	if err := decoder.Decode(&outputs); err != nil {
		t.Fatalf("got %v, want JSON:\n%s", err, said)
	}
	for name, want := range map[string]json.Number{"score": "92", "domains": "9007199254740993"} {
		if got := outputs[name].Value; got != want {
			t.Errorf("got %s %#v, want %#v", name, got, want)
		}
	}
	want := map[string]any{
		"point": json.Number("92"), "last_point": json.Number("88"), "point_change": json.Number("4"), "point_ratio": json.Number("1"),
		"point_time": json.Number("1767681210879"), "point_updated_at": "2026-01-06T06:33:30Z",
		"buy_certificate_count": json.Number("2"), "free_certificate_count": json.Number("3"), "upload_certificate_count": json.Number("5"),
		"total_certificate_count": json.Number("10"), "aliyun_asset_count": json.Number("7"), "tencent_asset_count": json.Number("11"),
		"huawei_asset_count": json.Number("13"), "aws_asset_count": json.Number("17"), "total_cloud_asset_count": json.Number("48"),
		"domain_asset_count": json.Number("9007199254740993"),
	}
	if got := outputs["everything_but_the_request"].Value; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestAliases reads two accounts in one plan. Terraform starts a process for each.
func TestAliases(t *testing.T) {
	t.Parallel()
	international := start(t, castest.Options{Keys: []castest.Key{{AccessKeyID: "international", AccessKeySecret: hush}}})
	other := castest.Assets()
	other["Point"] = 81
	international.Answer(other)
	tf := newTerraform(t, `
provider "cas" {
  alias      = "international"
  region     = "ap-southeast-1"
  access_key = "international"
  secret_key = "`+hush+`"

  endpoints {
    cas = "`+international.URL()+`"
  }
}

data "cas_asset_count" "china" {}

data "cas_asset_count" "international" {
  provider = cas.international
}

output "scores" {
  value = [data.cas_asset_count.china.point, data.cas_asset_count.international.point]
}
`, keysInEnvironment...)
	if said, log, err := tf.run(t, "apply", "-no-color", "-auto-approve"); err != nil {
		t.Fatalf("got %v, want no error\n%s", err, said)
	} else {
		tf.checkSecrets(t, said+log)
	}
	said, _, err := tf.run(t, "output", "-json", "scores")
	if got, want := strings.TrimSpace(said), "[92,81]"; err != nil || got != want {
		t.Errorf("got scores %s, %v, want %s", got, err, want)
	}
	for name, server := range map[string]*castest.Server{"china": tf.cas, "international": international} {
		if calls := server.Calls(); len(calls) != 1 || calls[0].Code != "" {
			t.Errorf("%s: got calls %+v, want one that is answered", name, calls)
		}
	}
}

// TestFailuresAtTheService shows the whole of what a user sees, and that nothing secret is in it or in the log.
func TestFailuresAtTheService(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(*castest.Server)
		summary string
	}{
		"key unknown": {
			prepare: func(s *castest.Server) { s.RemoveKey(castest.DefaultKey.AccessKeyID) },
			summary: "Access key refused",
		},
		"no permission": {prepare: func(s *castest.Server) { s.Script(castest.Denied("216959339000654321")) },
			summary: "Not allowed to read the certificate asset counts"},
		"request quoted": {prepare: func(s *castest.Server) {
			s.Script(castest.Fault(400, "SignatureDoesNotMatch",
				"Specified signature is not matched. server string to sign is:"+castest.DefaultKey.AccessKeySecret))
		}, summary: "Access key refused"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tf := newTerraform(t, "data \"cas_asset_count\" \"this\" {}\n", keysInEnvironment...)
			test.prepare(tf.cas)
			said, log, err := tf.run(t, "plan", "-no-color")
			oneDiagnostic(t, said, err)
			for _, want := range []string{"Error: " + test.summary, "Request ID: "} {
				if !strings.Contains(said, want) {
					t.Errorf("got no %q, want it said:\n%s", want, said)
				}
			}
			if calls := len(tf.cas.Calls()); calls != 1 {
				t.Errorf("got %d calls, want 1", calls)
			}
			tf.checkSecrets(t, said+log)
		})
	}
}

// TestNoCredentialsIsOneDiagnostic checks that one diagnostic lists all sources.
func TestNoCredentialsIsOneDiagnostic(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, "data \"cas_asset_count\" \"this\" {}\n", "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true")
	said, _, err := tf.run(t, "plan", "-no-color")
	oneDiagnostic(t, said, err)
	for _, want := range []string{
		"Error: No Alibaba Cloud credentials",
		"- the current profile of ~/.aliyun/config.json: ", "- file ~/.alibabacloud/credentials: ",
		"- ECS metadata service: switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED",
		"Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("got no %q, want it said:\n%s", want, said)
		}
	}
}

// oneDiagnostic checks that a command failed, and said why once.
func oneDiagnostic(t *testing.T, said string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("got no error, want one:\n%s", said)
	}
	if n := strings.Count(said, "Error: "); n != 1 {
		t.Errorf("got %d diagnostics, want 1:\n%s", n, said)
	}
}
