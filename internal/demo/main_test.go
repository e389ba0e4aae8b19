package main

import (
	"bytes"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMain is the demo itself if a test started it, and the provider if Terraform did.
func TestMain(m *testing.M) {
	if os.Getenv("CAS_TEST_IS_DEMO") != "" || os.Getenv("TF_PLUGIN_MAGIC_COOKIE") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// start runs the demo in an environment that must not matter, with further variables. It interrupts
// it when until is written, and returns all that was.
func start(t *testing.T, until string, env ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "CAS_TEST_IS_DEMO=1", "GORACE=atexit_sleep_ms=0",
		"TMPDIR="+dir, "TEMP="+dir, "TMP="+dir,
		"TF_CLI_CONFIG_FILE=/nowhere/terraformrc", "TF_DATA_DIR=/nowhere/data", "TF_WORKSPACE=other",
		"TF_CLI_ARGS=-nonsense", "TF_LOG=TRACE", "TF_REATTACH_PROVIDERS=nonsense", "TF_PLUGIN_CACHE_DIR=/nowhere/cache",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=theirs", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=theirs",
		"ALIBABA_CLOUD_SECURITY_TOKEN=theirs",
		"ALICLOUD_PROFILE=theirs", "CAS_MAX_RETRIES=nonsense")
	cmd.Env = append(cmd.Env, env...)
	out := &interrupter{until: until, cmd: cmd}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if left, failed := os.ReadDir(dir); failed != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want nothing left behind", left, failed)
	}
	return out.written.String(), err
}

// interrupter does what Ctrl-C does, when until is written.
type interrupter struct {
	written bytes.Buffer
	until   string
	cmd     *exec.Cmd
}

func (i *interrupter) Write(p []byte) (int, error) {
	n, err := i.written.Write(p)
	if i.until != "" && strings.Contains(i.written.String(), i.until) {
		i.until = ""
		return n, i.cmd.Process.Signal(os.Interrupt)
	}
	return n, err
}

func TestDemo(t *testing.T) {
	t.Parallel()
	out, err := start(t, "", "CLICOLOR_FORCE=1")
	if err != nil {
		t.Fatalf("got %v, want no error:\n%s", err, out)
	}
	if !strings.Contains(out, "\x1b[31m") {
		t.Errorf("got no red error of Terraform's, want one:\n%s", out)
	}
	out = regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(out, "")
	if lines := strings.Count(out, "\n"); lines > 59 { // and one that make adds
		t.Errorf("got %d lines, want at most 59:\n%s", lines, out)
	}
	if plan := drawn(t, "demo-plan.svg"); !strings.Contains(out, plan) {
		t.Errorf("got\n%s\nwant what demo-plan.svg shows (see make pictures):\n%s", out, plan)
	}
	apply := drawn(t, "demo-apply.svg")
	if strings.Contains(out, "with action.cas_require_asset_count") {
		if !strings.Contains(out, apply) {
			t.Errorf("got\n%s\nwant what demo-apply.svg shows (see make pictures):\n%s", out, apply)
		}
		return
	}
	// Before 1.16, Terraform has no actions, or places their errors elsewhere: what the picture
	// quotes is in the configuration, and in the test of the action's message.
	known := out + file(t, "config/action/main.tf") + file(t, "../provider/require_asset_count_action_test.go")
	decoration := regexp.MustCompile(`^[╷│╵ ]*(Error: |[0-9]+: +|(with action|on main.tf).*)?`)
	for line := range strings.Lines(apply) {
		if text := decoration.ReplaceAllString(strings.TrimSpace(line), ""); !strings.Contains(known, text) {
			t.Errorf("got no %q, want what demo-apply.svg shows (see make pictures)", text)
		}
	}
}

func file(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// drawn returns the text of a picture, in which freeze draws each line as an element of its own.
func drawn(t *testing.T, picture string) string {
	t.Helper()
	var svg struct {
		Lines []struct {
			Spans []string `xml:"tspan"`
		} `xml:"g>text"`
	}
	if err := xml.Unmarshal([]byte(file(t, "../../assets/"+picture)), &svg); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, line := range svg.Lines {
		text.WriteString(strings.Join(line.Spans, "") + "\n")
	}
	return strings.TrimSpace(text.String())
}
