package main

import (
	"bytes"
	"context"
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
)

const module = "github.com/terraform-provider-cas/terraform-provider-cas"

// terraform is a Terraform that finds the provider, and a copy of examples/demo, in a folder of their own.
type terraform struct {
	path string
	dir  string
	env  []string
	out  io.Writer
}

// prepare builds the provider and finds Terraform, or brings one. The caller removes what it returns.
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
	for _, name := range []string{"bin", "terraform", "work"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	provider := filepath.Join(dir, "bin", "terraform-provider-cas")
	if runtime.GOOS == "windows" {
		provider += ".exe"
	}
	build := command(ctx, "go", "build", "-o", provider, module)
	build.Env = append(os.Environ(), "GOTMPDIR="+dir) // what an interrupted build leaves behind goes with the rest
	if _, err := capture(build); err != nil {
		return nil, err
	}
	root, err := capture(command(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module))
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(filepath.Join(dir, "work"), os.DirFS(filepath.Join(strings.TrimSpace(root), "examples", "demo"))); err != nil {
		return nil, err
	}
	overrides := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-provider-cas/cas\" = %q\n  }\n  direct {}\n}\n", filepath.Join(dir, "bin"))
	if err := os.WriteFile(filepath.Join(dir, "terraformrc"), []byte(overrides), 0o600); err != nil {
		return nil, err
	}
	tf.path, err = find(ctx, filepath.Join(dir, "terraform"))
	if err != nil {
		return nil, fmt.Errorf("no terraform on the PATH, and none could be brought: %w", err)
	}
	version, err := capture(tf.command(ctx, "version"))
	if err != nil {
		return nil, err
	}
	version, _, _ = strings.Cut(version, "\n")
	fmt.Fprintf(out, "    %s at %s\n", version, tf.path)
	return tf, nil
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
	for _, needed := range []string{"PATH", "SYSTEMROOT"} {
		env = append(env, needed+"="+os.Getenv(needed))
	}
	return env
}

func (tf *terraform) remove() error { return os.RemoveAll(tf.dir) }

// run shows a command, and what Terraform says while it says it.
func (tf *terraform) run(ctx context.Context, args ...string) error {
	fmt.Fprintf(tf.out, "    $ terraform %s\n\n", strings.Join(args, " "))
	_, err := capture(tf.command(ctx, append(args, "-input=false", "-no-color", "-compact-warnings")...), &indented{out: tf.out})
	return err
}

func (tf *terraform) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := command(ctx, tf.path, append([]string{"-chdir=" + filepath.Join(tf.dir, "work")}, args...)...)
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
