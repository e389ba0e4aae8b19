package examples

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/itchyny/gojq"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// condition is a configuration with a condition, and what Terraform does with it. The guide "Checks
// and conditions" says the same.
type condition struct {
	terraform int // the minor of the first Terraform 1 that the steps are for
	tofu      int // likewise of OpenTofu; 0 if there is none
	before    int // the minor of the first Terraform 1 that does something else; 0 if there is none
	config    string
	steps     []step
}

// step is one run of Terraform.
type step struct {
	run     string
	answer  map[string]any // what differs from the usual response of the service; the score is 92 without it
	revoked bool           // the service no longer knows the access key
	status  int
	calls   int
	says    string
	lacks   string
	config  string // replaces the previous configuration, if it isn't empty
	passes  bool   // the recipe for pipelines lets the plan pass, if the step shows one
}

const (
	required = `
terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}
`
	release = `
resource "terraform_data" "release" {
  triggers_replace = var.release
  depends_on       = [data.cas_asset_count.this]
}

variable "release" {
  default = 1
}
`
	postcondition = `
data "cas_asset_count" "this" {
  lifecycle {
    postcondition {
      condition     = coalesce(self.point, 0) >= 80
      error_message = "The score is ${coalesce(self.point, "unknown")}."
    }
  }
}
`
	ephemeralGate = `
resource "terraform_data" "gate" {
  lifecycle {
    precondition {
      condition     = coalesce(ephemeral.cas_asset_count.this.point, 0) >= 80
      error_message = "The score is below 80."
    }
  }
}
`
	ephemeralResource = `
ephemeral "cas_asset_count" "this" {}
`
	dataSource = `
data "cas_asset_count" "this" {}
`
	check = `
check "score" {
  assert {
    condition     = data.cas_asset_count.this.point >= 80
    error_message = "The score is too low."
  }
}
`
	healthy = "action.cas_require_asset_count.healthy"
	pending = `
resource "terraform_data" "region" {
  input = "cn-hangzhou"
}

provider "cas" {
  region = terraform_data.region.input
}
`
)

// Each of these differs in one place from one of the above.
var (
	behindGate     = strings.ReplaceAll(release, "data.cas_asset_count.this", "terraform_data.gate")
	checkNested    = strings.Replace(check, "{", "{"+dataSource, 1)
	checkEphemeral = ephemeralResource + strings.Replace(check, "data.cas", "ephemeral.cas", 1) + `
resource "terraform_data" "release" {}
`
	inside = `
resource "terraform_data" "release" {}
` + strings.NewReplacer("data ", "ephemeral ", `${coalesce(self.point, "unknown")}`, "too low").Replace(postcondition)
)

// deferred has the steps of a data source that isn't read before the apply.
var deferred = []step{
	{run: "plan -out=tfplan", answer: low, says: "will be read during apply"},
	{run: "show -json tfplan", says: `"status":"unknown"`},
	{run: "apply tfplan", answer: low, status: 1, calls: 1, says: "Creation complete"},
}

