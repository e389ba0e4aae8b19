package examples

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// example is a directory of examples/.
type example struct {
	files     []string
	env       map[string]string // beside the fakes; $HOME is the example's own
	plans     []plan            // responses of the service, one after the other
	calls     int               // the calls of one plan
	since     int               // the minor version of the first Terraform 1 that understands it
	ephemeral bool              // has ephemeral values, which not every version knows
	tests     bool              // has tests for terraform test
	apply     bool              // is applied, and then planned again, which finds nothing to change
	gate      string            // what stops the apply of a saved plan if the score has dropped in between
	gated     []string          // further commands that a low score stops
}

// plan is a response of the service, and what Terraform does with it.
type plan struct {
	answer map[string]any // of which elements to change; nil leaves one out
	says   string
	warns  bool // by a check, or because no count came
	stops  bool
}

var (
	keys = map[string]string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID":     castest.DefaultKey.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET": castest.DefaultKey.AccessKeySecret,
	}
	unchanged = []plan{{says: "No changes."}}

	low     = map[string]any{"Point": 61}
	nothing = func() map[string]any {
		nulls := castest.Assets()
		for name := range nulls {
			nulls[name] = nil
		}
		return nulls
	}()
)

// The messages of gates about a low score, and the command that is a gate by itself.
const (
	belowEighty = "The certificate health score is below 80."
	scoreOf61   = "point is 61, and has to be at least 80."
	invoke      = "apply -input=false -auto-approve -invoke=action.cas_require_asset_count.healthy"
)

