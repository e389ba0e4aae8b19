package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	install "github.com/hashicorp/hc-install"
	"github.com/hashicorp/hc-install/fs"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
	"github.com/hashicorp/hc-install/src"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

const (
	module = "github.com/terraform-provider-cas/terraform-provider-cas"

	// version is the provider's, of which the mirror needs one.
	version = "0.1.0"

	// firstEphemeral is the minor of the first version of Terraform with ephemeral resources.
	firstEphemeral = 10
)

// terraform is a Terraform that finds the provider, and copies of examples, in a directory of their own.
type terraform struct {
	path  string
	minor int    // of its version 1
	root  string // of the repository
	dir   string
	env   []string
	out   io.Writer
	runs  int
}

// prepare installs the provider and finds Terraform, or brings one. The caller removes what it returns.
func prepare(ctx context.Context, service *castest.Server, out io.Writer) (_ *terraform, err error) {
	dir, err := os.MkdirTemp("", "cas-demo-") // short, since sockets will be in it
	if err != nil {
		return nil, err
	}
	tf := &terraform{dir: dir, env: environment(dir, service), out: out}
	defer func() {
		if err != nil {
			_ = tf.remove()
		}
	}()
	if err := installProvider(dir); err != nil {
		return nil, err
	}
	tf.path, err = find(ctx, filepath.Join(dir, "terraform"))
	if err != nil {
		return nil, fmt.Errorf("no terraform on the PATH, and none could be brought: %w", err)
	}
	root, err := capture(command(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module))
	if err != nil {
		return nil, err
	}
	tf.root = strings.TrimSpace(root)
	if err := tf.copyExample(ctx, "demo"); err != nil {
		return nil, err
	}
	said, err := capture(tf.command(ctx, "demo", "version"))
	if err != nil {
		return nil, err
	}
	said, _, _ = strings.Cut(said, "\n")
	if _, err := fmt.Sscanf(said, "Terraform v1.%d", &tf.minor); err != nil {
		return nil, fmt.Errorf("%s is %q, and Terraform 1 was expected: %w", tf.path, said, err)
	}
	fmt.Fprintf(out, "    %s at %s\n", said, tf.path)
	return tf, nil
}

// installProvider puts this program where terraform init finds it as the provider, and writes the CLI configuration
// that leads there.
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
		os.MkdirAll(place, 0o700),
		os.Mkdir(filepath.Join(dir, "terraform"), 0o700),
		os.WriteFile(filepath.Join(place, "terraform-provider-cas_v"+version+filepath.Ext(self)), program, 0o700),
		os.WriteFile(filepath.Join(dir, "terraformrc"),
			fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror), 0o600))
}

// copyExample copies an example and initializes it. It shows nothing of that: from a mirror that has the provider for one
// platform, init warns of a lock file for that platform alone.
func (tf *terraform) copyExample(ctx context.Context, example string) error {
	config, err := os.ReadFile(filepath.Join(tf.root, "examples", example, "main.tf"))
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(tf.dir, example), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tf.dir, example, "main.tf"), config, 0o600); err != nil {
		return err
	}
	_, err = capture(tf.command(ctx, example, "init", "-input=false", "-no-color"))
	return err
}

// find returns the Terraform on the PATH, or the latest one, which it puts into dir.
func find(ctx context.Context, dir string) (string, error) {
	return install.NewInstaller().Ensure(ctx, []src.Source{
		&fs.AnyVersion{Product: &product.Terraform},
		&releases.LatestVersion{Product: product.Terraform, InstallDir: dir},
	})
}

// environment is all that Terraform and the provider see: no credentials, no settings and no proxy of the user's.
func environment(dir string, service *castest.Server) []string {
	env := []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + castest.DefaultKey.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + castest.DefaultKey.AccessKeySecret,
		"CAS_ENDPOINT=" + service.URL(),
		"TF_CLI_CONFIG_FILE=" + filepath.Join(dir, "terraformrc"),
		"CHECKPOINT_DISABLE=1",
		"TF_IN_AUTOMATION=1", // no hints for someone who types
	}
	for _, home := range []string{"HOME", "XDG_CACHE_HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "TMPDIR", "TMP", "TEMP"} {
		env = append(env, home+"="+dir)
	}
	for _, needed := range []string{"PATH", "SYSTEMROOT", "GORACE"} { // the last is for tests with the race detector
		env = append(env, needed+"="+os.Getenv(needed))
	}
	return env
}

func (tf *terraform) remove() error { return os.RemoveAll(tf.dir) }

// run shows a command, and what Terraform says while it says it.
func (tf *terraform) run(ctx context.Context, example string, args ...string) error {
	tf.runs++
	fmt.Fprintf(tf.out, "    $ terraform %s\n\n", strings.Join(args, " "))
	shown := []string{args[0], "-input=false", "-no-color"}
	_, err := capture(tf.command(ctx, example, append(shown, args[1:]...)...), &indented{out: tf.out})
	return err
}

func (tf *terraform) command(ctx context.Context, example string, args ...string) *exec.Cmd {
	cmd := command(ctx, tf.path, append([]string{"-chdir=" + filepath.Join(tf.dir, example)}, args...)...)
	cmd.Env = tf.env
	return cmd
}

// indented sets off what is written.
type indented struct {
	out    io.Writer
	inLine bool
}

func (i *indented) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if !i.inLine && line[0] != '\n' {
			fmt.Fprint(i.out, "    ")
		}
		if _, err := i.out.Write(line); err != nil {
			return 0, err
		}
		i.inLine = line[len(line)-1] != '\n'
	}
	return len(p), nil
}

// failure is a command that said no.
type failure struct {
	command string
	output  string
	err     error
}

func (f *failure) Error() string {
	return fmt.Sprintf("run %s: %v\n%s", f.command, f.err, f.output)
}

func (f *failure) Unwrap() error { return f.err }

// command is interrupted when ctx ends, so that Terraform stops its providers, and killed if that takes too long.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	setGroup(cmd)
	return cmd
}

// capture returns what a command says, and writes it to those who watch.
func capture(cmd *exec.Cmd, watch ...io.Writer) (string, error) {
	var output bytes.Buffer
	cmd.Stdout = io.MultiWriter(append(watch, &output)...)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	killGroup(cmd)
	if err != nil {
		return "", &failure{filepath.Base(cmd.Path) + " " + strings.Join(cmd.Args[1:], " "), output.String(), err}
	}
	return output.String(), nil
}
