package provider

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// terraform runs a real Terraform with the test binary as its provider, and the fakes that the
// provider talks to.
type terraform struct {
	cas    *castest.Server
	issuer *castest.Issuer
	dir    string
	home   string
	env    []string
}

// executable returns the name of the provider's file.
func executable() string {
	const name = "terraform-provider-cas"
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// logLine returns how the log's line of a call begins. Terraform names the provider's file in it.
func logLine() string { return "provider." + executable() + ": GetAssetCount: " }

func newTerraform(t *testing.T, config string, env ...string) *terraform {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tf := &terraform{cas: castest.Start(castest.Options{}), issuer: castest.StartIssuer(), dir: t.TempDir()}
	if err := os.Symlink(self, filepath.Join(tf.dir, executable())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tf.cas.Close)
	t.Cleanup(tf.issuer.Close)
	tf.issuer.OnIssue(func(key *castest.Key) { tf.cas.AddKey(*key) })
	home := t.TempDir()
	tf.home = home
	tf.write(t, "terraform.rc", fmt.Sprintf("provider_installation {\n  dev_overrides {\n    "+
		"\"terraform-provider-cas/cas\" = %q\n  }\n  direct {}\n}\n", tf.dir))
	tf.env = append(os.Environ(),
		"HOME="+home, "USERPROFILE="+home, "XDG_CACHE_HOME="+home, "LOCALAPPDATA="+home,
		"TF_CLI_CONFIG_FILE="+filepath.Join(tf.dir, "terraform.rc"),
		"HTTPS_PROXY="+tf.issuer.ProxyURL(), "CAS_ENDPOINT="+tf.cas.URL(),
		"CAS_MAX_RETRIES=1", "TF_LOG=TRACE")
	tf.env = append(tf.env, tf.issuer.ChildEnvironment()...)
	tf.env = append(tf.env, tf.fill(env...)...)
	tf.write(t, "main.tf", required+tf.fill(config)[0])
	return tf
}

// fill replaces what is only known once the fakes run. Paths get slashes on Windows as well: a
// backslash begins an escape in configurations and in JSON.
func (tf *terraform) fill(texts ...string) []string {
	known := strings.NewReplacer(
		"$KEY", castest.DefaultKey.AccessKeyID, "$SECRET", castest.DefaultKey.AccessKeySecret,
		"$STS", tf.issuer.STSEndpoint(), "$URI", tf.issuer.CredentialsURI(), "$SIGNIN", tf.issuer.SignInURL(),
		"$OTHERKEY", otherKey.AccessKeyID, "$OTHERSECRET", otherKey.AccessKeySecret, "$ROLE", testRole, "$PROVIDER",
		testProvider, "$TOKEN",
		castest.OIDCToken, "$DIR", filepath.ToSlash(tf.dir), "$HOME", filepath.ToSlash(tf.home), "$PRINT", printing())
	filled := make([]string, len(texts)) // the tests that run in parallel may have given the same texts
	for i, text := range texts {
		filled[i] = known.Replace(text)
	}
	return filled
}

func (tf *terraform) write(t *testing.T, name, content string) {
	t.Helper()
	writeFile(t, filepath.Join(tf.dir, name), content)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run returns what Terraform said, and what it and the provider logged at TRACE level.
func (tf *terraform) run(t *testing.T, args ...string) (said string, log string, err error) {
	t.Helper()
	binary := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if binary == "" {
		binary = "terraform"
	}
	logged := filepath.Join(t.TempDir(), "log")
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = tf.dir
	cmd.Env = append(slices.Clone(tf.env), "TF_LOG_PATH="+logged)
	out, err := cmd.CombinedOutput()
	lines, _ := os.ReadFile(logged)
	// Terraform logs the configuration's own values, before any provider sees them, but for these
	// lines there is none.
	return string(out), string(lines), err
}

// version returns Terraform or OpenTofu, and the minor of its version 1.
func (tf *terraform) version(t *testing.T) (product string, minor int) {
	t.Helper()
	said, _, err := tf.run(t, "version")
	if err != nil {
		t.Fatalf("got %v, want a version:\n%s", err, said)
	}
	if _, err := fmt.Sscanf(said, "%s v1.%d", &product, &minor); err != nil {
		t.Fatalf("got %v, want a version:\n%s", err, said)
	}
	return product, minor
}

// needs skips a test of what came with these minor versions of Terraform 1 and OpenTofu 1.
func (tf *terraform) needs(t *testing.T, terraform, openTofu int) {
	t.Helper()
	product, minor := tf.version(t)
	first := terraform
	if product == "OpenTofu" {
		first = openTofu
	}
	if minor < first {
		t.Skipf("%s 1.%d is the first that understands the configuration, and this is 1.%d", product, first, minor)
	}
}

// checkSecrets looks for everything secret that the fakes know, in every form it may have been sent
// in.
func (tf *terraform) checkSecrets(t *testing.T, shown string) {
	t.Helper()
	secrets := []string{castest.DefaultKey.AccessKeySecret, castest.OIDCToken, castest.SSOAccessToken,
		castest.OAuthAccessToken,
		castest.OAuthRefreshToken, otherKey.AccessKeySecret, hush}
	for _, key := range tf.issuer.Issued() {
		secrets = append(secrets, key.AccessKeySecret, key.SecurityToken, key.AccessKeyID)
	}
	for _, call := range tf.issuer.Calls() {
		secrets = append(secrets, call.Parameters["Signature"])
	}
	for _, call := range tf.cas.Calls() {
		_, signature, _ := strings.Cut(call.Header.Get("Authorization"), "Signature=")
		secrets = append(secrets, signature)
	}
	for _, secret := range secrets {
		for _, form := range []string{secret, url.QueryEscape(secret), strings.Trim(jsonOf(t, secret), `"`)} {
			if secret != "" && strings.Contains(shown, form) {
				at := strings.Index(shown, form)
				t.Errorf("got a secret, want it left out: %s", shown[max(0, at-200):at+len(form)])
				break
			}
		}
	}
}

// otherKey is another user's key that the service knows.
var otherKey = castest.Key{AccessKeyID: "LTAI5tCasTestSomebodyElse", AccessKeySecret: "somebody-elses-secret"}

// TestIdentity gives a real Terraform a configuration, an environment and what other tools have set
// up: which key signs, which requests are made for it, to which endpoint, and what the user sees.
// Each source is fetched from once for all reads of a plan.
func TestIdentity(t *testing.T) {
	t.Parallel()
	const (
		cli      = ".aliyun/config.json"
		ini      = ".alibabacloud/credentials"
		ak       = `"mode": "AK", "access_key_id": "$KEY", "access_key_secret": "$SECRET"`
		otherAK  = `"mode": "AK", "access_key_id": "$OTHERKEY", "access_key_secret": "$OTHERSECRET"`
		somebody = `{"current": "p", "profiles": [{"name": "p", ` + otherAK + `}]}`
		mine     = `{"current": "p", "profiles": [{"name": "p", "region_id": "ap-southeast-1", "endpoint": "e", ` + ak +
			`}]}`
		sts  = "endpoints {\n sts = \"$STS\"\n}\n"
		keys = "access_key = \"$KEY\"\nsecret_key = \"$SECRET\"\n"
	)
	inRole := strings.Replace(otherAK, "AK", "RamRoleArn", 1)
	oidc := []string{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN=$PROVIDER", "ALIBABA_CLOUD_ROLE_ARN=$ROLE"}
	for name, test := range map[string]struct {
		block   string   // of the provider; a period for none
		env     []string // variables
		files   map[string]string
		prepare func(*terraform)
		signer  string            // access key ID; empty where it was issued, or nothing is signed
		service string            // issues the credentials, once
		request map[string]string // parameters of that
		host    string            // the endpoint that is called through the proxy, which leads elsewhere
		says    []string          // Terraform
		errors  int               // how many
		log     string
	}{
		"keys of the block": {block: keys, env: []string{"ALIBABA_CLOUD_ENDPOINT=ecs.aliyuncs.com"},
			files: map[string]string{cli: somebody}, signer: "$KEY",
			log: "A variable is ignored, because it names one endpoint for every product"},
		"keys of the environment before a profile": {
			env: []string{"ALICLOUD_ACCESS_KEY_ID=$KEY", "ALICLOUD_ACCESS_KEY_SECRET=$SECRET",
				"ALIBABA_CLOUD_PROFILE=p"},
			files: map[string]string{cli: somebody}, signer: "$KEY", log: "access key LTAI…eyId " +
				"(ALICLOUD_ACCESS_KEY_ID)",
		},
		"profiles of two families": {
			env: []string{"ALIBABACLOUD_PROFILE=q", "ALICLOUD_PROFILE=p"},
			files: map[string]string{cli: `{"current": "p", "profiles": [{"name": "p", ` + otherAK + `}, {"name": "q", ` +
				ak + `}]}`},
			signer: "$KEY", says: []string{"Warning: Environment variables disagree"},
		},
		"the CLI's file in CREDENTIALS_FILE": {
			env:   []string{"ALIBABA_CLOUD_CREDENTIALS_FILE=$HOME/mine.json", "ALIBABA_CLOUD_PROFILE=p"},
			files: map[string]string{"mine.json": "\xef\xbb\xbf" + mine, cli: somebody}, signer: "$KEY",
			log: "profile p of "},

		"CloudSSO": {
			block: "profile = \"sso\"\nshared_credentials_file = \"$HOME/f\"\n",
			files: map[string]string{"f": `{"profiles": [{"name": "sso", "mode": "CloudSSO", "cloud_sso_sign_in_url": "$SIGNIN",
				"cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "ac-1",
				"access_token": "` + castest.SSOAccessToken + `", "cloud_sso_access_token_expire": 4102444800}]}`},
			service: "cloudsso", log: "profile sso of ",
		},
		"sign-in needed": {
			files: map[string]string{cli: `{"current": "p", "profiles": [
				{"name": "p", "mode": "CloudSSO", "access_token": "` + hush + `", "cloud_sso_access_token_expire": 1}]}`},
			errors: 1, says: []string{"Sign-in to Alibaba Cloud needed", "aliyun configure --mode CloudSSO " +
				"--profile p"},
		},
		"OIDC of the block": {
			block: sts + "assume_role_with_oidc {\n oidc_provider_arn = \"$PROVIDER\"\n role_arn = \"$ROLE\"\n " +
				"oidc_token_file = \"$HOME/token\"\n}\n",
			files: map[string]string{"token": castest.OIDCToken}, service: "sts", log: "OIDC, as " + testRole,
		},
		"OIDC of the environment, with the token of HCP Terraform": {
			block: sts, env: append(oidc, "TFC_WORKLOAD_IDENTITY_TOKEN=$TOKEN"), service: "sts",
			log: "OIDC, as " + testRole + " (ALIBABA_CLOUD_OIDC_PROVIDER_ARN)"},
		"an empty assume_role": {
			block: sts + keys + "assume_role {}\n",
			env: []string{"ALIBABA_CLOUD_ROLE_ARN=$ROLE", "ALICLOUD_ASSUME_ROLE_SESSION_NAME=session",
				"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION=900", "ALIBABA_CLOUD_EXTERNAL_ID=external"},
			service: "sts", log: testRole + ", assumed with access key",
			request: map[string]string{"AccessKeyId": "$KEY", "RoleArn": "$ROLE", "RoleSessionName": "session",
				"DurationSeconds": "900", "ExternalId": "external"},
		},
		"a role that is denied": {block: sts + keys + "assume_role {\n role_arn = \"acs:ram::1:role/denied\"\n}\n",
			errors: 1, says: []string{"Alibaba Cloud credentials refused", "NoPermission", "Request ID"}},
		"variables that complete a profile": {
			env: []string{"ALIBABA_CLOUD_ROLE_ARN=$ROLE", "ALIBABA_CLOUD_EXTERNAL_ID=external",
				"ALIBABA_CLOUD_STS_ENDPOINT=sts.invalid"},
			files: map[string]string{cli: `{"current": "p", "profiles": [{"name": "p", "sts_endpoint": "$STS", ` + inRole +
				`}]}`},
			service: "sts", request: map[string]string{"AccessKeyId": "$OTHERKEY", "RoleArn": "$ROLE",
				"ExternalId": "external"},
		},
		"a URI without token and expiration": {
			block: "credentials_uri = \"$URI\"\n", signer: "$KEY", service: "uri", log: "credentials URI " +
				"http://127.0.0.1",
			prepare: func(tf *terraform) {
				tf.issuer.Script("uri", castest.Body(200, "application/json",
					tf.fill(`{"Code": "Success", "AccessKeyId": "$KEY", "AccessKeySecret": "$SECRET"}`)[0]))
			},
		},
		"credentials that expire during the plan": {
			block: "credentials_uri = \"$URI\"\n", prepare: func(tf *terraform) {
				tf.issuer.OnIssue(func(key *castest.Key) {
					key.Expires = key.Expires.Add(-59 * time.Minute)
					tf.cas.AddKey(*key)
				})
			},
		},
		"a throttled STS, which max_retries doesn't count": {
			block: "max_retries = 0\n" + sts + keys + "assume_role {\n role_arn = \"$ROLE\"\n}\n",
			prepare: func(tf *terraform) {
				tf.issuer.Script("sts", castest.Fault(400, "Throttling.User", "Request was denied due to user flow control."))
			},
		},
		"ECS role": {block: "ecs_role_name = \"" + castest.MetadataRole + "\"\n", service: "metadata",
			log: "ECS RAM role " + castest.MetadataRole},
		"empty keys": {
			block: "access_key = \"\"\nsecret_key = \"\"\n", files: map[string]string{cli: mine}, signer: "$KEY",
			says: []string{"Warning: Empty access key", "the provider block leaves access_key and secret_key empty, " +
				"credentials come from the default"},
		},
		"nothing set up": {
			block: "access_key = \"\"\nsecret_key = \"\"\n",
			env:   []string{"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true"},
			files: map[string]string{cli: `{"current": "q", "profiles": [{"name": "p", ` + ak + `}]}`,
				ini: "[default]\ntype = access_key\n"},
			errors: 1, says: []string{
				"No Alibaba Cloud credentials", "(the provider block leaves access_key and secret_key empty)",
				`has no profile "q", only p - file ~/.alibabacloud/credentials: its section [default] has no access ` +
					"key - ECS metadata service: switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED",
				"Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
			},
		},
		"region abroad": {
			block: keys + "region = \"us-east-1\"\n", env: []string{"CAS_ENDPOINT="}, host: "cas.aliyuncs.com",
			says: []string{"Warning: Site of the account isn't known", "set account_type or " +
				"ALIBABA_CLOUD_ACCOUNT_TYPE"},
		},
		"an environment that is wrong, and no block": {
			block: ".", env: []string{"CAS_MAX_RETRIES=many", "ALIBABA_CLOUD_ACCESS_KEY_ID=id",
				"ALICLOUD_SECRET_KEY=" + hush},
			errors: 2, says: []string{
				`CAS_MAX_RETRIES can't be used: it is "many". Use a whole number from 0 to 20.`,
				"with data.cas_asset_count.this[0], on main.tf line 7",
				"ALIBABA_CLOUD_ACCESS_KEY_ID is set, but ALIBABA_CLOUD_ACCESS_KEY_SECRET is not",
			},
		},
		"a block that is wrong, beside the environment": {
			block:  "access_key = \"id\"\nprofile = \"p\"\n",
			env:    []string{"CAS_MAX_RETRIES=many", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + hush},
			errors: 2, says: []string{
				"Missing Alibaba Cloud secret key", "Conflicting sources of credentials",
				`with provider["` + os.Getenv("TF_ACC_PROVIDER_HOST") + `/terraform-provider-cas/cas"]`,
			},
		},
		"a key that is unknown": {
			block: "access_key = terraform_data.key.output\nsecret_key = \"" + hush + "\"\n}\nresource " +
				"\"terraform_data\" \"key\" {\n input = \"id\"\n",
			errors: 1, says: []string{"Unknown provider argument", "set ALIBABA_CLOUD_ACCESS_KEY_ID instead"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := "provider \"cas\" {\n" + test.block + "}\n"
			if test.block == "." {
				config = ""
			}
			reads := 5
			if test.errors > 0 || test.host != "" {
				reads = 1
			}
			tf := newTerraform(t, fmt.Sprintf("%sdata \"cas_asset_count\" \"this\" {\n  count = %d\n}\n", config,
				reads), test.env...)
			tf.cas.AddKey(otherKey)
			tf.issuer.AddKey(otherKey)
			for file, content := range test.files {
				writeFile(t, filepath.Join(tf.home, file), tf.fill(content)[0])
			}
			if test.prepare != nil {
				test.prepare(tf)
			}
			if strings.Contains(test.block, "terraform_data") {
				tf.needs(t, 4, 6)
			}
			said, log, _ := tf.run(t, "plan", "-no-color")
			errors := test.errors
			if test.host != "" {
				errors = 1 // the proxy leads to a fake that isn't the service
			}
			if n := strings.Count(said, "Error: "); n != errors {
				t.Errorf("got %d errors, want %d:\n%s", n, errors, said)
			}
			for _, want := range append(test.says, test.host) {
				if !strings.Contains(unwrapped(said), want) {
					t.Errorf("got no %q, want it said:\n%s", want, said)
				}
			}
			if test.log != "" && !strings.Contains(log, test.log) {
				t.Errorf("got no %q in the log, want it there", test.log)
			}
			if n := len(tf.cas.Calls()); (n > 0) != (errors == 0) {
				t.Errorf("got %d calls, want some unless there is an error", n)
			}
			for _, call := range tf.cas.Calls() {
				if want := tf.fill(test.signer)[0]; want != "" && call.AccessKeyID != want || call.Code != "" {
					t.Errorf("got a call signed with %s and error code %q, want one signed with %s and no error code",
						call.AccessKeyID, call.Code, want)
				}
			}
			var issued []castest.Issue
			for _, call := range tf.issuer.Calls() {
				if call.Service == test.service && !strings.HasSuffix(call.Action, "/token") {
					issued = append(issued, call)
				}
			}
			if want := min(1, len(test.service)); len(issued) != want {
				t.Fatalf("got %d fetches from %s, want %d", len(issued), test.service, want)
			}
			for parameter, want := range test.request {
				if got := issued[0].Parameters[parameter]; got != tf.fill(want)[0] {
					t.Errorf("got %s %q, want %q", parameter, got, tf.fill(want)[0])
				}
			}
			tf.checkSecrets(t, said+log)
		})
	}
}

// unwrapped returns the output of Terraform as one line.
func unwrapped(said string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", "", "╷", "", "╵", "").Replace(said)), " ")
}

// TestUnknownUntilApply checks that a read that waits for apply works although the provider block
// isn't known before.
func TestUnknownUntilApply(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, `
resource "terraform_data" "secret" {
  input = "$SECRET"
}

provider "cas" {
  access_key = "$KEY"
  secret_key = terraform_data.secret.output
}

data "cas_asset_count" "this" {
  depends_on = [terraform_data.secret]
}
`)
	tf.needs(t, 4, 6) // for terraform_data
	if said, _, err := tf.run(t, "apply", "-auto-approve", "-no-color"); err != nil {
		t.Fatalf("got %v, want no error\n%s", err, said)
	}
	if n := len(tf.cas.Calls()); n != 1 {
		t.Errorf("got %d calls, want 1", n)
	}
	if refused := tf.cas.Refused(); refused != 0 {
		t.Errorf("got %d calls refused, want none", refused)
	}
}
