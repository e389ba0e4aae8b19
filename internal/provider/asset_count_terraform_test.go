package provider

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
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

// factories make the provider of this process for Terraform.
func (e environment) factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"cas": providerserver.NewProtocol6WithError(&Provider{Transport: isolated, version: "1.2.3", getenv: e.get}),
	}
}

// valuesOf checks every attribute of a data source: those of want, and else those of answered.
func valuesOf(address string, want map[string]any) []statecheck.StateCheck {
	values := answered()
	delete(values, "timeouts")
	delete(values, "request_id") // the fake makes a new one for every response
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

// TestTerraform checks what Terraform keeps, and what the service learns of it.
func TestTerraform(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	env := keyed(server).with(environment{"TF_APPEND_USER_AGENT": "ci/42"})
	id := regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`)
	config := required + `
provider "cas" {}

data "cas_asset_count" "this" {}

output "certificates" {
  value = data.cas_asset_count.this.total_certificate_count
}
`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories(),
		Steps: []resource.TestStep{
			{
				Config: config, // the framework plans again after it was applied, and fails where there is a change
				ConfigStateChecks: append(valuesOf("data.cas_asset_count.this", nil),
					statecheck.ExpectKnownValue("data.cas_asset_count.this", tfjsonpath.New("request_id"),
						knownvalue.StringRegexp(id)),
					statecheck.ExpectKnownOutputValue("certificates", knownvalue.Int64Exact(10)),
				),
			},
		},
	})
	agent := regexp.MustCompile(`^terraform-provider-cas/1\.2\.3 Terraform/[0-9]+\.[0-9]+\.[0-9]+[^ ]* ci/42$`)
	for _, call := range server.Calls() {
		if !agent.MatchString(call.Header.Get("User-Agent")) || call.Code != "" {
			t.Errorf("got user agent %q and code %q, want a match of %s and no code", call.Header.Get("User-Agent"), call.Code,
				agent)
		}
	}
	if throttled := server.Throttled(); throttled > 0 {
		t.Errorf("got %d calls throttled, want none", throttled)
	}
}

// keysInEnvironment are variables for newTerraform.
var keysInEnvironment = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=$KEY", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=$SECRET"}

// TestCommands runs one command after the other on a configuration with one read, as a user would.
func TestCommands(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, `
data "cas_asset_count" "this" {}

output "everything_but_the_request" {
  value = { for name, value in data.cas_asset_count.this : name => value if !contains(["request_id", "timeouts"], name) }
}
`, keysInEnvironment...)
	assets := castest.Assets()
	assets["DomainAssetCount"] = int64(9007199254740993) // a float can't hold it
	tf.cas.Respond(assets)

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
		var logged []string // the calls, each with what a support case needs
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
	want := answered()
	delete(want, "request_id")
	delete(want, "timeouts")
	want["domain_asset_count"] = assets["DomainAssetCount"]
	if got := outputs["everything_but_the_request"].Value; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestAliases reads two accounts in one plan. Terraform starts a process for each.
func TestAliases(t *testing.T) {
	t.Parallel()
	international := start(t, castest.Options{Keys: []castest.Key{{AccessKeyID: "international", AccessKeySecret: hush}}})
	other := castest.Assets()
	other["Point"] = 81
	international.Respond(other)
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
			t.Errorf("%s: got calls %+v, want one with a response", name, calls)
		}
	}
}

// TestFailureAtTheService shows the whole of what a user sees, and that nothing secret is in it or
// in the log.
func TestFailureAtTheService(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, "data \"cas_asset_count\" \"this\" {}\n", keysInEnvironment...)
	tf.cas.Script(castest.Fault(400, "SignatureDoesNotMatch",
		"Specified signature is not matched. server string to sign is:"+castest.DefaultKey.AccessKeySecret))
	said, log, err := tf.run(t, "plan", "-no-color")
	if err == nil || strings.Count(said, "Error: ") != 1 {
		t.Errorf("got %v, want one error:\n%s", err, said)
	}
	for _, want := range []string{"Error: Access key refused", "SignatureDoesNotMatch", "Request ID: "} {
		if !strings.Contains(said, want) {
			t.Errorf("got no %q, want it said:\n%s", want, said)
		}
	}
	if calls := len(tf.cas.Calls()); calls != 1 {
		t.Errorf("got %d calls, want 1", calls)
	}
	tf.checkSecrets(t, said+log)
}

// needsEphemeral skips a test before Terraform 1.10 and OpenTofu 1.11, which know no ephemeral
// resources.
func needsEphemeral(t *testing.T, tf *terraform) {
	t.Helper()
	tf.needs(t, 10, 11)
}

// TestOneClient makes the data source, the ephemeral resource and the action share calls and the
// quota.
func TestOneClient(t *testing.T) {
	t.Parallel()
	p := &Provider{Transport: isolated, version: "1.2.3", getenv: keyed(start(t, castest.Options{})).get}
	var schema provider.SchemaResponse
	p.Schema(t.Context(), provider.SchemaRequest{}, &schema)
	var resp provider.ConfigureResponse
	p.Configure(t.Context(), provider.ConfigureRequest{Config: tfsdk.Config{
		Raw: encoded(t, schema.Schema.Type().TerraformType(t.Context()), arguments{}), Schema: schema.Schema,
	}}, &resp)
	data, _ := resp.DataSourceData.(providerData)
	ephemeral, _ := resp.EphemeralResourceData.(providerData)
	if data.client == nil {
		t.Fatalf("got no client, want one: %v", resp.Diagnostics)
	}
	if ephemeral.client != data.client {
		t.Errorf("ephemeral resource: got client %p, want the data source's, %p", ephemeral.client, data.client)
	}
	if action, _ := resp.ActionData.(providerData); action.client != data.client {
		t.Errorf("action: got client %p, want the data source's, %p", action.client, data.client)
	}
}

// TestTimeoutsBoundReads checks that no response keeps a read longer than its timeouts block
// allows, and that the action reports it as the data source does.
func TestTimeoutsBoundReads(t *testing.T) {
	t.Parallel()
	for operation, diagnose := range map[string]func(plugin, arguments) string{
		"read": func(p plugin, block arguments) string { _, d := p.read(t, block); return texts(d) },
		"open": func(p plugin, block arguments) string { _, d := p.open(t, block); return texts(d) },
		"invoke": func(p plugin, block arguments) string {
			block["minimum"] = arguments{"point": 80}
			_, _, invoke, _ := p.require(t, block)
			return invoke
		},
	} {
		server := start(t, castest.Options{})
		server.Script(castest.Hang())
		p := newPlugin(t, keyed(server))
		if diagnostics := p.configure(t, nil); len(diagnostics) > 0 {
			t.Fatal(texts(diagnostics))
		}
		got := diagnose(p, arguments{"timeouts": arguments{operation: "100ms"}})
		if want := ": Certificate asset counts not read in time\n"; !strings.HasPrefix(got, want) {
			t.Errorf("%s: got\n%s\nwant %s", operation, got, want)
		}
	}
}

// TestTerraformEphemeralValues sees through the echo provider what Terraform keeps to itself.
func TestTerraformEphemeralValues(t *testing.T) {
	t.Parallel()
	needsEphemeral(t, newTerraform(t, ""))
	values := map[string]knownvalue.Check{"request_id": knownvalue.NotNull(), "timeouts": knownvalue.Null()}
	for name, value := range answered() {
		if values[name] == nil {
			values[name] = known(value)
		}
	}
	factories := keyed(start(t, castest.Options{})).factories()
	factories["echo"] = echoprovider.NewProviderServer()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: `
terraform {
  required_providers {
    cas  = { source = "terraform-provider-cas/cas" }
    echo = { source = "terraform-provider-cas/echo" } # as TF_ACC_PROVIDER_NAMESPACE has it
  }
}

ephemeral "cas_asset_count" "this" {}

provider "echo" {
  data = ephemeral.cas_asset_count.this
}

resource "echo" "this" {}
`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("echo.this", tfjsonpath.New("data"), knownvalue.ObjectExact(values)),
			},
		}},
	})
}

// gate has its condition outside of the ephemeral block: while a condition is in it, terraform show
// -json panics.
const gate = `
ephemeral "cas_asset_count" "this" {}

resource "terraform_data" "gate" {
  lifecycle {
    precondition {
      condition     = coalesce(ephemeral.cas_asset_count.this.point, 0) >= 80
      error_message = "The certificate health score is below 80."
    }
  }
}

resource "terraform_data" "release" {
  depends_on = [terraform_data.gate]
}
`

// TestEphemeralValuesAreStoredNowhere looks for a number in all that Terraform stores and logs, and
// finds it for a data source alone.
func TestEphemeralValuesAreStoredNowhere(t *testing.T) {
	t.Parallel()
	const number = int64(8123456789012)
	for name, test := range map[string]struct {
		config string
		stored bool
	}{
		"action":             {config: gateAction, stored: false},
		"ephemeral resource": {config: gate, stored: false},
		"data source":        {config: "data \"cas_asset_count\" \"this\" {}\n", stored: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tf := newTerraform(t, test.config, keysInEnvironment...)
			needsEphemeral(t, tf)
			if name == "action" && !tf.hasActions(t) {
				return
			}
			assets := castest.Assets()
			for element := range assets {
				assets[element] = number
			}
			tf.cas.Respond(assets)
			places := map[string]string{}
			for _, args := range [][]string{{"plan", "-out=tfplan"}, {"show", "-json", "tfplan"}, {"apply", "tfplan"},
				{"show", "-json"}} {
				said, log, err := tf.run(t, args...)
				if err != nil {
					t.Fatalf("%v: got %v, want no error\n%s", args, err, said)
				}
				places[strings.Join(args, " ")] = said
				for line := range strings.Lines(log) {
					if !strings.Contains(line, "[TRACE]") {
						places["log of "+args[0]] += line
					}
				}
			}
			places["plan file"] = unzip(t, filepath.Join(tf.dir, "tfplan"))
			state, err := os.ReadFile(filepath.Join(tf.dir, "terraform.tfstate"))
			if err != nil {
				t.Fatal(err)
			}
			places["state file"] = string(state)

			for place, text := range places {
				want := false
				switch place {
				case "plan file", "state file", "show -json tfplan", "show -json":
					want = test.stored
				case "apply tfplan": // where an action reports it
					want = name == "action"
				}
				if got := strings.Contains(text, strconv.FormatInt(number, 10)); got != want {
					t.Errorf("%s holds the number: got %t, want %t", place, got, want)
				}
			}
		})
	}
}

// unzip returns the contents of every file in an archive.
func unzip(t *testing.T, name string) string {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	var all strings.Builder
	for _, file := range archive.File {
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, content); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