var conditions = map[string]condition{
	"postcondition": {terraform: 4, tofu: 6, config: postcondition + release, steps: []step{
		{run: "plan -out=tfplan", answer: low, status: 1, calls: 1, says: "The score is 61."},
		{run: "show -json tfplan"},
		{run: "plan -refresh=false", answer: low, status: 1, calls: 1, says: "The score is 61."},
		{run: "plan -out=tfplan", calls: 1},
		{run: "show -json tfplan", says: `"status":"pass"`, passes: true},
		{run: "apply tfplan", answer: low, says: "1 added"},
		{run: "show -json", says: `"status":"unknown"`},
		{run: "plan -refresh-only", answer: low, calls: 1, says: "Warning: Resource postcondition failed"},
		{run: "plan -destroy", answer: low, calls: 1, says: "1 to destroy"},
		{run: "destroy -auto-approve", revoked: true, status: 1, calls: 1, says: "Access key refused"},
		{run: "destroy -auto-approve -refresh=false", revoked: true, says: "1 destroyed"},
	}},
	"postcondition, pending change in the provider block": {
		terraform: 4, tofu: 6, config: pending + postcondition, steps: deferred},
	"postcondition, pending change in the condition": {
		terraform: 4, tofu: 6, steps: deferred,
		config: pending + strings.Replace(postcondition, ">= 80", `>= (terraform_data.region.input == "" ? 0 : 80)`, 1)},
	"postcondition, pending change in a module's depends_on": {
		terraform: 4, tofu: 6, steps: deferred,
		config: `
module "gate" {
  source     = "./gate"
  depends_on = [terraform_data.first]
}

resource "terraform_data" "first" {}
`},
	"no condition, pending change in the provider block": {
		terraform: 4, tofu: 6, config: pending + dataSource, steps: []step{
			{run: "plan", calls: 1, lacks: "will be read during apply"},
		}},
	"ephemeral gate": {terraform: 10, tofu: 11, config: ephemeralResource + ephemeralGate + behindGate, steps: []step{
		{run: "plan", answer: low, status: 1, calls: 1, says: "The score is below 80."},
		{run: "plan -refresh=false", answer: low, status: 1, calls: 1, says: "The score is below 80."},
		{run: "plan -out=tfplan", calls: 1},
		{run: "show -json tfplan", says: `"status":"pass"`, lacks: `"point"`, passes: true},
		{run: "apply tfplan", answer: low, status: 1, calls: 1, says: "The score is below 80.", lacks: "Creating..."},
		{run: "apply tfplan", status: 1, says: "Saved plan is stale"},
		{run: "apply -auto-approve", calls: 2},
		{run: "show -json", says: `"status":"pass"`, lacks: `"point"`},
		{run: "plan -refresh-only", answer: low, calls: 1, says: "Warning: Resource precondition failed"},
		{run: "plan -destroy", answer: low, calls: 1, says: "2 to destroy"},
		{run: "plan -out=tfplan -var=release=2", calls: 1},
		{run: "apply tfplan", answer: low, status: 1, calls: 1, says: "Destruction complete"},
		{run: "destroy -auto-approve", revoked: true, status: 1, calls: 1, says: "Access key refused"},
		{run: "destroy -auto-approve -refresh=false", revoked: true, says: "1 destroyed"},
	}},
	"ephemeral gate, create before destroy": {terraform: 10, tofu: 11,
		config: ephemeralResource + ephemeralGate +
			strings.Replace(behindGate, "depends_on", "lifecycle {\n    create_before_destroy = true\n  }\n  depends_on", 1),
		steps: []step{
			{run: "apply -auto-approve", calls: 2},
			{run: "plan -out=tfplan -var=release=2", calls: 1},
			{run: "apply tfplan", answer: low, status: 1, calls: 1, says: "The score is below 80.", lacks: "Destroying..."},
		}},
	"ephemeral gate, pending change in the provider block": {
		terraform: 10, tofu: 11, config: pending + ephemeralResource + ephemeralGate, steps: []step{
			{run: "plan", answer: low, status: 1, calls: 1, says: "The score is below 80."},
		}},
	"ephemeral gate that waits": {terraform: 10, tofu: 11, config: ephemeralGate + `
resource "terraform_data" "first" {
  input = "1m"
}

ephemeral "cas_asset_count" "this" {
  timeouts {
    open = terraform_data.first.output
  }
}
`, steps: []step{
		{run: "plan -out=tfplan", answer: low},
		{run: "show -json tfplan", says: `"status":"unknown"`},
		{run: "apply tfplan", answer: low, status: 1, calls: 1, says: "The score is below 80."},
	}},
	"action": {terraform: 14, config: action("before_create, before_update", ""), steps: []step{
		{run: "plan -out=tfplan", answer: low, says: "Actions: 1 to invoke"},
		{run: "show -json tfplan", says: `"action_invocations":`, lacks: ":61"},
		{run: "apply tfplan", answer: low, status: 1, calls: 1, says: "point is 61", lacks: "Creation complete"},
		{run: "apply tfplan", status: 1, says: "Saved plan is stale"},
		{run: "apply -auto-approve", calls: 1, says: "1 added"},
		{run: "show -json", lacks: `"point"`},
		{run: "apply -auto-approve", answer: low, says: "0 added"},
		{run: "plan -refresh-only", answer: low},
		{run: "apply -auto-approve -var=input=2", answer: low, status: 1, calls: 1, lacks: "Modifications complete"},
		{run: "apply -auto-approve -invoke=" + healthy, answer: low, status: 1, calls: 1, says: "at least 80"},
		{run: "apply -auto-approve -invoke=" + healthy, calls: 1},
		{run: "destroy -auto-approve", revoked: true, says: "1 destroyed"},
	}},
	"action, destroyed after it": {terraform: 14, before: 16, config: action("before_create", ""), steps: []step{
		{run: "apply -auto-approve", calls: 1},
		{run: "apply -auto-approve -var=release=2", answer: low, status: 1, calls: 1, lacks: "Destroying..."},
	}},
	"action, destroyed before it": {terraform: 16, config: action("before_create", ""), steps: []step{
		{run: "apply -auto-approve", calls: 1},
		{run: "apply -auto-approve -var=release=2", answer: low, status: 1, calls: 1, says: "Destruction complete"},
	}},
	"action, create before destroy": {
		terraform: 14, config: action("before_create", "create_before_destroy = true"), steps: []step{
			{run: "apply -auto-approve", calls: 1},
			{run: "apply -auto-approve -var=release=2", answer: low, status: 1, calls: 1, lacks: "Destroying..."},
		}},
	"action, before_destroy": {terraform: 16, config: action("before_create, before_destroy", ""), steps: []step{
		{run: "apply -auto-approve", calls: 1},
		{run: "apply -auto-approve -var=release=2", answer: low, status: 1, calls: 1, lacks: "Destruction complete"},
		{run: "apply -auto-approve -var=instances=0", answer: low, status: 1, calls: 1, lacks: "Destruction complete"},
		{run: "plan -destroy", answer: low, says: "Actions: 1 to invoke"},
		{run: "destroy -auto-approve", answer: low, calls: 1, says: "Warning: Asset count below"},
		{run: "apply -auto-approve", calls: 1},
		{run: "apply -auto-approve", answer: low, config: dataSource, calls: 1, says: "1 destroyed"}, // the block is removed
	}},
	"action, before_destroy too early": {terraform: 14, before: 16, config: action("before_destroy", ""), steps: []step{
		{run: "init", status: 1, says: "before_destroy"},
	}},
	"check": {terraform: 5, tofu: 6, config: dataSource + check, steps: []step{
		{run: "plan -out=tfplan", answer: low, calls: 1, says: "Warning: Check block assertion failed"},
		{run: "show -json tfplan", says: `"status":"fail"`},
		{run: "plan", answer: nothing, status: 1, calls: 1, says: "argument must not be null"},
		{run: "plan -refresh=false", answer: low, calls: 1, says: "Warning: Check block assertion failed"},
		{run: "plan -out=tfplan", calls: 1},
		{run: "apply tfplan", answer: low, lacks: "Warning"},
		{run: "plan -detailed-exitcode", answer: low, calls: 1, says: "Warning: Check block assertion failed"},
		{run: "plan -refresh-only", answer: low, calls: 1, says: "Warning: Check block assertion failed"},
		{run: "plan -destroy", answer: low, calls: 1, lacks: "Warning"},
	}},
	"check on the ephemeral resource": {terraform: 10, tofu: 11, config: checkEphemeral, steps: []step{
		{run: "plan", answer: nothing, status: 1, calls: 1, says: "argument must not be null"},
		{run: "plan -out=tfplan", calls: 1},
		{run: "apply tfplan", answer: low, calls: 1, says: "Warning: Check block assertion failed"},
		{run: "plan -detailed-exitcode", answer: low, calls: 1, says: "Warning: Check block assertion failed"},
		{run: "plan -refresh-only", answer: low, calls: 1, says: "Warning: Check block assertion failed"},
		{run: "plan -destroy", answer: low, calls: 1, lacks: "Warning"},
	}},
	"check with a nested data source": {terraform: 5, tofu: 6, config: checkNested, steps: []step{
		{run: "apply -auto-approve", calls: 2},
		{run: "plan -detailed-exitcode", status: 2, calls: 1},
		{run: "plan", answer: nothing, status: 1, calls: 1, says: "argument must not be null"},
		{run: "plan -out=tfplan", revoked: true, calls: 1, says: "Warning: Access key refused"},
		{run: "show -json tfplan", says: `"checks":`},
	}},
	"condition inside of the ephemeral block": {terraform: 10, before: 15, config: inside, steps: []step{
		{run: "plan -out=tfplan", calls: 1},
		{run: "show -json tfplan", status: 11, says: "unsupported resource mode"},
	}},
	"condition inside of the ephemeral block, shown": {terraform: 15, tofu: 11, config: inside, steps: []step{
		{run: "plan -out=tfplan", calls: 1},
		{run: "show -json tfplan", says: `"status":"pass"`, passes: true},
	}},
	"condition inside of the ephemeral block, destroy": {terraform: 10, config: inside, steps: []step{
		{run: "apply -auto-approve", calls: 2},
		{run: "destroy -auto-approve", answer: low, status: 1, calls: 1, says: "The score is too low."},
	}},
	"condition inside of an ephemeral block that nothing refers to": {tofu: 11, config: inside, steps: []step{
		{run: "plan -out=tfplan", calls: 1},
		{run: "apply tfplan", answer: low, says: "1 added"},
	}},
	"condition inside of an ephemeral block that a gate refers to": {
		tofu: 11, config: inside + ephemeralGate, steps: []step{
			{run: "plan -out=tfplan", calls: 1},
			{run: "apply tfplan", answer: low, status: 1, calls: 1, says: "The score is too low."},
		}},
	"secret key from a variable": {terraform: 4, tofu: 6, config: secret(""), steps: []step{
		{run: "plan -out=tfplan", calls: 1},
		{run: "show -json tfplan", says: castest.DefaultKey.AccessKeySecret},
	}},
	"secret key from an ephemeral variable": {terraform: 10, tofu: 11, config: secret("ephemeral = true"), steps: []step{
		{run: "plan -out=tfplan", calls: 1},
		{run: "show -json tfplan", lacks: castest.DefaultKey.AccessKeySecret},
	}},
}

