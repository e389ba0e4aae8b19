package examples

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// version meets the version constraints of the examples.
const version = "0.1.0"

// stagingKey is the access key of a second account.
var stagingKey = castest.Key{
	AccessKeyID: "LTAI5tCasTestStagingKeyId", AccessKeySecret: "sTaGiNgSeCrEt0000000000000000",
}

// workspace is a copy of examples/ of its own, in a home of its own, with fakes of its own.
type workspace struct {
	service *castest.Server
	issuer  *castest.Issuer
	home    string
	dir     string
	env     []string
}

func newWorkspace(t *testing.T, example string, env map[string]string) *workspace {
	t.Helper()
	w := &workspace{
		service: castest.Start(castest.Options{TLS: true, Keys: []castest.Key{castest.DefaultKey, stagingKey}}),
		issuer:  castest.StartIssuer(),
		home:    t.TempDir(),
	}
	t.Cleanup(w.service.Close)
	t.Cleanup(w.issuer.Close)
	w.issuer.OnIssue(func(key *castest.Key) { w.service.AddKey(*key) })
	w.dir = filepath.Join(w.home, "examples", filepath.FromSlash(example))

	w.copyExamples(t)
	w.write(t, "token", castest.OIDCToken)
	w.write(t, "terraformrc", w.installProvider(t))
	w.write(t, filepath.Join(".aliyun", "config.json"), w.profiles(t))
	w.env = w.environment(env)
	return w
}

// copyExamples copies the examples, with the only role that the fake of the metadata service has.
func (w *workspace) copyExamples(t *testing.T) {
	t.Helper()
	for _, file := range exampleFiles(t) {
		content, err := os.ReadFile(filepath.Join(root, "examples", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, filepath.Join("examples", filepath.FromSlash(file)),
			strings.ReplaceAll(string(content), `ecs_role_name = "certificate-reader"`,
				fmt.Sprintf("ecs_role_name = %q", castest.MetadataRole)))
	}
}

// installProvider puts the test binary where terraform init and tofu init find it, and returns the
// CLI configuration that leads there and nowhere else.
func (w *workspace) installProvider(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mirror := filepath.Join(w.home, "mirror")
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		dir := filepath.Join(mirror, host, "terraform-provider-cas", "cas", version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(self, filepath.Join(dir, "terraform-provider-cas_v"+version+filepath.Ext(self))); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
}

// profiles is a configuration of the Alibaba Cloud CLI.
func (w *workspace) profiles(t *testing.T) string {
	t.Helper()
	keys := func(name string, key castest.Key) map[string]any {
		return map[string]any{"name": name, "mode": "AK", "access_key_id": key.AccessKeyID,
			"access_key_secret": key.AccessKeySecret}
	}
	content, err := json.Marshal(map[string]any{"profiles": []any{
		keys("work", castest.DefaultKey), keys("audit", castest.DefaultKey),
		keys("production", castest.DefaultKey), keys("staging", stagingKey),
		map[string]any{
			"name": "sso", "mode": "CloudSSO",
			"cloud_sso_sign_in_url": w.issuer.SignInURL(), "cloud_sso_account_id": "1234567890123456",
			"cloud_sso_access_config": "ac-00000000000000000000",
			"access_token":            castest.SSOAccessToken, "cloud_sso_access_token_expire": int64(4102444800),
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// environment returns all variables of Terraform and the provider. Every host except the service is
// the issuer.
func (w *workspace) environment(extra map[string]string) []string {
	env := []string{
		"CAS_ENDPOINT=" + w.service.URL(),
		"HTTPS_PROXY=" + w.issuer.ProxyURL(),
		"GORACE=atexit_sleep_ms=0", // else each of the many processes ends with a second of waiting for races
		"TF_CLI_CONFIG_FILE=" + filepath.Join(w.home, "terraformrc"),
		"CHECKPOINT_DISABLE=1",
	}
	env = append(env, w.issuer.ChildEnvironment()...)
	for _, name := range []string{"HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA", "APPDATA", "TMPDIR",
		"TMP", "TEMP"} {
		env = append(env, name+"="+w.home)
	}
	for _, name := range []string{"PATH", "SYSTEMROOT"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	for name, value := range extra {
		env = append(env, name+"="+strings.ReplaceAll(value, "$HOME", w.home))
	}
	return env
}

func (w *workspace) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(w.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// binary is the Terraform or OpenTofu to test with.
func binary() string {
	if path := os.Getenv("TF_ACC_TERRAFORM_PATH"); path != "" {
		return path
	}
	return "terraform"
}

// terraform runs Terraform and returns its output, in one line, and its exit status.
func (w *workspace) terraform(t *testing.T, args ...string) (said string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(), args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	output, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%v: the examples need Terraform or OpenTofu, on the PATH or named by TF_ACC_TERRAFORM_PATH", err)
	}
	return strings.Join(strings.Fields(string(output)), " "), cmd.ProcessState.ExitCode()
}

// must fails the test unless the command succeeds.
func (w *workspace) must(t *testing.T, args ...string) {
	t.Helper()
	if said, status := w.terraform(t, args...); status != 0 {
		t.Fatalf("%s: got exit status %d, want 0: %s", strings.Join(args, " "), status, said)
	}
}

// cliVersion returns which of the two is being tested, and the minor of its version 1.
func cliVersion(t *testing.T) (product string, minor int) {
	t.Helper()
	w := &workspace{dir: t.TempDir(), env: []string{"CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=" + os.DevNull}}
	said, _ := w.terraform(t, "version")
	if _, err := fmt.Sscanf(said, "%s v1.%d", &product, &minor); err != nil {
		t.Fatalf("got %v, want a version: %s", err, said)
	}
	return product, minor
}
