package provider

import (
	"encoding/json"
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

// terraform runs a real Terraform with the test binary as its provider, and the fakes that the provider talks to.
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
	tf.issuer.OnIssue(tf.cas.AddKey)
	home := t.TempDir()
	tf.home = home
	tf.write(
		t,
		"terraform.rc",
		fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-provider-cas/cas\" = %q\n  }\n  direct {}\n}\n", tf.dir),
	)
	tf.env = append(os.Environ(),
		"HOME="+home, "USERPROFILE="+home, "XDG_CACHE_HOME="+home, "LOCALAPPDATA="+home,
		"TF_CLI_CONFIG_FILE="+filepath.Join(tf.dir, "terraform.rc"),
		"HTTPS_PROXY="+tf.issuer.ProxyURL(), "CAS_ENDPOINT="+tf.cas.URL(),
		"CAS_MAX_RETRIES=1", "TF_LOG=TRACE")
	tf.env = append(tf.env, castest.ChildEnvironment(castest.CertPEM(), tf.issuer.MetadataAddress())...)
	tf.env = append(tf.env, tf.fill(env...)...)
	tf.write(
		t,
		"main.tf",
		"terraform {\n  required_providers {\n    cas = { source = \"terraform-provider-cas/cas\" }\n  }\n}\n"+tf.fill(config)[0],
	)
	return tf
}

// fill replaces what is only known once the fakes run. Paths get slashes on Windows as well: a backslash begins an escape
// in configurations and in JSON.
func (tf *terraform) fill(texts ...string) []string {
	known := strings.NewReplacer(
		"$KEY", castest.DefaultKey.AccessKeyID, "$SECRET", castest.DefaultKey.AccessKeySecret,
		"$STS", tf.issuer.STSEndpoint(), "$URI", tf.issuer.CredentialsURI(), "$SIGNIN", tf.issuer.SignInURL(),
		"$OTHERKEY", otherKey.AccessKeyID, "$OTHERSECRET", otherKey.AccessKeySecret, "$ROLE", testRole, "$PROVIDER", testProvider, "$TOKEN",
		castest.OIDCToken, "$DIR", filepath.ToSlash(tf.dir), "$HOME", filepath.ToSlash(tf.home), "$PRINT", printing())
	filled := make([]string, len(texts)) // the tests that run in parallel may have given the same texts
	for i, text := range texts {
		filled[i] = known.Replace(text)
	}
	return filled
}

func (tf *terraform) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
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
	// Terraform logs the configuration's own values, before any provider sees them, but for these lines there is none.
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

// checkSecrets looks for everything secret that the fakes know, in every form it may have been sent in.
func (tf *terraform) checkSecrets(t *testing.T, shown string) {
	t.Helper()
	secrets := []string{castest.DefaultKey.AccessKeySecret, castest.OIDCToken, castest.SSOAccessToken, castest.OAuthAccessToken,
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
		for _, form := range []string{secret, url.QueryEscape(secret), strings.Trim(string(escaped(secret)), `"`)} {
			if secret != "" && strings.Contains(shown, form) {
				at := strings.Index(shown, form)
				t.Errorf("got a secret, want it left out: %s", shown[max(0, at-200):at+len(form)])
				break
			}
		}
	}
}

func escaped(s string) []byte {
	b, _ := json.Marshal(s)
	return b
}

const twentyReads = "data \"cas_asset_count\" \"this\" {\n  count = 20\n}\n"

