package provider

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aliyun/credentials-go/credentials/providers"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

const libraryMode = "vendor-library"

// serveLibrary is a process in which the vendor's library sends by itself. For each environment
// that it reads, it writes the ID of the access key that the library's default chain gets, or
// nothing.
func serveLibrary() {
	environments, ids := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr // the library may print
	for {
		var variables []string
		if environments.Decode(&variables) != nil {
			return
		}
		os.Clearenv()
		for _, variable := range variables {
			name, value, _ := strings.Cut(variable, "=")
			_ = os.Setenv(name, value)
		}
		id := ""
		if c, err := providers.NewDefaultCredentialsProvider().GetCredentials(); err == nil {
			id = c.AccessKeyId
		}
		_ = ids.Encode(id)
	}
}

// startLibrary starts such a process, and returns a function that requests an ID from it in this
// process's environment.
func startLibrary(t *testing.T) (keyID func(*testing.T) string) {
	t.Helper()
	library := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], libraryMode) // it ends with its input
	library.Env = append(os.Environ(), shared.ChildEnvironment()...)
	library.Stderr = os.Stderr
	in, err := library.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := library.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := library.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := library.Wait(); err != nil {
			t.Error(err)
		}
	})
	environments, ids := json.NewEncoder(in), json.NewDecoder(out)
	return func(t *testing.T) (id string) {
		t.Helper()
		if err := environments.Encode(os.Environ()); err != nil {
			t.Fatal(err)
		}
		if err := ids.Decode(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
}

// TestSecondOpinion gives one home directory and one environment to the vendor's library and to the
// provider, and compares which key signs. Each difference is wanted, and has its reason.
func TestSecondOpinion(t *testing.T) {
	const (
		secret  = "s3cr3t"
		cli     = ".aliyun/config.json"
		ini     = ".alibabacloud/credentials"
		role    = "AssumeRole " + testRole
		byOIDC  = "AssumeRoleWithOIDC " + testRole
		token   = "sts-token"
		goesOn  = "the library goes on with another identity if a source that was set up is broken"
		theCLIs = "the CLI reads it like this"
	)
	type files = map[string]string
	profile := func(name, mode, inside string) string {
		return `{"name": "` + name + `", "mode": "` + mode + `"` + inside + `}`
	}
	keys := func(id string) string {
		return `, "access_key_id": "` + id + `", "access_key_secret": "` + secret + `"`
	}
	config := func(current string, profiles ...string) string {
		return `{"current": "` + current + `", "profiles": [` + strings.Join(profiles, ", ") + `]}`
	}
	only := func(mode, inside string) string { return config("p", profile("p", mode, inside)) }
	ak := only("AK", keys("cli"))
	section := func(name, kind, id, more string) string {
		return "[" + name + "]\ntype = " + kind + "\naccess_key_id = " + id + "\naccess_key_secret = " + secret + "\n" + more
	}
	external := only("External", `, "process_command": "$PRINT $HOME/out"`)
	iniFile := section("default", "access_key", "ini", "")
	both := files{cli: ak, ini: iniFile}
	inRole := `, "ram_role_arn": "` + testRole + `", "ram_session_name": "session"`
	envKeys := environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "env", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}
	oidc := environment{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": testProvider, "ALIBABA_CLOUD_ROLE_ARN": testRole,
		"ALIBABA_CLOUD_OIDC_TOKEN_FILE": "$HOME/token"}
	ofLibrary := startLibrary(t)
	for name, test := range map[string]struct {
		env     environment
		files   files
		signer  string // of the library; empty for an error
		ours    string // where it differs
		refused bool   // by the provider, where the library has a signer
		because string
	}{
		"nothing":          {},
		"keys":             {env: envKeys, signer: "env"},
		"temporary keys":   {env: envKeys.with(environment{"ALIBABA_CLOUD_SECURITY_TOKEN": token}), signer: "env"},
		"keys before OIDC": {env: envKeys.with(oidc), signer: "env"},
		"keys before a profile": {env: envKeys.with(environment{"ALIBABA_CLOUD_PROFILE": "p"}), files: files{cli: ak},
			signer: "env"},
		"keys before files":     {env: envKeys, files: both, signer: "env"},
		"keys before a URI":     {env: envKeys.with(environment{"ALIBABA_CLOUD_CREDENTIALS_URI": "$URI"}), signer: "env"},
		"keys and a role's ARN": {env: envKeys.with(environment{"ALIBABA_CLOUD_ROLE_ARN": testRole}), signer: "env"},
		"an ID alone": {env: environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": "env"}, files: files{cli: ak}, signer: "cli",
			refused: true, because: goesOn},
		"a secret alone": {env: environment{"ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}, files: files{cli: ak},
			signer: "cli", refused: true, because: goesOn},
		"a security token alone": {env: environment{"ALIBABA_CLOUD_SECURITY_TOKEN": token}, files: files{cli: ak},
			signer: "cli", refused: true, because: goesOn},
		"keys by alicloud's names": {env: environment{"ALICLOUD_ACCESS_KEY": "old", "ALICLOUD_SECRET_KEY": secret},
			files: files{cli: ak}, signer: "cli", ours: "old", because: "alicloud reads them"},
		"keys by the CLI's names": {
			env:   environment{"ALIBABACLOUD_ACCESS_KEY_ID": "old", "ALIBABACLOUD_ACCESS_KEY_SECRET": secret},
			files: files{cli: ak}, signer: "cli", ours: "old", because: theCLIs},
		"OIDC": {env: oidc, signer: byOIDC},
		"OIDC before a profile": {env: oidc.with(environment{"ALIBABA_CLOUD_PROFILE": "p"}), files: files{cli: ak},
			signer: byOIDC},
		"OIDC, token": {
			env:    oidc.with(environment{"ALIBABA_CLOUD_OIDC_TOKEN_FILE": "", "ALIBABA_CLOUD_OIDC_TOKEN": castest.OIDCToken}),
			signer: byOIDC},
		"OIDC without a token": {env: oidc.with(environment{"ALIBABA_CLOUD_OIDC_TOKEN_FILE": ""}), files: files{cli: ak},
			signer: "cli", refused: true, because: goesOn},
		"OIDC without a role": {env: oidc.with(environment{"ALIBABA_CLOUD_ROLE_ARN": ""}), files: files{cli: ak},
			signer: "cli", refused: true, because: goesOn},
		"a token file, no provider": {env: oidc.with(environment{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": ""}),
			files: files{cli: ak}, signer: "cli"},
		"a token, no provider": {
			env:   environment{"ALIBABA_CLOUD_OIDC_TOKEN": castest.OIDCToken, "ALIBABA_CLOUD_PROFILE": "p"},
			files: files{cli: ak}, signer: "cli"},
		"a role's ARN alone": {env: environment{"ALIBABA_CLOUD_ROLE_ARN": testRole}, files: files{cli: ak}, signer: "cli"},
		"current profile": {
			files:  files{cli: config("q", profile("p", "AK", keys("wrong")), profile("q", "AK", keys("cli"))), ini: iniFile},
			signer: "cli"},
		"named profile": {env: environment{"ALIBABA_CLOUD_PROFILE": "q"},
			files:  files{cli: config("p", profile("p", "AK", keys("wrong")), profile("q", "AK", keys("cli")))},
			signer: "cli"},
		"profile by the CLI's name": {env: environment{"ALIBABACLOUD_PROFILE": "q"},
			files:  files{cli: config("p", profile("p", "AK", keys("cli")), profile("q", "AK", keys("named")))},
			signer: "cli", ours: "named", because: theCLIs},
		"the CLI's file elsewhere": {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": "$HOME/mine"},
			files: files{"mine": ak, cli: only("AK", keys("wrong"))}, signer: "cli"},
		"elsewhere, named": {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": "$HOME/mine", "ALIBABA_CLOUD_PROFILE": "p"},
			files: files{"mine": ak}, signer: "cli"},
		"elsewhere, nothing": {env: environment{"ALIBABA_CLOUD_CONFIG_FILE": "$HOME/mine"}, files: both, signer: "ini"},
		"switched off": {env: environment{"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"}, files: both,
			signer: "ini"},
		"switched off, named": {
			env:   environment{"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true", "ALIBABA_CLOUD_PROFILE": "p"},
			files: files{cli: ak, ini: iniFile + section("p", "access_key", "section", "")}, signer: "section"},
		"ignored": {env: environment{"ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE"}, files: both,
			signer: "cli", ours: "ini", because: theCLIs},
		"no current": {files: files{cli: `{"profiles": [` + profile("default", "AK", keys("cli")) + `]}`, ini: iniFile},
			signer: "ini", ours: "cli", because: theCLIs},
		"byte order mark": {files: files{cli: "\xef\xbb\xbf" + ak, ini: iniFile}, signer: "ini", ours: "cli",
			because: goesOn},
		"mode in lower case": {files: files{cli: only("ak", keys("cli")), ini: iniFile},
			signer: "ini", ours: "cli", because: goesOn},
		"no mode": {files: files{cli: only("", keys("cli")), ini: iniFile}, signer: "ini", ours: "cli",
			because: theCLIs},
		"no keys": {files: files{cli: only("AK", ""), ini: iniFile}, signer: "ini"},
		"no keys and no mode": {files: files{cli: config("default", profile("default", "", "")), ini: iniFile},
			signer: "ini"},
		"current names none": {files: files{cli: config("q", profile("p", "AK", keys("wrong"))), ini: iniFile},
			signer: "ini"},
		"half a pair": {files: files{cli: only("AK", `, "access_key_id": "a"`), ini: iniFile},
			signer: "ini", refused: true, because: goesOn},
		"malformed": {files: files{cli: "{", ini: iniFile}, signer: "ini", refused: true, because: goesOn},
		"unknown mode": {files: files{cli: only("BearerToken", ""), ini: iniFile}, signer: "ini",
			refused: true, because: goesOn},
		"StsToken": {files: files{cli: only("StsToken", keys("cli")+`, "sts_token": "t"`)}, signer: "cli"},
		"StsToken without a token": {files: files{cli: only("StsToken", keys("cli")), ini: iniFile},
			signer: "ini", refused: true, because: goesOn},
		"RamRoleArn": {files: files{cli: only("RamRoleArn", keys("caller")+inRole)}, signer: role + " by caller"},
		"RamRoleArn, temporary keys": {
			files:  files{cli: only("RamRoleArn", keys("temporary")+`, "sts_token": "`+token+`"`+inRole), ini: iniFile},
			signer: "ini", ours: role + " by temporary", because: theCLIs},
		"RamRoleArn, completed by a variable": {env: environment{"ALIBABA_CLOUD_ROLE_ARN": testRole},
			files: files{cli: only("RamRoleArn", keys("caller"))}, signer: role + " by caller"},
		"ChainableRamRoleArn": {
			files: files{cli: config("p", profile("p", "ChainableRamRoleArn", `, "source_profile": "q"`+inRole),
				profile("q", "AK", keys("caller")))},
			signer: role + " by caller",
		},
		"source that isn't there": {
			files:  files{cli: only("ChainableRamRoleArn", `, "source_profile": "q"`+inRole), ini: iniFile},
			signer: "ini", refused: true, because: goesOn},
		"OIDC profile": {
			files: files{cli: only("OIDC", `, "oidc_provider_arn": "`+testProvider+`", "oidc_token_file": "$HOME/token"`+
				inRole)},
			signer: byOIDC,
		},
		"CloudSSO, expired": {
			files:  files{cli: only("CloudSSO", `, "access_token": "t", "cloud_sso_access_token_expire": 1`), ini: iniFile},
			signer: "ini", refused: true, because: goesOn},
		"External": {files: files{cli: external, "out": `{"mode": "AK"` + keys("external") + `}`}, signer: "external"},
		"External, another mode": {
			files:  files{cli: external, "out": `{"mode": "RamRoleArn"` + keys("external") + inRole + `}`},
			signer: "external", refused: true, because: "the CLI would assume the role"},
		"External, switched off": {env: environment{"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": "1"},
			files: files{cli: external, "out": `{"mode": "AK"` + keys("external") + `}`}, signer: "external", refused: true,
			because: "the CLI refuses"},
		"INI": {files: files{ini: iniFile}, signer: "ini"},
		"INI, named section": {env: environment{"ALIBABA_CLOUD_PROFILE": "p"},
			files: files{ini: iniFile + section("p", "access_key", "section", "")}, signer: "section"},
		"INI after the CLI's file": {env: environment{"ALIBABA_CLOUD_PROFILE": "p"},
			files:  files{cli: config("q", profile("q", "AK", keys("wrong"))), ini: section("p", "access_key", "section", "")},
			signer: "section"},
		"named nowhere": {env: environment{"ALIBABA_CLOUD_PROFILE": "p"},
			files: files{cli: config("q", profile("q", "AK", keys("wrong"))), ini: iniFile}},
		"INI elsewhere": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": "$HOME/mine"},
			files: files{"mine": iniFile, ini: section("default", "access_key", "wrong", "")}, signer: "ini"},
		"INI elsewhere, after": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": "$HOME/mine"},
			files: files{"mine": iniFile, cli: ak}, signer: "cli"},
		"INI without [default]": {files: files{ini: section("other", "access_key", "wrong", "")}},
		"INI with empty keys":   {files: files{ini: "[default]\ntype = access_key\naccess_key_id =\naccess_key_secret =\n"}},
		"INI, role": {
			files: files{ini: section("default", "ram_role_arn", "caller",
				"role_arn = "+testRole+"\nrole_session_name = session\n")},
			signer: role + " by caller",
		},
		"INI, role, no session name": {
			files: files{ini: section("default", "ram_role_arn", "caller", "role_arn = "+testRole+"\n")},
			ours:  role + " by caller", because: "a session has a default name"},
		"INI, temporary keys": {files: files{ini: section("default", "sts", "ini", "security_token = t\n")}, ours: "ini",
			because: "older libraries read it so"},
		"the CLI's file as INI": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": "$HOME/mine"},
			files: files{"mine": ak}, ours: "cli", because: "alicloud reads it so"},
		"the CLI's file as INI, named": {
			env:   environment{"ALIBABA_CLOUD_CREDENTIALS_FILE": "$HOME/mine", "ALIBABA_CLOUD_PROFILE": "p"},
			files: files{"mine": ak, cli: only("AK", keys("home"))}, signer: "home", ours: "cli",
			because: "alicloud reads it so"},
		"URI": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_URI": "$URI"}, signer: "/credentials"},
		"URI beside a profile": {env: environment{"ALIBABA_CLOUD_CREDENTIALS_URI": "$URI"}, files: files{cli: ak},
			signer: "cli", ours: "/credentials",
			because: "what the environment names comes before what lies in the home directory"},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := castest.StartIssuer()
			t.Cleanup(issuer.Close)
			for _, i := range []*castest.Issuer{issuer, shared} { // shared is the proxy on the way to sts.aliyuncs.com
				i.AddKey(castest.Key{AccessKeyID: "caller", AccessKeySecret: secret})
				i.AddKey(castest.Key{AccessKeyID: "temporary", AccessKeySecret: secret, SecurityToken: token})
			}
			home := t.TempDir()
			fill := strings.NewReplacer("$HOME", filepath.ToSlash(home), "$PRINT", printing(), "$URI", issuer.CredentialsURI())
			for file, content := range test.files {
				writeFile(t, filepath.Join(home, file), fill.Replace(content))
			}
			writeFile(t, filepath.Join(home, "token"), castest.OIDCToken)
			env := environment{"HOME": home, "USERPROFILE": home, "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
			for name, value := range env.with(test.env) {
				t.Setenv(name, fill.Replace(value))
			}
			want := test.signer
			if test.ours != "" || test.refused {
				want = test.ours
			}
			if (want != test.signer) != (test.because != "") {
				t.Errorf("got the reason %q, want one where %q isn't %q, and none else", test.because, want, test.signer)
			}

			mine := func() string {
				r := environment{}.resolver(t, nil)
				r.getenv = os.Getenv
				config := r.credentials()
				if r.diags.HasError() || r.invalid.HasError() {
					return ""
				}
				config.Transport = isolated
				source := credential.New(config)
				c, err := source.Get(t.Context())
				if err != nil {
					return ""
				}
				return signer(c.AccessKeyID, issuer, shared)
			}
			if got := mine(); got != want {
				t.Errorf("the provider: got %q, want %q", got, want)
			}
			if got := signer(ofLibrary(t), issuer, shared); got != test.signer {
				t.Errorf("the library: got %q, want %q", got, test.signer)
			}
		})
	}
}

// signer names a key, or the call that issued it.
func signer(id string, issuers ...*castest.Issuer) string {
	for _, i := range issuers {
		if id == "" {
			break
		}
		for _, call := range i.Calls() {
			if call.Issued != id {
				continue
			}
			name := strings.TrimSpace(call.Action + " " + call.Parameters["RoleArn"])
			if call.AccessKeyID != "" {
				name += " by " + call.AccessKeyID
			}
			return name
		}
	}
	return id
}
