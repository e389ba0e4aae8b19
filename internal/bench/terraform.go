package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// build compiles a package of this module, or installs one as PATH@VERSION, the way that releases are built, and returns
// the executable.
func build(t *testing.T, pkg, name string) string {
	t.Helper()
	dir := t.TempDir()
	executable := filepath.Join(dir, name)
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", executable, pkg}
	if strings.Contains(pkg, "@") {
		args = []string{"install", "-trimpath", "-ldflags", "-s -w", pkg}
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, output)
	}
	return executable
}

// configuration returns a folder with a main.tf of blocks data blocks, spread over aliases providers.
func configuration(t *testing.T, blocks, aliases int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("terraform {\n  required_providers {\n    cas = { source = \"terraform-provider-cas/cas\" }\n  }\n}\n")
	for alias := range aliases {
		fmt.Fprintf(&b, "provider \"cas\" {\n  alias = \"p%d\"\n}\n", alias)
	}
	for block := range blocks {
		fmt.Fprintf(&b, "data \"cas_asset_count\" \"d%d\" {\n  provider = cas.p%d\n}\n", block, block%aliases)
	}
	return folder(t, map[string]string{"main.tf": b.String()})
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// terraform runs plans without init, with the given executables as the providers of the given addresses.
type terraform struct {
	environment []string
}

func newTerraform(t *testing.T, endpoint string, providers map[string]string) *terraform {
	t.Helper()
	var b strings.Builder
	b.WriteString("provider_installation {\n  dev_overrides {\n")
	for address, executable := range providers {
		fmt.Fprintf(&b, "    %q = %q\n", address, filepath.Dir(executable))
	}
	b.WriteString("  }\n  direct {}\n}\n")
	home := folder(t, map[string]string{"cli.tfrc": b.String()})
	environment := []string{
		"TF_CLI_CONFIG_FILE=" + filepath.Join(home, "cli.tfrc"),
		"CHECKPOINT_DISABLE=1",
		"HOME=" + home, // holds the folder where the providers share the account's calls
		"XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"CAS_ENDPOINT=" + endpoint,
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + castest.DefaultKey.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + castest.DefaultKey.AccessKeySecret,
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); name == "PATH" || name == "TMPDIR" || name == "SystemRoot" {
			environment = append(environment, variable)
		}
	}
	return &terraform{environment}
}

// plan runs terraform plan in dir and returns the wall and the CPU time of all its processes.
func (tf *terraform) plan(ctx context.Context, dir string) (wall, cpu time.Duration, err error) {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"),
		"plan", "-input=false", "-lock=false", "-no-color")
	cmd.Dir, cmd.Env = dir, tf.environment
	cmd.Stdout, cmd.Stderr = io.Discard, &stderr
	started := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("terraform plan: %w\n%s", err, stderr.String())
	}
	return time.Since(started), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