// action is a release that invokes the action.
func action(events, lifecycle string) string {
	return `
action "cas_require_asset_count" "healthy" {
  config {
    minimum = { point = 80 }
  }
}

variable "instances" {
  default = 1
}

variable "input" {
  default = 1
}

variable "release" {
  default = 1
}

resource "terraform_data" "release" {
  count            = var.instances
  input            = var.input
  triggers_replace = var.release

  lifecycle {
    ` + lifecycle + `
    action_trigger {
      events  = [` + events + `]
      actions = [` + healthy + `]
    }
  }
}
`
}

// secret is a provider block that gets its key from a variable.
func secret(attribute string) string {
	return `
variable "secret_key" {
  type    = string
  ` + attribute + `
}

provider "cas" {
  access_key = "` + castest.DefaultKey.AccessKeyID + `"
  secret_key = var.secret_key
}

data "cas_asset_count" "this" {}
`
}

func TestConditions(t *testing.T) {
	t.Parallel()
	product, minor := cliVersion(t)
	for name, c := range conditions {
		first := map[string]int{"Terraform": c.terraform, "OpenTofu": c.tofu}[product]
		if first == 0 || minor < first || product == "Terraform" && c.before != 0 && minor >= c.before {
			t.Logf("%s 1.%d isn't what %q is about", product, minor, name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t, "condition", keys)
			w.env = append(w.env, "TF_INPUT=0", "TF_CLI_ARGS=-no-color",
				"TF_VAR_secret_key="+castest.DefaultKey.AccessKeySecret)
			w.write(t, filepath.Join("examples", "condition", "main.tf"), required+c.config)
			w.write(t, filepath.Join("examples", "condition", "gate", "main.tf"), required+postcondition)
			if c.steps[0].run != "init" {
				w.must(t, "init")
			}
			for _, s := range c.steps {
				if product == "Terraform" && minor < 6 { // whose plans don't say whether they failed
					s.passes = false
				}
				w.step(t, s)
			}
		})
	}
}

