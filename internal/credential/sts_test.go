package credential

import (
	"errors"
	"os"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

func TestSTSHost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg     Config
		profile profile
		want    string
	}{
		"nothing": {want: "sts.aliyuncs.com"},
		"endpoint before all": {
			cfg:     Config{STSEndpoint: "sts.example:8443", STSRegion: "cn-beijing", STSVPC: true},
			profile: profile{STSEndpoint: "sts-vpc.cn-shanghai.aliyuncs.com", STSRegion: "cn-shanghai"},
			want:    "sts.example:8443",
		},
		"profile's endpoint before regions": {
			cfg:     Config{STSRegion: "cn-beijing"},
			profile: profile{STSEndpoint: "sts-vpc.cn-shanghai.aliyuncs.com", STSRegion: "cn-hangzhou"},
			want:    "sts-vpc.cn-shanghai.aliyuncs.com",
		},
		"profile's endpoint as a URL": {
			profile: profile{STSEndpoint: "https://sts-vpc.cn-shanghai.aliyuncs.com/"},
			want:    "sts-vpc.cn-shanghai.aliyuncs.com",
		},
		"profile's endpoint as a plain URL": {profile: profile{STSEndpoint: "http://sts.aliyuncs.com"}, want: "sts.aliyuncs.com"},
		"profile's region before the variable": {
			cfg:     Config{STSRegion: "cn-beijing"},
			profile: profile{STSRegion: "cn-hangzhou"},
			want:    "sts.cn-hangzhou.aliyuncs.com",
		},
		"variable's region": {cfg: Config{STSRegion: "cn-beijing"}, want: "sts.cn-beijing.aliyuncs.com"},
		"VPC of the profile": {
			cfg:     Config{STSRegion: "cn-beijing"},
			profile: profile{EnableVPC: true},
			want:    "sts-vpc.cn-beijing.aliyuncs.com",
		},
		"VPC of the variable": {
			cfg:     Config{STSVPC: true},
			profile: profile{STSRegion: "cn-hangzhou"},
			want:    "sts-vpc.cn-hangzhou.aliyuncs.com",
		},
		"VPC without a region": {cfg: Config{STSVPC: true}, want: "sts.aliyuncs.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.cfg.stsHost(test.profile)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Whatever it is given is the beginning of a URL.
func TestSTSHostIsNothingElse(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"sts.aliyuncs.com": true, "127.0.0.1:8443": true, "[::1]:8443": true, "evil.example/sts": false, "evil.example?": false,
		"user@evil.example": false, "sts.a b.aliyuncs.com": false, "sts.evil.example#.aliyuncs.com": false, ":443": false, "ftp://x": false,
	} {
		if _, err := (Config{}).stsHost(profile{STSEndpoint: host}); (err == nil) != want {
			t.Errorf("%q: got %v, want it taken: %t", host, err, want)
		}
	}
	if _, err := (Config{}).stsHost(profile{STSRegion: "evil.example/"}); err == nil {
		t.Error("got a region taken that leads elsewhere, want an error")
	}
}

// A role on top of a profile is assumed where the profile's own would be: the network may have no other way.
func TestRoleOnAProfileUsesItsEndpoint(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	path := config(t, `"name": "p", "mode": "AK", "sts_endpoint": "`+i.STSEndpoint()+`", `+ak)
	_, c, err := fetch(t, Config{SharedCredentialsFile: path, STSRegion: "cn-beijing", AssumeRole: &AssumeRole{RoleARN: testRole}})
	if err != nil {
		t.Fatal(err)
	}
	isIssued(t, i, c)
}

// The environment is for who makes a Config to read: behind its back it would bring another identity, or another place.
//
//nolint:paralleltest // it sets the environment
func TestVariablesAreNotRead(t *testing.T) {
	i := issuer(t)
	for name, value := range map[string]string{
		"ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/other", "ALIBABA_CLOUD_ROLE_SESSION_NAME": "other", "ALIBABA_CLOUD_STS_REGION": "cn-other",
		"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true", "ALIBABA_CLOUD_OIDC_TOKEN": "other", "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/other",
		"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "other", "ALIBABA_CLOUD_SECURITY_TOKEN": "other", "ALIBABA_CLOUD_PROFILE": "other",
		"ALIBABA_CLOUD_CONFIG_FILE": "/other", "ALIBABA_CLOUD_CREDENTIALS_FILE": "/other", "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	role := `"ram_role_arn": "` + testRole + `"`
	for name, test := range map[string]struct {
		profile string
		host    string
	}{
		"role": {profile: `"mode": "RamRoleArn", ` + ak + `, ` + role, host: "sts.aliyuncs.com"},
		"role in a region": {
			profile: `"mode": "RamRoleArn", "sts_region": "cn-shanghai", ` + ak + `, ` + role,
			host:    "sts.cn-shanghai.aliyuncs.com",
		},
		"OIDC": {
			profile: `"mode": "OIDC", "oidc_provider_arn": "` + testProvider + `", "oidc_token_file": ` +
				jsonString(file(t, "token", castest.OIDCToken)) + `, ` + role,
			host: "sts.aliyuncs.com",
		},
		"role at an endpoint": {
			profile: `"mode": "RamRoleArn", "sts_endpoint": "` + i.STSEndpoint() + `", ` + ak + `, ` + role,
			host:    i.STSEndpoint(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, beforeI := len(shared.Calls()), len(i.Calls())
			if _, _, err := fetch(t, Config{SharedCredentialsFile: config(t, `"name": "p", `+test.profile)}); err != nil {
				t.Fatal(err)
			}
			calls := append(shared.Calls()[before:], i.Calls()[beforeI:]...)
			last := calls[len(calls)-1]
			if last.Host != test.host {
				t.Errorf("got %s asked, want %s", last.Host, test.host)
			}
			if got := last.Parameters["RoleArn"]; got != testRole {
				t.Errorf("got role %s, want %s", got, testRole)
			}
			if got := last.Parameters["RoleSessionName"]; got != DefaultSessionName {
				t.Errorf("got session name %s, want %s", got, DefaultSessionName)
			}
		})
	}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	cfg := keys()
	cfg.STSEndpoint = i.STSEndpoint()
	cfg.AssumeRole = &AssumeRole{RoleARN: testRole, Policy: `{"Version": "1"}`, ExternalID: "ext + 1", Expiration: 900}
	s, c, err := fetch(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	isIssued(t, i, c)
	if got := c.Identity(); got != "1234567890123456" {
		t.Errorf("got identity %s, want 1234567890123456", got)
	}
	call := i.Calls()[0]
	for name, want := range map[string]string{
		"RoleArn": testRole, "RoleSessionName": "terraform", "Policy": `{"Version": "1"}`, "ExternalId": "ext + 1", "DurationSeconds": "900",
	} {
		if got := call.Parameters[name]; got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	for range 10 {
		if _, err := s.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(i.Calls()); n != 1 {
		t.Errorf("got %d calls of STS, want 1", n)
	}
	s.Discard(c)
	if again, err := s.Get(t.Context()); err != nil || again.AccessKeyID == c.AccessKeyID {
		t.Errorf("after discard: got %v, %v, want another key", again, err)
	}
}

func TestAssumeRoleOnEveryBase(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	for name, base := range map[string]Config{
		"keys":    keys(),
		"URI":     {CredentialsURI: i.CredentialsURI()},
		"OIDC":    {OIDC: testOIDC()},
		"profile": {Profile: "p", SharedCredentialsFile: config(t, `"name": "p", "mode": "AK", `+ak)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base.STSEndpoint = i.STSEndpoint()
			base.AssumeRole = &AssumeRole{RoleARN: testRole, SessionName: "ci@1"}
			_, c, err := fetch(t, base)
			if err != nil {
				t.Fatal(err)
			}
			isIssued(t, i, c)
		})
	}
}

func TestAssumeRoleOnECS(t *testing.T) { //nolint:paralleltest // it listens to what shared issues
	i := issuer(t)
	shared.OnIssue(i.AddKey)
	defer shared.OnIssue(nil)
	_, c, err := fetch(t, Config{ECSRoleName: castest.MetadataRole, STSEndpoint: i.STSEndpoint(), AssumeRole: &AssumeRole{RoleARN: testRole}})
	if err != nil {
		t.Fatal(err)
	}
	isIssued(t, i, c)
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	path := file(t, "token", castest.OIDCToken+"\n")
	role := testOIDC()
	role.Token, role.TokenFile, role.Expiration = "", path, 1800
	s, c, err := fetch(t, Config{STSEndpoint: i.STSEndpoint(), OIDC: role})
	if err != nil {
		t.Fatal(err)
	}
	isIssued(t, i, c)
	if got := i.Calls()[0].Parameters["RoleSessionName"]; got != "terraform" {
		t.Errorf("got session %q, want terraform", got)
	}
	if err := os.WriteFile(path, []byte("another-token-altogether"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Discard(c)
	_, err = s.Get(t.Context())
	failed(t, err, openapi.Rejected, "AuthenticationFail.OIDCToken.Invalid")
	e, _ := errors.AsType[*Error](err)
	if want := "AuthenticationFail.OIDCToken.Invalid"; e.Code != want {
		t.Errorf("got code %q, want %q", e.Code, want)
	}
	if e.RequestID == "" {
		t.Errorf("got no request ID, want one: %v", err)
	}
	noSecrets(t, err.Error(), "another-token-altogether")
}
