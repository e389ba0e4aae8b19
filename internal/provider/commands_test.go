package provider

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// keysInEnvironment are for newTerraform.
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
			t.Fatalf("%s: %v\n%s", args[0], err, said)
		}
		if calls := len(tf.cas.Calls()); calls != i+1 {
			t.Errorf("%d calls after %d commands, the last of which is %v", calls, i+1, args)
		}
		var logged []string // the calls, each with what the service's support asks for
		for line := range strings.Lines(log) {
			if strings.Contains(line, "provider.terraform-provider-cas: GetAssetCount: ") {
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
		t.Fatalf("%v\n%s", err, said)
	}
	if got := outputs["score"].Value; got != json.Number("92") {
		t.Errorf("score is %#v", got)
	}
	if got := outputs["domains"].Value; got != json.Number("9007199254740993") {
		t.Errorf("domains is %#v", got)
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
		t.Fatalf("%v\n%s", err, said)
	} else {
		tf.checkSecrets(t, said+log)
	}
	said, _, err := tf.run(t, "output", "-json", "scores")
	if got := strings.TrimSpace(said); err != nil || got != "[92,81]" {
		t.Errorf("scores are %s, %v", got, err)
	}
	for name, server := range map[string]*castest.Server{"china": tf.cas, "international": international} {
		if calls := server.Calls(); len(calls) != 1 || calls[0].Code != "" {
			t.Errorf("%s: %v", name, calls)
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
			if err == nil || strings.Count(said, "Error: ") != 1 {
				t.Errorf("got error %v, want one diagnostic:\n%s", err, said)
			}
			for _, want := range []string{"Error: " + test.summary, "Request ID: "} {
				if !strings.Contains(said, want) {
					t.Errorf("got no %q:\n%s", want, said)
				}
			}
			if calls := len(tf.cas.Calls()); calls != 1 {
				t.Errorf("%d calls", calls)
			}
			tf.checkSecrets(t, said+log)
		})
	}
}

// TestNoCredentialsIsOneDiagnostic checks that a user is told once, and all of it.
func TestNoCredentialsIsOneDiagnostic(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, "data \"cas_asset_count\" \"this\" {}\n", "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true")
	said, _, err := tf.run(t, "plan", "-no-color")
	if err == nil || strings.Count(said, "Error: ") != 1 {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{
		"Error: No Alibaba Cloud credentials",
		"- environment: ", "- OIDC environment: ", "- the current profile of ~/.aliyun/config.json: ", "- file ~/.alibabacloud/credentials: ",
		"- ECS metadata service: switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED", "- credentials URI: ",
		"Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q isn't in:\n%s", want, said)
		}
	}
}
