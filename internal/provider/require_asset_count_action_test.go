package provider

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// require returns the diagnostics of validating, planning and invoking the action, and its
// progress.
func (p plugin) require(t *testing.T, block arguments) (validate, plan, invoke, progress string) {
	t.Helper()
	const name = "cas_require_asset_count"
	config := dynamic(t, p.schema.ActionSchemas[name].Schema, block)
	validated, err := p.ValidateActionConfig(t.Context(),
		&tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	planned, err := p.PlanAction(t.Context(), &tfprotov6.PlanActionRequest{ActionType: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	invoked, err := p.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	for event := range invoked.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			progress += event.Message
		case tfprotov6.CompletedInvokeActionEventType:
			invoke = texts(event.Diagnostics)
		}
	}
	return texts(validated.Diagnostics), texts(planned.Diagnostics), invoke, progress
}

func TestRequireAssetCount(t *testing.T) {
	t.Parallel()
	failure := func(argument, name, summary, detail string) string {
		if !slices.Contains(headings(), summary) {
			t.Errorf("got summary %q, want a heading of the troubleshooting guide", summary)
		}
		return fmt.Sprintf("AttributeName(%q).ElementKeyString(%q): %s\n\n%s\n\n", argument, name, summary, detail)
	}
	names, _ := boundable(new(cas.AssetCount))
	bounded := strings.Join(names, ", ") + "."
	noBound := ": Missing bound\n\nSet at least one bound, such as minimum = { point = 80 }.\n\n"
	for name, test := range map[string]struct {
		minimum, maximum any
		answer           map[string]any // of which elements to change; nil leaves one out
		// invalid has the diagnostics of validation and plan, and of the invocation, which makes no
		// call.
		invalid  string
		fails    string // diagnostics of the invocation
		progress string
	}{
		"no argument": {invalid: noBound},
		"no bound":    {minimum: arguments{}, maximum: arguments{"point": nil}, invalid: noBound},
		"misspelt": {
			minimum: arguments{"point": 80, "pont": 90}, maximum: arguments{"point_time": 1},
			invalid: failure("minimum", "pont", "Unknown asset count", `minimum names "pont"; use one of `+bounded) +
				failure("maximum", "point_time", "Unknown asset count", `maximum names "point_time"; use one of `+bounded),
		},
		"fraction": {
			minimum: arguments{"point": 79.5},
			invalid: failure("minimum", "point", "Invalid number", "Use a whole number, not 79.5."),
		},
		"minimum above maximum": {
			minimum: arguments{"point": 90}, maximum: arguments{"point": 80},
			invalid: failure("minimum", "point", "Minimum above the maximum",
				"point can't be both at least 90 and at most 80."),
		},
		"met": {minimum: arguments{"point": 80}, progress: "point is 92, and has to be at least 80"},
		"just met": {
			minimum: arguments{"total_certificate_count": 10}, maximum: arguments{"total_certificate_count": 10},
			progress: "total_certificate_count is 10, and has to be at least 10; " +
				"total_certificate_count is 10, and has to be at most 10",
		},
		"negative": {maximum: arguments{"point_change": -5}, answer: map[string]any{"LastPoint": 97},
			progress: "point_change is -5, and has to be at most -5"},
		"beyond a float": {
			minimum: arguments{"point": int64(9007199254740993)}, answer: map[string]any{"Point": int64(9007199254740992)},
			progress: "point is 9007199254740992, and has to be at least 9007199254740993",
			fails: failure("minimum", "point", "Asset count below the minimum",
				"point is 9007199254740992, and has to be at least 9007199254740993."),
		},
		"all that fail": {
			minimum: arguments{"point": 80, "total_cloud_asset_count": 0, "buy_certificate_count": 2},
			maximum: arguments{"free_certificate_count": 2},
			answer:  map[string]any{"Point": 61, "AwsAssetCount": nil},
			progress: "buy_certificate_count is 2, and has to be at least 2; point is 61, and has to be at least 80; " +
				"total_cloud_asset_count is null, and has to be at least 0; free_certificate_count is 3, and has to be at most 2",
			fails: failure("minimum", "point", "Asset count below the minimum", "point is 61, and has to be at least 80.") +
				failure("minimum", "total_cloud_asset_count", "Missing asset count",
					"total_cloud_asset_count is null, and has to be "+
						"at least 0. The service didn't send it, or didn't send a value that it is computed from.") +
				failure("maximum", "free_certificate_count", "Asset count above the maximum",
					"free_certificate_count is 3, and has to be at most 2."),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, castest.Options{})
			assets := castest.Assets()
			maps.Copy(assets, test.answer)
			server.Respond(assets)
			p := newPlugin(t, keyed(server))
			if diagnostics := p.configure(t, nil); len(diagnostics) > 0 {
				t.Fatal(texts(diagnostics))
			}
			validate, plan, invoke, progress := p.require(t, arguments{"minimum": test.minimum, "maximum": test.maximum})
			for step, texts := range map[string][2]string{
				"validation": {validate, test.invalid}, "plan": {plan, test.invalid},
				"invocation": {invoke, test.invalid + test.fails}, "progress": {progress, test.progress},
			} {
				if got, want := texts[0], texts[1]; got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", step, got, want)
				}
			}
			if called := len(server.Calls()) == 1; called != (test.invalid == "") {
				t.Errorf("got %d calls, want one if the bounds are valid", len(server.Calls()))
			}
		})
	}
}

