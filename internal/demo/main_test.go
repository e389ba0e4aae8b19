package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain is the demo itself where a test started it, and the provider where Terraform did.
func TestMain(m *testing.M) {
	if os.Getenv("CAS_TEST_IS_DEMO") != "" || os.Getenv("TF_PLUGIN_MAGIC_COOKIE") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// demo runs in surroundings that must not matter, until something is said. It returns all that it said.
func demo(t *testing.T, until string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "CAS_TEST_IS_DEMO=1", "GORACE=atexit_sleep_ms=0", "TMPDIR="+dir, "TEMP="+dir, "TMP="+dir,
		"TF_CLI_CONFIG_FILE=/nowhere/terraformrc", "TF_DATA_DIR=/nowhere/data", "TF_WORKSPACE=other", "TF_CLI_ARGS=-nonsense", "TF_LOG=TRACE",
		"TF_REATTACH_PROVIDERS=nonsense", "TF_PLUGIN_CACHE_DIR=/nowhere/cache",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=theirs", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=theirs", "ALIBABA_CLOUD_SECURITY_TOKEN=theirs",
		"ALICLOUD_PROFILE=theirs", "CAS_MAX_RETRIES=nonsense")
	out := &interrupter{until: until, cmd: cmd}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if left, failed := os.ReadDir(dir); failed != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want nothing left behind", left, failed)
	}
	return out.said.String(), err
}

// interrupter does what Ctrl-C does, where something is said.
type interrupter struct {
	said  bytes.Buffer
	until string
	cmd   *exec.Cmd
}

func (i *interrupter) Write(p []byte) (int, error) {
	n, err := i.said.Write(p)
	if i.until != "" && strings.Contains(i.said.String(), i.until) {
		i.until = ""
		return n, i.cmd.Process.Signal(os.Interrupt)
	}
	return n, err
}

func TestDemo(t *testing.T) {
	t.Parallel()
	out, err := demo(t, "")
	if err != nil {
		t.Fatalf("got %v, want no error:\n%s", err, out)
	}
	for _, want := range []string{
		"certificates = 10", "cloud_assets = 48", "The certificate health score is 61.", "The certificate health score is below 80.",
		"the service was called 5 times",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("got no %q, want it said:\n%s", want, out)
		}
	}
	if strings.Contains(out, "Warning") {
		t.Errorf("got a warning, want what users see:\n%s", out)
	}
}

func TestCheckStopped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err error
		ok  bool
	}{
		"by the condition":  {err: &failure{output: "Error: Resource postcondition failed\n\nToo low."}, ok: true},
		"by another one":    {err: &failure{output: "Error: Resource postcondition failed\n\nToo few."}},
		"by something else": {err: &failure{output: "Error: Access key refused\n\nToo low."}},
		"after a change":    {err: &failure{output: "x: Creating...\nError: Resource precondition failed\n\nToo low."}},
		"by the demo's end": {err: context.Canceled},
		"not at all":        {err: nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := checkStopped(test.err, "Too low."); (err == nil) != test.ok {
				t.Errorf("got %v, want it accepted: %t", err, test.ok)
			}
		})
	}
}