var examples = map[string]example{
	"provider": {files: []string{"provider.tf"}, since: 2, env: keys, calls: 1, plans: []plan{
		{says: "No changes."},
		{answer: low, says: "The certificate health score is 61; at least 80 is needed.", stops: true},
		{answer: nothing, says: "The certificate health score is unknown; at least 80 is needed.", stops: true, warns: true},
	}},
	"data-sources/cas_asset_count": {files: []string{"data-source.tf"}, since: 5, env: keys, calls: 1, plans: []plan{
		{says: `+ certificates = 10 + health_score = 92 + health_score_updated_at = "2026-01-06T06:33:30Z"`},
		{answer: nothing, says: "Check block assertion failed", warns: true},
	}},
	"scenarios/gate-module": {files: []string{"main.tf", "tests/score.tftest.hcl"}, ephemeral: true, tests: true,
		env: map[string]string{"TF_VAR_score": "80"}, plans: []plan{{says: "Plan: 1 to add"}}},
	"ephemeral-resources/cas_asset_count": {
		files: []string{"ephemeral-resource.tf"}, env: keys, calls: 1, ephemeral: true, gate: belowEighty, plans: []plan{
			{says: "Plan: 2 to add"},
			{answer: low, says: belowEighty, stops: true},
			{answer: nothing, says: belowEighty, stops: true, warns: true},
		}},
	"actions/cas_require_asset_count": {files: []string{"action.tf", "gate.sh"}, since: 14, env: keys, gate: scoreOf61,
		gated: []string{invoke}, plans: []plan{{answer: low, says: "Actions: 1 to invoke."}}},
	"scenarios/gate-before-changes": {files: []string{"main.tf"}, since: 16, env: keys, gate: scoreOf61,
		gated: []string{"apply -auto-approve -var=releases={blue=\"first\"}"},
		plans: []plan{{answer: low, says: "Actions: 2 to invoke."}}},
	"scenarios/free-certificate-quota": {files: []string{"main.tf"}, since: 5, env: keys, calls: 1, plans: []plan{
		{says: "No changes."},
		{answer: map[string]any{"FreeCertificateCount": 18}, says: "No changes."},
		{answer: map[string]any{"FreeCertificateCount": 19}, says: "19 of 20 free certificates are used.", warns: true},
		{answer: nothing, says: "The service doesn't send the number of free certificates.", warns: true},
	}},
	"scenarios/assets-by-cloud": {files: []string{"main.tf"}, env: keys, calls: 1, plans: []plan{
		{says: "+ assets = 48 + assets_by_cloud = { + alibaba_cloud = 7 + aws = 17 + huawei_cloud = 13 " +
			"+ tencent_cloud = 11 } + domains = 19"},
		{answer: map[string]any{"AwsAssetCount": nil}, says: "aws = null"},
	}},
	"scenarios/several-accounts": {files: []string{"main.tf", "main.tofu"}, since: 5, calls: 2, plans: []plan{
		{says: "+ scores = { + production = 92 + staging = 92 }"},
		{answer: low, says: "Below 80: production, staging.", warns: true},
	}},
	"scenarios/module": {files: []string{"main.tf", "tests/score.tftest.hcl"}, since: 5, env: keys, calls: 1,
		tests: true, plans: []plan{
			{says: "+ score = 92"},
			{answer: low, says: "The certificate health score is 61; at least 80 is needed.", stops: true},
			{answer: map[string]any{"BuyCertificateCount": 0}, says: "There is no paid certificate.", warns: true},
		}},
	"scenarios/null-safe": {files: []string{"main.tf"}, since: 5, env: keys, calls: 1, plans: []plan{
		{says: "+ certificates_known_of = 10"},
		{answer: nothing, says: "The certificate health score is unknown.", warns: true},
		{answer: map[string]any{"BuyCertificateCount": nil}, says: "+ certificates_known_of = 8", warns: true},
		{answer: map[string]any{"BuyCertificateCount": 0, "Point": 87}, says: "There is no paid certificate.", warns: true},
		{answer: map[string]any{"Point": 87}, says: "The certificate health score has changed by -1 points.", warns: true},
	}},
	"scenarios/stable-outputs": {files: []string{"main.tf"}, env: keys, calls: 1, apply: true,
		plans: []plan{{says: "+ asset_count = {"}}},

	"credentials/laptop":      {files: []string{"main.tf"}, calls: 1, plans: unchanged},
	"credentials/cloudsso":    {files: []string{"main.tf"}, calls: 1, plans: unchanged},
	"credentials/ecs":         {files: []string{"main.tf"}, calls: 1, plans: unchanged},
	"credentials/assume-role": {files: []string{"main.tf"}, env: keys, calls: 1, plans: unchanged},
	"credentials/github-actions": {files: []string{"main.tf", "workflow.yml"}, since: 2, calls: 1,
		plans: unchanged, env: map[string]string{"ALIBABA_CLOUD_OIDC_TOKEN_FILE": "$HOME/token"}},
	"credentials/gitlab": {files: []string{"gitlab-ci.yml", "main.tf"}, since: 2, calls: 1, plans: unchanged,
		env: map[string]string{"ALIBABA_CLOUD_OIDC_TOKEN": castest.OIDCToken}},
	"credentials/ack-rrsa": {files: []string{"job.yaml", "main.tf"}, calls: 1, plans: unchanged, env: map[string]string{
		"ALIBABA_CLOUD_ROLE_ARN":          "acs:ram::1234567890123456:role/certificate-reader",
		"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c00000000000000000000",
		"ALIBABA_CLOUD_OIDC_TOKEN_FILE":   "$HOME/token",
	}},
}