func (w *workspace) step(t *testing.T, s step) {
	t.Helper()
	w.answer(s.answer)
	if s.config != "" {
		w.write(t, filepath.Join("examples", "condition", "main.tf"), required+s.config)
	}
	if s.revoked {
		w.service.RemoveKey(castest.DefaultKey.AccessKeyID)
		defer w.service.AddKey(castest.DefaultKey)
	}
	before := len(w.service.Calls())
	said, status := w.terraform(t, strings.Fields(s.run)...)
	if status != s.status {
		t.Errorf("%s: got exit status %d, want %d: %s", s.run, status, s.status, said)
	}
	if !strings.Contains(said, s.says) {
		t.Errorf("%s: got %s, want %q in it", s.run, said, s.says)
	}
	if s.lacks != "" && strings.Contains(said, s.lacks) {
		t.Errorf("%s: got %s, want no %q in it", s.run, said, s.lacks)
	}
	if calls := len(w.service.Calls()) - before; calls != s.calls {
		t.Errorf("%s: got %d calls, want %d", s.run, calls, s.calls)
	}
	if s.run == "show -json tfplan" && status == 0 {
		if passes := recipe(t, said); passes != s.passes {
			t.Errorf("got a plan that the recipe lets pass: %t, want %t: %s", passes, s.passes, said)
		}
	}
}

