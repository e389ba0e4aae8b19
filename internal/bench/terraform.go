package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// build compiles a package of this module as releases are built, and returns the executable.
func build(t *testing.T, pkg string) string {
	t.Helper()
	executable := filepath.Join(t.TempDir(), "terraform-provider-cas")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-tags", "nethttpomithttp2",
		"-ldflags", "-s -w", "-o", executable, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, output)
	}
	return executable
}

// environment returns the variables of a user whose home directory is home, and whose provider calls the fake.
func environment(fake *castest.Server, home string) []string {
	variables := []string{
		"HOME=" + home,
		"XDG_CACHE_HOME=" + home, // where the providers share the account's calls
		"LocalAppData=" + home,
		"CAS_ENDPOINT=" + fake.URL(),
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + castest.DefaultKey.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + castest.DefaultKey.AccessKeySecret,
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); name == "PATH" || name == "TMPDIR" || name == "SystemRoot" {
			variables = append(variables, variable)
		}
	}
	return variables
}

// configuration returns a directory with a main.tf of blocks data blocks for each of so many provider blocks.
func configuration(t *testing.T, providers, blocks int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("terraform {\n  required_providers {\n    cas = { source = \"terraform-provider-cas/cas\" }\n  }\n}\n")
	for provider := range providers {
		fmt.Fprintf(&b, "provider \"cas\" {\n  alias = \"p%d\"\n}\n", provider)
		fmt.Fprintf(&b, "data \"cas_asset_count\" \"d%[1]d\" {\n  count    = %[2]d\n  provider = cas.p%[1]d\n}\n", provider, blocks)
	}
	return directory(t, "main.tf", b.String())
}

// directory returns a directory with one file.
func directory(t *testing.T, name, content string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// plan runs terraform plan in dir, without init, with an executable as the provider.
func plan(t *testing.T, dir, executable string, environment []string) {
	t.Helper()
	override := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-provider-cas/cas\" = %q\n  }\n  direct {}\n}\n",
		filepath.Dir(executable))
	cmd := exec.CommandContext(t.Context(), cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"),
		"plan", "-input=false", "-lock=false", "-no-color")
	cmd.Dir = dir
	cmd.Env = append(environment, "CHECKPOINT_DISABLE=1",
		"TF_CLI_CONFIG_FILE="+filepath.Join(directory(t, "cli.tfrc", override), "cli.tfrc"))
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("terraform plan: %v\n%.2000s", err, output)
	}
}
