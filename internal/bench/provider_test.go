package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server" // registers the messages of the protocol
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// process is a provider that was started and configured as Terraform does.
type process struct {
	cmd  *exec.Cmd
	conn *grpc.ClientConn
}

// launch starts a provider with the arguments of its block as JSON.
func launch(t *testing.T, executable string, environment []string, block string) (*process, error) {
	cmd := exec.CommandContext(t.Context(), executable)
	cmd.Env = append(environment, "PLUGIN_PROTOCOL_VERSIONS=6",
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	t.Cleanup(p.kill)
	// Without a certificate of the client's, the line is core version, protocol version, network,
	// address and "grpc".
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	fields := strings.Split(line, "|")
	if len(fields) < 5 {
		return nil, fmt.Errorf("handshake: %q", line)
	}
	p.conn, err = grpc.NewClient("passthrough:"+fields[2]+":"+fields[3],
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return p, p.invoke(t.Context(), "ConfigureProvider",
		map[string]any{"terraform_version": "1.11.4", "config": dynamic(block)})
}

// kill ends the process as kill -9 does. It closes the connection only afterwards, because closing
// it first would let the process finish its calls.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

// read reads the data source once.
func (p *process) read(ctx context.Context) error {
	return p.invoke(ctx, "ReadDataSource", map[string]any{"type_name": "cas_asset_count", "config": dynamic("{}")})
}

// dynamic is a DynamicValue of the protocol.
func dynamic(value string) map[string]any {
	return map[string]any{"json": []byte(value)}
}

// invoke calls a method of the protocol and fails with the first error of the response. The
// messages are looked up by name, because terraform-plugin-go doesn't export them.
func (p *process) invoke(ctx context.Context, method string, request map[string]any) error {
	in, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("tfplugin6." + method + ".Request"))
	if err != nil {
		return err
	}
	out, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("tfplugin6." + method + ".Response"))
	if err != nil {
		return err
	}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	message, response := in.New().Interface(), out.New().Interface()
	if err := protojson.Unmarshal(text, message); err != nil {
		return err
	}
	if err := p.conn.Invoke(ctx, "/tfplugin6.Provider/"+method, message, response, grpc.WaitForReady(true)); err != nil {
		return err
	}
	if text, err = protojson.Marshal(response); err != nil {
		return err
	}
	var result struct {
		Diagnostics []struct{ Severity, Summary, Detail string }
	}
	if err := json.Unmarshal(text, &result); err != nil {
		return err
	}
	for _, d := range result.Diagnostics {
		if d.Severity == "ERROR" {
			return errors.New(d.Summary + ": " + d.Detail)
		}
	}
	return nil
}

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

// environment returns the variables of a user whose home directory is home, and whose provider
// calls the fake.
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

// configuration returns a directory with a main.tf that has so many provider blocks, and blocks
// data blocks for each of them.
func configuration(t *testing.T, providers, blocks int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("terraform {\n  required_providers {\n    cas = { source = \"terraform-provider-cas/cas\" }\n  }\n}\n")
	for provider := range providers {
		fmt.Fprintf(&b, "provider \"cas\" {\n  alias = \"p%d\"\n}\n", provider)
		fmt.Fprintf(&b, "data \"cas_asset_count\" \"d%[1]d\" {\n  count    = %[2]d\n  provider = cas.p%[1]d\n}\n",
			provider, blocks)
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
	override := fmt.Sprintf(`provider_installation {
  dev_overrides {
    "terraform-provider-cas/cas" = %q
  }
  direct {}
}
`, filepath.Dir(executable))
	cmd := exec.CommandContext(t.Context(), cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"),
		"plan", "-input=false", "-lock=false", "-no-color")
	cmd.Dir = dir
	cmd.Env = append(environment, "CHECKPOINT_DISABLE=1",
		"TF_CLI_CONFIG_FILE="+filepath.Join(directory(t, "cli.tfrc", override), "cli.tfrc"))
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("terraform plan: %v\n%.2000s", err, output)
	}
}