// recipe reports whether the documented recipe for pipelines lets a plan pass.
func recipe(t *testing.T, plan string) bool {
	t.Helper()
	query, err := gojq.Parse(recipes(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	slurped := []any{}
	if plan != "" {
		var value any
		if err := json.Unmarshal([]byte(plan), &value); err != nil {
			t.Fatal(err)
		}
		slurped = append(slurped, value)
	}
	result, _ := query.Run(slurped).Next()
	return result == true
}

// recipes are the expressions of the guide and of the examples that have a pipeline.
func recipes(t *testing.T) (expressions []string) {
	t.Helper()
	command := regexp.MustCompile(`jq --slurp --exit-status[\s\\]+'(.*?)'`)
	for _, file := range []string{
		"templates/guides/checks-and-conditions.md.tmpl",
		"examples/credentials/github-actions/workflow.yml", "examples/credentials/gitlab/gitlab-ci.yml",
	} {
		found := command.FindStringSubmatch(read(t, file))
		if found == nil {
			t.Fatalf("%s: got no recipe for pipelines, want one", file)
		}
		expressions = append(expressions, found[1])
	}
	return expressions
}

// TestRecipeFailsClosed tries what pipelines meet beside the plans of TestConditions.
func TestRecipeFailsClosed(t *testing.T) {
	t.Parallel()
	if different := slices.Compact(recipes(t)); len(different) > 1 {
		t.Errorf("got different recipes, want one: %s", strings.Join(different, "\n"))
	}
	for name, test := range map[string]struct {
		plan   string
		passes bool
	}{
		"pass":                {`{"errored": false, "checks": [{"status": "pass"}]}`, true},
		"no plan":             {``, false},
		"no checks":           {`{"errored": false, "checks": []}`, false},
		"plan without checks": {`{"errored": false}`, false},
		"failed plan":         {`{"errored": true, "checks": [{"status": "pass"}]}`, false},
		"unknown beside pass": {`{"errored": false, "checks": [{"status": "pass"}, {"status": "unknown"}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if passes := recipe(t, test.plan); passes != test.passes {
				t.Errorf("got it passed: %t, want %t", passes, test.passes)
			}
		})
	}
}
