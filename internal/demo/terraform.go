package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	install "github.com/hashicorp/hc-install"
	installed "github.com/hashicorp/hc-install/fs"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
	"github.com/hashicorp/hc-install/src"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

const (
	// version is the provider's: a mirror needs one.
	version = "0.1.0"

	// firstEphemeral and firstAction are the minors of the first versions of Terraform with
	// ephemeral resources and with actions.
	firstEphemeral, firstAction = 10, 14
)

// terraform is an executable of Terraform, and a directory where it finds the provider and
// initialized configurations.
type terraform struct {
	path string
	gate string // the configuration of the third act
	dir  string
	env  []string
}

// prepare fills an empty directory with the configurations, the provider and, if there is none on
// the PATH, Terraform.
func prepare(ctx context.Context, dir string, service *castest.Server) (*terraform, error) {
	tf := &terraform{dir: dir, env: environment(dir, service)}
	err := installProvider(dir)
	if err != nil {
		return nil, err
	}
	tf.path, err = find(ctx, filepath.Join(dir, "terraform"))
	if err != nil {
		return nil, fmt.Errorf("no terraform on the PATH, and none could be downloaded: %w", err)
	}
	version, err := output(tf.command(ctx, "score", "version"))
	if err != nil {
		return nil, err
	}
	version, _, _ = strings.Cut(version, "\n")
	var minor int
	if _, err := fmt.Sscanf(version, "Terraform v1.%d", &minor); err != nil || minor < firstEphemeral {
		return nil, fmt.Errorf("%s is %s, and Terraform v1.%d or newer is needed", tf.path, version, firstEphemeral)
	}
	fmt.Printf("Using %s.\n", version)
	tf.gate = "ephemeral"
	if minor >= firstAction {
		tf.gate = "action"
	}
	for _, config := range []string{"score", tf.gate, "certificates", "reads"} {
		// This shows nothing: from a mirror with one platform, init warns of a lock file for that
		// platform alone.
		if _, err := output(tf.command(ctx, config, "init")); err != nil {
			return nil, err
		}
	}
	return tf, nil
}

// installProvider writes the configurations, puts this program where terraform init finds it as the
// provider, and writes the CLI configuration that names that directory.
func installProvider(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	mirror := filepath.Join(dir, "mirror")
	place := filepath.Join(mirror, filepath.FromSlash(provider.Address), version, runtime.GOOS+"_"+runtime.GOARCH)
	return errors.Join(
		os.CopyFS(dir, configs),
		os.MkdirAll(place, 0o700),
		os.Mkdir(filepath.Join(dir, "terraform"), 0o700),
		os.WriteFile(filepath.Join(place, "terraform-provider-cas_v"+version+filepath.Ext(self)), program, 0o700),
		os.WriteFile(filepath.Join(dir, "terraformrc"),
			fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror), 0o600))
}

// find returns the Terraform on the PATH, or the latest one, which it puts into dir.
func find(ctx context.Context, dir string) (string, error) {
	return install.NewInstaller().Ensure(ctx, []src.Source{
		&installed.AnyVersion{Product: &product.Terraform},
		&releases.LatestVersion{Product: product.Terraform, InstallDir: dir},
	})
}

// environment returns all variables of Terraform and the provider: no credentials, no settings and
// no proxy of the user.
func environment(dir string, service *castest.Server) []string {
	env := []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + castest.DefaultKey.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + castest.DefaultKey.AccessKeySecret,
		"CAS_ENDPOINT=" + service.URL(),
		"TF_CLI_CONFIG_FILE=" + filepath.Join(dir, "terraformrc"),
		"CHECKPOINT_DISABLE=1",
		"TF_IN_AUTOMATION=1", // no hints for interactive use
		"TF_INPUT=0",
	}
	homes := []string{"HOME", "XDG_CACHE_HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "TMPDIR", "TMP", "TEMP"}
	for _, home := range homes {
		env = append(env, home+"="+dir)
	}
	for _, needed := range []string{"PATH", "SYSTEMROOT", "GORACE"} { // the last is for tests with the race detector
		env = append(env, needed+"="+os.Getenv(needed))
	}
	if !colors() {
		env = append(env, "TF_CLI_ARGS=-no-color")
	}
	return env
}

// command is interrupted when ctx ends, so that Terraform stops its providers, and killed if that
// takes too long.
func (tf *terraform) command(ctx context.Context, config string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, tf.path, args...)
	cmd.Dir, cmd.Env = filepath.Join(tf.dir, "config", config), tf.env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	setGroup(cmd)
	return cmd
}

// show shows a command and runs it. Terraform writes straight to the demo's standard output.
func (tf *terraform) show(ctx context.Context, config string, s step) error {
	cmd := tf.command(ctx, config, strings.Fields(s.command)...)
	cmd.Stderr = os.Stdout
	line := "$ terraform " + s.command
	if s.straight {
		cmd.Stdout = os.Stdout
	} else {
		line += " >" + os.DevNull
	}
	fmt.Println(line)
	return run(cmd, s.status)
}

// output returns what a command writes to standard output. It has to succeed.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := run(cmd, 0); err != nil {
		return "", fmt.Errorf("%w\n%s%s", err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// run runs a command, whose exit status has to be status, and ends whatever it leaves.
func run(cmd *exec.Cmd, status int) error {
	err := cmd.Run()
	killGroup(cmd)
	if cmd.ProcessState == nil {
		return err
	}
	if cmd.ProcessState.ExitCode() != status {
		return fmt.Errorf("%s: %s, want exit status %d", strings.Join(cmd.Args, " "), cmd.ProcessState, status)
	}
	return nil
}