func exampleFiles(t *testing.T) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), "examples", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == ".terraform":
			return fs.SkipDir
		case !entry.IsDir() && !ignored(entry.Name()):
			files = append(files, strings.TrimPrefix(name, "examples/"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// ignored reports whether Terraform leaves a file of this name behind. .gitignore has the same
// names.
func ignored(name string) bool {
	return name == ".terraform.lock.hcl" || name == "tfplan" || strings.Contains(name, ".tfstate") ||
		strings.HasSuffix(name, ".tfvars")
}

// TestEveryExampleIsRun finds a file that was added and is in no example of the table, and the
// other way round.
func TestEveryExampleIsRun(t *testing.T) {
	t.Parallel()
	var run []string
	for dir, e := range examples {
		for _, file := range e.files {
			run = append(run, path.Join(dir, file))
			command := "\nterraform " + strings.Join(e.gated, "") + "\n"
			if path.Ext(file) == ".sh" && !strings.HasSuffix(read(t, path.Join("examples", dir, file)), command) {
				t.Errorf("%s/%s: got another command at its end, want %q, which is run", dir, file, command)
			}
		}
		if len(e.plans) == 0 {
			t.Errorf("%s: got no plan, want one at least", dir)
		}
	}
	slices.Sort(run)
	there := exampleFiles(t)
	slices.Sort(there)
	if !slices.Equal(run, there) {
		t.Errorf("got %d files in the table\n%s\nwant %d as in examples/\n%s", len(run), strings.Join(run, "\n"), len(there),
			strings.Join(there, "\n"))
	}
}

func TestExamples(t *testing.T) {
	t.Parallel()
	product, minor := cliVersion(t)
	for dir, e := range examples {
		if !e.understoodBy(product, minor) {
			t.Logf("%s 1.%d doesn't understand %s", product, minor, dir)
			continue
		}
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t, dir, e.env)
			w.must(t, "init", "-input=false", "-no-color")
			w.must(t, "validate", "-no-color")
			for _, p := range e.plans {
				w.check(t, p, e.calls)
			}
			if e.tests {
				w.must(t, "test", "-no-color")
			}
			if e.apply {
				w.must(t, "apply", "-input=false", "-no-color", "-auto-approve")
				w.must(t, "plan", "-input=false", "-no-color", "-detailed-exitcode")
			}
			if e.gate != "" {
				w.checkGate(t, e.gate)
			}
			for _, command := range e.gated {
				w.checkGated(t, command)
			}
			if refused := w.service.Refused() + w.service.Throttled(); refused > 0 {
				t.Errorf("got %d calls refused, want none", refused)
			}
		})
	}
}

// understoodBy reports whether version 1.minor of the product understands the example.
func (e example) understoodBy(product string, minor int) bool {
	firstEphemeral := map[string]int{"Terraform": 10, "OpenTofu": 11}[product]
	return minor >= e.since && (!e.ephemeral || minor >= firstEphemeral)
}

// answer makes the service respond as usual, except for the elements that change.
func (w *workspace) answer(changes map[string]any) {
	elements := castest.Assets()
	maps.Copy(elements, changes)
	w.service.Respond(elements)
}

func (w *workspace) check(t *testing.T, p plan, calls int) {
	t.Helper()
	w.answer(p.answer)
	before := len(w.service.Calls())
	said, status := w.terraform(t, "plan", "-input=false", "-no-color")
	if stopped := status != 0; stopped != p.stops {
		t.Errorf("got exit status %d, want it stopped: %t: %s", status, p.stops, said)
	}
	if warned := strings.Contains(said, "Warning: "); warned != p.warns {
		t.Errorf("got a warning: %t, want one: %t: %s", warned, p.warns, said)
	}
	if !strings.Contains(said, p.says) {
		t.Errorf("got %s, want %q in it", said, p.says)
	}
	if made := len(w.service.Calls()) - before; made != calls {
		t.Errorf("got %d calls, want %d", made, calls)
	}
}

// checkGate lets the score drop between plan and apply, and then recover.
func (w *workspace) checkGate(t *testing.T, message string) {
	t.Helper()
	w.answer(nil)
	w.must(t, "plan", "-input=false", "-no-color", "-out=tfplan")
	w.must(t, "show", "-json", "tfplan")
	w.checkStopped(t, "apply -input=false tfplan", message)
	w.answer(nil)
	w.must(t, "apply", "-input=false", "-no-color", "-auto-approve")
	w.must(t, "plan", "-input=false", "-no-color", "-detailed-exitcode")
}

// checkGated runs a command with a low score and with a good one.
func (w *workspace) checkGated(t *testing.T, command string) {
	t.Helper()
	w.checkStopped(t, command, scoreOf61)
	w.answer(nil)
	w.must(t, strings.Fields(command)...)
}

func (w *workspace) checkStopped(t *testing.T, command, message string) {
	t.Helper()
	w.answer(low)
	said, status := w.terraform(t, slices.Insert(strings.Fields(command), 1, "-no-color")...)
	if status != 1 {
		t.Errorf("%s: got exit status %d, want 1: %s", command, status, said)
	}
	if !strings.Contains(said, message) {
		t.Errorf("%s: got %s, want %q in it", command, said, message)
	}
	if strings.Contains(said, "Creation complete") || strings.Contains(said, "Destruction complete") {
		t.Errorf("%s: got something behind the gate changed, want nothing: %s", command, said)
	}
}