// TestBoundsAreDocumented compares the names with the numbers of the data source, and the schema
// with the page, which isn't generated from it: only Terraform 1.14 lists the schemas of actions.
func TestBoundsAreDocumented(t *testing.T) {
	t.Parallel()
	var want []string
	for name, value := range answered() {
		if _, number := value.(int64); number && name != "point_time" {
			want = append(want, name)
		}
	}
	got, _ := boundable(new(cas.AssetCount))
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("got bounds on %v, want %v", got, want)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "templates", "actions", "require_asset_count.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	block := newPlugin(t, nil).schema.ActionSchemas["cas_require_asset_count"].Schema.Block
	for _, attribute := range slices.Concat(block.Attributes, block.BlockTypes[0].Block.Attributes) {
		kind := map[string]string{"tftypes.String": "String"}[attribute.Type.String()]
		line := fmt.Sprintf("- `%s` (%s) %s\n", attribute.Name, cmp.Or(kind, "Map of Number"), attribute.Description)
		if !strings.Contains(string(page), line) {
			t.Errorf("got no line %q on the page of the action, want one", line)
		}
	}
}

// TestRequireAssetCountBeforeApply plans with what may be known when the action is invoked, and
// with what can't work then.
func TestRequireAssetCountBeforeApply(t *testing.T) {
	t.Parallel()
	server := start(t, castest.Options{})
	p := newPlugin(t, keyed(server))
	if diagnostics := p.configure(t, arguments{"access_key": "id", "secret_key": unknown{}}); len(diagnostics) > 0 {
		t.Fatal(texts(diagnostics))
	}
	for name, block := range map[string]arguments{
		"provider argument": {"minimum": arguments{"point": 80}},
		"bound":             {"minimum": arguments{"point": unknown{}}},
		"bounds":            {"minimum": unknown{}},
		"other bound":       {"minimum": arguments{"point": 80}, "maximum": arguments{"point": unknown{}}},
	} {
		validate, plan, invoke, _ := p.require(t, block)
		if got := validate + plan; got != "" {
			t.Errorf("unknown %s: got\n%s\nwant no diagnostics before the invocation", name, got)
		}
		if want := "Unknown provider argument"; !strings.Contains(invoke, want) {
			t.Errorf("unknown %s: got\n%s\nwant %q when the action is invoked", name, invoke, want)
		}
	}
	if got := len(server.Calls()); got > 0 {
		t.Errorf("got %d calls, want none", got)
	}

	env := keyed(server)
	env["CAS_MAX_RETRIES"] = "many"
	p = newPlugin(t, env)
	if diagnostics := p.configure(t, nil); len(diagnostics) > 0 {
		t.Fatal(texts(diagnostics))
	}
	_, plan, invoke, _ := p.require(t, arguments{"minimum": arguments{"point": 80}})
	if want := `CAS_MAX_RETRIES can't be used: it is "many". Use a whole number from 0 to 20.`; !strings.Contains(plan, want) {
		t.Errorf("got\n%s\nwhile planning, want %q", plan, want)
	}
	if want := "Invalid number"; !strings.Contains(invoke, want) {
		t.Errorf("got\n%s\nwhen the action is invoked, want %q", invoke, want)
	}
}

// TestInterruptedActionFails stops the provider while the action waits for the service.
func TestInterruptedActionFails(t *testing.T) {
	t.Parallel()
	service := start(t, castest.Options{})
	p := newPlugin(t, keyed(service))
	if diagnostics := p.configure(t, nil); len(diagnostics) > 0 {
		t.Fatal(texts(diagnostics))
	}
	service.Script(func(w http.ResponseWriter, r *http.Request) {
		if _, err := p.StopProvider(r.Context(), &tfprotov6.StopProviderRequest{}); err != nil {
			t.Error(err)
		}
		castest.Hang()(w, r)
	})
	const name = "cas_require_asset_count"
	config := dynamic(t, p.schema.ActionSchemas[name].Schema, arguments{"minimum": arguments{"point": 80}})
	_, err := p.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: name, Config: config})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// gateAction has a bound that is unknown until the first apply. Terraform invokes the action before
// the creation of a resource.
const gateAction = `
resource "terraform_data" "minimum" {
  input = 80
}

action "cas_require_asset_count" "healthy" {
  config {
    minimum = { point = terraform_data.minimum.output }
  }
}

resource "terraform_data" "release" {
  lifecycle {
    action_trigger {
      events  = [before_create]
      actions = [action.cas_require_asset_count.healthy]
    }
  }
}
`

// hasActions reports whether this Terraform has actions.
func (tf *terraform) hasActions(t *testing.T) bool {
	t.Helper()
	product, minor := tf.version(t)
	return product == "Terraform" && minor >= 14
}

// TestInterruptedTerraformChangesNothing interrupts Terraform while the action waits for the
// service.
func TestInterruptedTerraformChangesNothing(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, strings.ReplaceAll(gateAction, "terraform_data.minimum.output", "80"), keysInEnvironment...)
	if !tf.hasActions(t) || runtime.GOOS == "windows" { // which has no such signal
		return
	}
	for _, argument := range []string{"-auto-approve", "-invoke=action.cas_require_asset_count.healthy"} {
		called, ended := make(chan struct{}), make(chan error, 1)
		tf.cas.Script(func(w http.ResponseWriter, r *http.Request) {
			close(called)
			castest.Hang()(w, r)
		})
		var said bytes.Buffer
		cmd := exec.CommandContext(t.Context(), os.Getenv("TF_ACC_TERRAFORM_PATH"), "apply", "-no-color", "-auto-approve",
			argument)
		cmd.Dir, cmd.Env, cmd.Stdout = tf.dir, tf.env, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			t.Fatalf("%s: got %v, want a call\n%s", argument, err, said.String())
		case <-called:
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil || strings.Contains(said.String(), "release: Creation complete") {
			t.Errorf("%s: got %v, want an error and nothing created\n%s", argument, err, said.String())
		}
	}
}
