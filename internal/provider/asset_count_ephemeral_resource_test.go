package provider

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

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