// TestCredentialSources reads through each kind of source with a real Terraform: every call is signed with the right key
// and token, and whoever issues credentials is asked once for a whole plan.
func TestCredentialSources(t *testing.T) {
	t.Parallel()
	profiles := `{"current": "ak", "profiles": [
		{"name": "ak", "mode": "AK", "access_key_id": "$KEY", "access_key_secret": "$SECRET"},
		{"name": "sso", "mode": "CloudSSO", "cloud_sso_sign_in_url": "$SIGNIN", "cloud_sso_account_id": "1234567890123456",
		 "cloud_sso_access_config": "ac-1", "access_token": "` + castest.SSOAccessToken + `", "cloud_sso_access_token_expire": 4102444800}]}`
	const sts = "  endpoints {\n    sts = \"$STS\"\n  }\n"
	for name, test := range map[string]struct {
		block   string
		env     []string
		service string // asked once; empty for none
		source  string // in the log
	}{
		"keys": {
			block:  "  access_key = \"$KEY\"\n  secret_key = \"$SECRET\"\n",
			source: "access key LTAI…eyId (access_key in the provider block)",
		},
		"keys of the environment": {
			env:    []string{"ALICLOUD_ACCESS_KEY=$KEY", "ALICLOUD_SECRET_KEY=$SECRET"},
			source: "access key LTAI…eyId (ALICLOUD_ACCESS_KEY)",
		},
		"profile": {block: "  profile                 = \"ak\"\n  shared_credentials_file = \"$DIR/config.json\"\n", source: "profile ak of "},
		"CloudSSO": {
			block:   "  profile                 = \"sso\"\n  shared_credentials_file = \"$DIR/config.json\"\n",
			service: "cloudsso",
			source:  "profile sso of ",
		},
		"OIDC": {
			block: sts + "  assume_role_with_oidc {\n    oidc_provider_arn = \"$PROVIDER\"\n    role_arn = \"$ROLE\"\n    oidc_token_file = " +
				"\"$DIR/token\"\n  }\n",
			service: "sts",
			source:  "OIDC, as " + testRole,
		},
		"OIDC of the environment": {block: sts, env: []string{
			"ALIBABA_CLOUD_OIDC_PROVIDER_ARN=$PROVIDER",
			"ALIBABA_CLOUD_ROLE_ARN=$ROLE",
			"ALIBABA_CLOUD_OIDC_TOKEN=$TOKEN",
		},
			service: "sts", source: "OIDC, as " + testRole + " (ALIBABA_CLOUD_OIDC_PROVIDER_ARN)"},
		"role on keys": {block: sts + "  access_key = \"$KEY\"\n  secret_key = \"$SECRET\"\n  assume_role {\n    role_arn = \"$ROLE\"\n  }\n",
			service: "sts", source: testRole + ", assumed with access key"},
		"role on a profile": {
			block:   sts + "  profile = \"ak\"\n  shared_credentials_file = \"$DIR/config.json\"\n  assume_role {\n    role_arn = \"$ROLE\"\n  }\n",
			service: "sts",
			source:  testRole + ", assumed with profile ak",
		},
		"URI": {block: "  credentials_uri = \"$URI\"\n", service: "uri", source: "credentials URI http://127.0.0.1"},
		"ECS role": {
			block:   "  ecs_role_name = \"" + castest.MetadataRole + "\"\n",
			service: "metadata",
			source:  "ECS RAM role " + castest.MetadataRole,
		},
		"chain": {env: []string{"ALIBABA_CLOUD_CONFIG_FILE=$DIR/config.json"}, source: "profile ak of "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tf := newTerraform(t, "provider \"cas\" {\n"+test.block+"}\n"+twentyReads, test.env...)
			tf.write(t, "config.json", tf.fill(profiles)[0])
			tf.write(t, "token", castest.OIDCToken)
			said, log, err := tf.run(t, "plan", "-no-color")
			if err != nil {
				t.Fatalf("got %v, want no error\n%s", err, said)
			}
			if refused := tf.cas.Refused(); refused != 0 {
				t.Errorf("got %d calls refused, want none", refused)
			}
			if len(tf.cas.Calls()) == 0 {
				t.Error("got no calls, want some")
			}
			if n := fetches(tf.issuer, test.service); test.service != "" && n != 1 {
				t.Errorf("got %d fetches from %s, want 1", n, test.service)
			}
			for _, want := range []string{"Fetched credentials", test.source} {
				if !strings.Contains(log, want) {
					t.Errorf("got no %q in the log, want it there", want)
				}
			}
			if n := strings.Count(log, "Reading Certificate Management Service"); n != 1 {
				t.Errorf("got %d lines that say who reads, want 1", n)
			}
			tf.checkSecrets(t, said+log)
		})
	}
}

// fetches counts how often a service was asked for credentials, not for something on the way to them.
func fetches(i *castest.Issuer, service string) int {
	n := 0
	for _, call := range i.Calls() {
		if call.Service == service && !strings.HasSuffix(call.Action, "/token") {
			n++
		}
	}
	return n
}

// otherKey is another user's key that the service knows.
var otherKey = castest.Key{AccessKeyID: "LTAI5tCasTestSomebodyElse", AccessKeySecret: "somebody-elses-secret"}

// TestSameIdentity gives a real Terraform what other tools have set up: who signs, what STS is asked, and which endpoint.
func TestSameIdentity(t *testing.T) {
	t.Parallel()
	const (
		cli      = ".aliyun/config.json"
		ini      = ".alibabacloud/credentials"
		ak       = `"mode": "AK", "access_key_id": "$KEY", "access_key_secret": "$SECRET"`
		otherAK  = `"mode": "AK", "access_key_id": "$OTHERKEY", "access_key_secret": "$OTHERSECRET"`
		somebody = `{"current": "p", "profiles": [{"name": "p", ` + otherAK + `}]}`
		iniKey   = "\ntype = access_key\naccess_key_id = $KEY\naccess_key_secret = $SECRET\n"
		sts      = "  endpoints {\n    sts = \"$STS\"\n  }\n"
		keys     = "  access_key = \"$KEY\"\n  secret_key = \"$SECRET\"\n"
	)
	for name, test := range map[string]struct {
		block   string
		env     []string
		files   map[string]string // in the home directory
		prepare func(*terraform)
		signer  string            // access key ID; empty where it was issued
		sts     map[string]string // parameters that STS was asked with
		host    string            // that was asked through the proxy
		says    string            // Terraform
		fails   bool
	}{
		"CREDENTIALS_FILE, the CLI's, and a profile": {
			env:    []string{"ALIBABA_CLOUD_CREDENTIALS_FILE=$HOME/mine.json", "ALIBABA_CLOUD_PROFILE=p"},
			files:  map[string]string{"mine.json": "\xef\xbb\xbf" + `{"profiles": [{"name": "p", ` + ak + `}]}`, cli: somebody},
			signer: "$KEY",
		},
		"the CLI's names of keys": {
			env:    []string{"ALIBABACLOUD_ACCESS_KEY_ID=$KEY", "ALIBABACLOUD_ACCESS_KEY_SECRET=$SECRET"},
			files:  map[string]string{cli: somebody},
			signer: "$KEY",
		},
		"alicloud's names of keys, and a profile to ignore": {
			env:    []string{"ALICLOUD_ACCESS_KEY_ID=$KEY", "ALICLOUD_ACCESS_KEY_SECRET=$SECRET", "ALIBABA_CLOUD_PROFILE=p"},
			files:  map[string]string{cli: somebody},
			signer: "$KEY",
		},
		"the CLI's name of a profile, and two families that disagree": {
			env:    []string{"ALIBABACLOUD_PROFILE=q", "ALICLOUD_PROFILE=p"},
			files:  map[string]string{cli: `{"current": "p", "profiles": [{"name": "p", ` + otherAK + `}, {"name": "q", ` + ak + `}]}`},
			signer: "$KEY",
			says:   "Environment variables disagree",
		},
		"profiles ignored, INI file": {
			env:    []string{"ALIBABA_CLOUD_IGNORE_PROFILE=TRUE"},
			files:  map[string]string{cli: somebody, ini: "[default]" + iniKey},
			signer: "$KEY",
		},
		"ROLE_ARN alone": {
			block:  sts,
			env:    []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=$KEY", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=$SECRET", "ALIBABA_CLOUD_ROLE_ARN=$ROLE"},
			signer: "$KEY",
		},
		"an empty assume_role": {
			block: sts + keys + "  assume_role {}\n",
			env: []string{"ALIBABA_CLOUD_ROLE_ARN=$ROLE", "ALICLOUD_ASSUME_ROLE_SESSION_NAME=session",
				"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION=900", "ALIBABA_CLOUD_EXTERNAL_ID=external"},
			sts: map[string]string{
				"AccessKeyId":     "$KEY",
				"RoleArn":         "$ROLE",
				"RoleSessionName": "session",
				"DurationSeconds": "900",
				"ExternalId":      "external",
			},
		},
		"role_arn = null": {
			block: keys + "  assume_role {\n    role_arn = null\n  }\n",
			fails: true,
			says:  "None of these is set, and one of them has to be: assume_role.role_arn, ALIBABA_CLOUD_ROLE_ARN,",
		},
		"External, another mode": {
			env: []string{"ALIBABA_CLOUD_CONFIG_FILE=$HOME/f"},
			files: map[string]string{
				"f":   `{"current": "p", "profiles": [{"name": "p", "mode": "External", "process_command": "$PRINT $HOME/out"}]}`,
				"out": `{` + strings.Replace(ak, "AK", "RamRoleArn", 1) + `, "ram_role_arn": "$ROLE"}`,
			},
			fails: true,
			says:  `its mode is "RamRoleArn"; only AK and StsToken are supported`,
		},
		"External, switched off": {
			env: []string{"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS=1"},
			files: map[string]string{
				cli:   `{"current": "p", "profiles": [{"name": "p", "mode": "External", "process_command": "$PRINT $HOME/out"}]}`,
				"out": `{` + ak + `}`,
			},
			fails: true,
			says:  "switched off by ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS",
		},
		"region_id of the profile": {
			env:   []string{"CAS_ENDPOINT="},
			files: map[string]string{cli: `{"current": "p", "profiles": [{"name": "p", "region_id": "ap-southeast-1", ` + ak + `}]}`},
			host:  "cas.ap-southeast-1.aliyuncs.com",
			fails: true, // the proxy leads to a fake that isn't the service
			says:  "cas.ap-southeast-1.aliyuncs.com",
		},
		"REGION_ID before the profile's": {
			env:   []string{"CAS_ENDPOINT=", "ALIBABA_CLOUD_REGION_ID=eu-central-1"},
			files: map[string]string{cli: `{"current": "p", "profiles": [{"name": "p", "region_id": "ap-southeast-1", ` + ak + `}]}`},
			host:  "cas.eu-central-1.aliyuncs.com",
			fails: true,
			says:  "cas.eu-central-1.aliyuncs.com",
		},
		"sts_endpoint of a profile, on temporary keys": {
			files: map[string]string{cli: `{"profiles": [{"name": "default", "mode": "RamRoleArn",
				"sts_endpoint": "https://$STS/", "sts_region": "cn-shanghai",
				"access_key_id": "STS.NTtemporary", "access_key_secret": "$OTHERSECRET", "sts_token": "CAIStoken",
				"ram_role_arn": "$ROLE", "ram_session_name": "cli"}]}`},
			prepare: func(tf *terraform) {
				tf.issuer.AddKey(castest.Key{AccessKeyID: "STS.NTtemporary", AccessKeySecret: otherKey.AccessKeySecret, SecurityToken: "CAIStoken"})
			},
			sts: map[string]string{"AccessKeyId": "STS.NTtemporary", "SecurityToken": "CAIStoken", "RoleArn": "$ROLE", "RoleSessionName": "cli"},
		},
		"STS_ENDPOINT": {
			block: keys + "  assume_role {\n    role_arn = \"$ROLE\"\n  }\n",
			env:   []string{"ALIBABA_CLOUD_STS_ENDPOINT=sts-vpc.cn-beijing.aliyuncs.com", "ALIBABA_CLOUD_STS_REGION=cn-shanghai"},
			host:  "sts-vpc.cn-beijing.aliyuncs.com",
			sts:   map[string]string{"AccessKeyId": "$KEY", "RoleArn": "$ROLE", "RoleSessionName": "terraform", "DurationSeconds": "3600"},
		},
		"a current profile without keys": {
			files: map[string]string{
				cli: `{"current": "default", "profiles": [{"name": "default", "mode": "AK", "region_id": "x"}]}`,
				ini: "[default]" + iniKey,
			},
			signer: "$KEY",
		},
		"nothing set up": {
			env:   []string{"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true"},
			files: map[string]string{cli: `{"current": "q", "profiles": [{"name": "p", ` + ak + `}]}`, ini: "[default]\ntype = access_key\n"},
			fails: true,
			says:  `has no profile "q", only p - file ~/.alibabacloud/credentials: its section [default] has no access key`,
		},
		"a section of the INI file": {
			env: []string{"ALIBABA_CLOUD_PROFILE=q"},
			files: map[string]string{
				ini: "[default]" + iniKey + "[q]" + strings.NewReplacer("$KEY", "$OTHERKEY", "$SECRET", "$OTHERSECRET").Replace(iniKey),
			},
			signer: "$OTHERKEY",
		},
		"a URI without token and expiration": {
			block: "  credentials_uri = \"$URI\"\n",
			prepare: func(tf *terraform) {
				tf.issuer.Script("uri", castest.Body(200, "application/json",
					tf.fill(`{"Code": "Success", "AccessKeyId": "$KEY", "AccessKeySecret": "$SECRET"}`)[0]))
			},
			signer: "$KEY",
		},
		"a token of the CI system beside a profile": {
			env:    []string{"ALIBABA_CLOUD_OIDC_TOKEN=$TOKEN", "ALIBABA_CLOUD_ROLE_ARN=$ROLE", "ALIBABA_CLOUD_PROFILE=p"},
			files:  map[string]string{cli: `{"profiles": [{"name": "p", ` + ak + `}]}`},
			signer: "$KEY",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tf := newTerraform(t, "provider \"cas\" {\n"+test.block+"}\ndata \"cas_asset_count\" \"this\" {}\n", test.env...)
			tf.cas.AddKey(otherKey)
			for file, content := range test.files {
				writeFile(t, filepath.Join(tf.home, file), tf.fill(content)[0])
			}
			if test.prepare != nil {
				test.prepare(tf)
			}
			said, log, err := tf.run(t, "plan", "-no-color")
			if (err != nil) != test.fails {
				t.Fatalf("got %v, want it to fail: %t\n%s", err, test.fails, said)
			}
			if said := unwrapped(said); !strings.Contains(said, test.says) {
				t.Errorf("got no %q, want it said:\n%s", test.says, said)
			}
			for _, call := range tf.cas.Calls() {
				if want := tf.fill(test.signer)[0]; want != "" && call.AccessKeyID != want {
					t.Errorf("got a call signed with %s, want %s", call.AccessKeyID, want)
				}
				if call.Code != "" {
					t.Errorf("got a call refused with %s, want an answer", call.Code)
				}
			}
			var asked []castest.Issue
			for _, call := range tf.issuer.Calls() {
				if call.Service == "sts" {
					asked = append(asked, call)
				}
			}
			if wanted := test.sts != nil || test.host != ""; wanted != (len(asked) > 0) {
				t.Fatalf("got %d calls of STS, want some: %t", len(asked), wanted)
			}
			if test.host != "" && asked[0].Host != test.host {
				t.Errorf("got %s asked, want %s", asked[0].Host, test.host)
			}
			for parameter, want := range test.sts {
				if got := asked[0].Parameters[parameter]; got != tf.fill(want)[0] {
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

// TestCredentialFailures shows what a user sees, and that nothing secret is in it or in the log.
func TestCredentialFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block string
		env   []string
		want  []string
	}{
		"nothing": {
			env:  []string{"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true"},
			want: []string{"No Alibaba Cloud credentials", "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		},
		"half a pair": {
			block: "access_key = \"id\"",
			env:   []string{"ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + hush},
			want:  []string{"Missing Alibaba Cloud secret key"},
		},
		"conflict": {
			block: "access_key = \"id\"\nsecret_key = \"" + hush + "\"\nprofile = \"p\"",
			want:  []string{"Conflicting sources of credentials", "access_key and profile"},
		},
		"role denied": {
			block: "access_key = \"$KEY\"\nsecret_key = \"$SECRET\"\nassume_role {\n role_arn = \"acs:ram::1:role/denied\"\n}\nendpoints {\n " +
				"sts = \"$STS\"\n}",
			want: []string{"Alibaba Cloud credentials refused", "NoPermission", "Request ID"},
		},
		"STS doesn't know the key": {
			block: "access_key = \"unknown-key-id\"\nsecret_key = \"" + hush +
				"\"\nassume_role {\n role_arn = \"$ROLE\"\n}\nendpoints {\n sts = \"$STS\"\n}",
			want: []string{"InvalidAccessKeyId.NotFound"},
		},
		"wrong secret": {
			block: "access_key = \"$KEY\"\nsecret_key = \"" + hush + "\"\nassume_role {\n role_arn = \"$ROLE\"\n}\nendpoints {\n sts = \"$STS\"\n}",
			want:  []string{"SignatureDoesNotMatch"},
		},
		"STS out of reach": {
			block: "access_key = \"$KEY\"\nsecret_key = \"$SECRET\"\nassume_role {\n role_arn = \"$ROLE\"\n}\nendpoints {\n sts = " +
				"\"127.0.0.1:1\"\n}",
			want: []string{"Error: Connection refused"},
		},
		"malformed file": {
			block: "profile = \"p\"\nshared_credentials_file = \"$DIR/config.json\"",
			want:  []string{"not the CLI's configuration"},
		},
		"sign-in needed": {env: []string{"ALIBABA_CLOUD_PROFILE=p", "ALICLOUD_SHARED_CREDENTIALS_FILE=$DIR/sso.json"},
			want: []string{"Sign-in to Alibaba Cloud needed", "aliyun configure --mode CloudSSO --profile p"}},
		"unknown": {
			block: "access_key = terraform_data.key.output\nsecret_key = \"" + hush +
				"\"\n}\nresource \"terraform_data\" \"key\" {\n  input = \"id\"",
			want: []string{"Unknown provider argument", "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tf := newTerraform(t, "provider \"cas\" {\n"+test.block+"\n}\n"+twentyReads, test.env...)
			if strings.Contains(test.block, "terraform_data") {
				tf.needs(t, 4, 6)
			}
			tf.write(t, "config.json", `{"profiles": [{"name": "p", "mode": "AK", "access_key_secret": "`+hush)
			tf.write(
				t,
				"sso.json",
				`{"profiles": [{"name": "p", "mode": "CloudSSO", "access_token": "`+hush+`", "cloud_sso_access_token_expire": 1}]}`,
			)
			said, log, err := tf.run(t, "plan", "-no-color")
			if err == nil {
				t.Fatalf("got no error, want one:\n%s", said)
			}
			said = unwrapped(said)
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("got no %q, want it said:\n%s", want, said)
				}
			}
			// Terraform itself shows the line of the configuration that is wrong.
			tf.checkSecrets(t, said+log)
			if n := len(tf.cas.Calls()); n != 0 {
				t.Errorf("got %d calls without credentials, want none", n)
			}
		})
	}
}

// TestUnknownUntilApply checks that a read that waits for apply works although the provider block isn't known before.
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

// TestCredentialsExpireDuringAPlan checks that credentials that expire while a plan runs are replaced.
func TestCredentialsExpireDuringAPlan(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, "provider \"cas\" {\n  credentials_uri = \"$URI\"\n}\n"+twentyReads)
	tf.issuer.ExpireAfter(time.Minute)
	if said, _, err := tf.run(t, "plan", "-no-color"); err != nil {
		t.Fatalf("got %v, want no error\n%s", err, said)
	}
	if refused := tf.cas.Refused(); refused != 0 {
		t.Errorf("got %d calls refused, want none", refused)
	}
}

// TestThrottledSTSIsAskedAgain checks that a throttled STS doesn't fail a plan, and isn't counted by max_retries.
func TestThrottledSTSIsAskedAgain(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t, "provider \"cas\" {\n access_key = \"$KEY\"\n secret_key = \"$SECRET\"\n max_retries = 0\n assume_role {\n  "+
		"role_arn = \"$ROLE\"\n }\n endpoints {\n  sts = \"$STS\"\n }\n}\n"+twentyReads)
	tf.issuer.Script("sts", castest.Fault(400, "Throttling.User", "Request was denied due to user flow control."))
	said, _, err := tf.run(t, "plan", "-no-color")
	if err != nil {
		t.Errorf("got %v, want no error\n%s", err, said)
	}
	if calls := len(tf.issuer.Calls()); calls != 2 {
		t.Errorf("got %d calls of STS, want 2", calls)
	}
}
