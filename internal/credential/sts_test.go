package credential

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

func TestSTSHost(t *testing.T) {
	t.Parallel()
	const named, unused = "sts-vpc.cn-shanghai.aliyuncs.com", "sts.invalid"
	for name, test := range map[string]struct {
		sts     STS
		profile STS
		want    string
	}{
		"nothing": {want: "sts.aliyuncs.com"},
		"endpoint before all": {
			sts:     STS{Endpoint: "sts.example:8443", Fallback: unused, Region: "r", VPC: true},
			profile: STS{Endpoint: unused, Region: "r"}, want: "sts.example:8443",
		},
		"profile's endpoint before the variable and regions": {
			sts:     STS{Fallback: unused, Region: "r"},
			profile: STS{Endpoint: named, Region: "r"}, want: named,
		},
		"variable's endpoint before the profile's region": {
			sts:     STS{Fallback: "sts.example", Region: "r"},
			profile: STS{Region: "r", VPC: true}, want: "sts.example",
		},
		"profile's endpoint as a URL":       {profile: STS{Endpoint: " https://" + named + "/ "}, want: named},
		"profile's endpoint as a plain URL": {profile: STS{Endpoint: "http://" + named}, want: named},
		"profile's region before the variable": {
			sts: STS{Region: "other"}, profile: STS{Region: "r"}, want: "sts.r.aliyuncs.com",
		},
		"variable's region":    {sts: STS{Region: "r"}, want: "sts.r.aliyuncs.com"},
		"VPC of the profile":   {sts: STS{Region: "r"}, profile: STS{VPC: true}, want: "sts-vpc.r.aliyuncs.com"},
		"VPC of the variable":  {sts: STS{VPC: true}, profile: STS{Region: "r"}, want: "sts-vpc.r.aliyuncs.com"},
		"VPC without a region": {sts: STS{VPC: true}, want: "sts.aliyuncs.com"},
	} {
		if got, err := test.sts.host(test.profile); got != test.want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, test.want)
		}
	}
}

// Whatever it is given is the beginning of a URL.
func TestSTSHostIsNothingElse(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"sts.aliyuncs.com": true, "127.0.0.1:8443": true, "[::1]:8443": true,
		"evil.example/sts": false, "evil.example?": false, "user@evil.example": false, "sts.a b.aliyuncs.com": false,
		"sts.evil.example#.aliyuncs.com": false, ":443": false, "ftp://x": false,
	} {
		if _, err := (STS{}).host(STS{Endpoint: host}); (err == nil) != want {
			t.Errorf("%q: got %v, want it taken: %t", host, err, want)
		}
	}
	if _, err := (STS{Region: "evil.example/"}).host(STS{}); err == nil {
		t.Error("got a region taken that leads elsewhere, want an error")
	}
}

// A role on top of a profile is assumed where the profile's own would be: the network may have no
// other way.
func TestRoleOnAProfileUsesItsEndpoint(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	path := config(t, `"mode": "AK", "sts_endpoint": "`+i.STSEndpoint()+`", `+ak)
	cfg := assuming(i, Profile{File: path})
	cfg.STS = STS{Fallback: "sts.invalid"}
	_, c := fetched(t, cfg)
	isIssued(t, i, c)
}

// The environment is for the maker of a Config to read: otherwise it would bring another identity,
// or another endpoint.
//
//nolint:paralleltest // it sets the environment
func TestVariablesAreNotRead(t *testing.T) {
	for name, value := range map[string]string{
		"ROLE_ARN": "acs:ram::1:role/other", "ROLE_SESSION_NAME": "other", "STS_REGION": "cn-other",
		"VPC_ENDPOINT_ENABLED": "true", "OIDC_TOKEN": "other", "OIDC_TOKEN_FILE": "/other",
		"OIDC_PROVIDER_ARN": "other", "SECURITY_TOKEN": "other", "PROFILE": "other",
		"CONFIG_FILE": "/other", "CREDENTIALS_FILE": "/other", "CLI_PROFILE_DISABLED": "true",
	} {
		t.Setenv("ALIBABA_CLOUD_"+name, value)
	}
	role := `"ram_role_arn": "` + testRole + `"`
	for name, profile := range map[string]string{
		"role": `"mode": "RamRoleArn", ` + ak + `, ` + role,
		"OIDC": `"mode": "OIDC", "oidc_provider_arn": "` + testProvider + `", ` + role + `, "oidc_token_file": ` +
			strconv.Quote(file(t, "token", castest.OIDCToken)),
	} {
		t.Run(name, func(t *testing.T) {
			fetched(t, Config{Source: inFile(t, profile)})
			calls := shared.Calls()
			last := calls[len(calls)-1]
			if want := "sts.aliyuncs.com"; last.Host != want {
				t.Errorf("got a request to %s, want %s", last.Host, want)
			}
			checkRole(t, last, AssumeRole{RoleARN: testRole, SessionName: DefaultSessionName})
		})
	}
}

// checkRole checks the role in a request for STS, whose signature the issuer has checked.
func checkRole(t *testing.T, call castest.Issue, want AssumeRole) {
	t.Helper()
	p := call.Parameters
	got := AssumeRole{RoleARN: p["RoleArn"], SessionName: p["RoleSessionName"], ExternalID: p["ExternalId"]}
	got.Policy, got.Expiration = p["Policy"], want.Expiration
	if got != want {
		t.Errorf("got the role %v, want %v", got, want)
	}
	if got, want := p["DurationSeconds"], strconv.Itoa(cmp.Or(want.Expiration, 3600)); got != want {
		t.Errorf("got %s seconds, want %s", got, want)
	}
	if got := call.Header.Get("User-Agent"); got != userAgent {
		t.Errorf("got the user agent %q, want %q", got, userAgent)
	}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	cfg := viaSTS(i)
	cfg.AssumeRole = &AssumeRole{RoleARN: testRole, SessionName: "ci@1", ExternalID: "a/b + c*~", Expiration: 900}
	cfg.AssumeRole.Policy = `{"Version": "1"}`
	s, c := fetched(t, cfg)
	isIssued(t, i, c)
	checkRole(t, i.Calls()[0], *cfg.AssumeRole)
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

//nolint:paralleltest // it listens to what shared issues
func TestAssumeRoleOnEverySource(t *testing.T) {
	i := issuer(t)
	i.AddKey(temporary)
	shared.OnIssue(func(key *castest.Key) { i.AddKey(*key) })
	defer shared.OnIssue(nil)
	const onECS = `"mode": "RamRoleArnWithRoleName", "ram_role_arn": "` + testRole + `"`
	for name, source := range map[string]Source{
		"keys":           keys(),
		"temporary keys": AccessKey{temporary.AccessKeyID, temporary.AccessKeySecret, temporary.SecurityToken},
		"URI":            URI{i.CredentialsURI() + "?token=hush-hush-hush"},
		"OIDC":           testOIDC(),
		"profile":        Profile{Name: "p", File: config(t, `"mode": "AK", `+ak)},
		"ECS":            ECSRole{castest.MetadataRole},
		"ECS, profile":   Profile{Name: "p", File: config(t, onECS)},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := fetched(t, assuming(i, source), "hush-hush-hush")
			isIssued(t, i, c)
			if got, want := s.String(), testRole+", assumed with "+source.String(); got != want {
				t.Errorf("got source %q, want %q", got, want)
			}
		})
	}
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	path := file(t, "token", castest.OIDCToken+"\n")
	role := testOIDC()
	role.Token, role.TokenFile, role.Policy, role.Expiration = "", path, `{"Version": "1"}`, 1800
	s, c := fetched(t, Config{STS: STS{Endpoint: i.STSEndpoint()}, Source: role})
	isIssued(t, i, c)
	role.SessionName = DefaultSessionName
	checkRole(t, i.Calls()[0], role.AssumeRole)
	must(t, os.WriteFile(path, []byte("another-token-altogether"), 0o600))
	s.Discard(c)
	_, err := s.Get(t.Context())
	e := failed(t, err, openapi.Rejected, "AuthenticationFail.OIDCToken.Invalid")
	if e.Code != "AuthenticationFail.OIDCToken.Invalid" || e.RequestID == "" {
		t.Errorf("got code %q and request ID %q, want both", e.Code, e.RequestID)
	}
	noSecrets(t, err.Error(), "another-token-altogether")
}

// What is no token isn't sent, and neither is it shown.
func TestOIDCTokenFileWithSomethingElse(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{"value":"hush-hush-hush"}`: "has quotes in or around it",
		`"hush-hush-hush"`:           "has quotes in or around it",
		`{value:hush-hush-hush}`:     "has brackets in it",
		"hush hush-hush-hush":        "has white space in it",
		"null\n":                     `is the word "null"`,
	} {
		role := testOIDC()
		role.Token, role.TokenFile = "", file(t, "token", content)
		fails(t, Config{Source: role}, NotAKey, "the OIDC token file "+role.TokenFile+" "+want, "hush-hush-hush")
	}
}

// An update of the vendor's library that makes its transport in another way, or that quotes what it
// composes, turns this red.
//
//nolint:paralleltest // it sets the default transport
func TestLibrarySendsNothing(t *testing.T) {
	const secret = "hush-hush-hush"
	for name, test := range map[string]struct {
		transport func(intercepted *int) http.RoundTripper
		want      string // in the error
	}{
		"intercepted": {transport: func(intercepted *int) http.RoundTripper {
			return &http.Transport{Proxy: func(req *http.Request) (*url.URL, error) {
				*intercepted++
				return nil, egress.Unsent{Request: req}
			}}
		}},
		"sent by itself": {
			transport: func(*int) http.RoundTripper { return sendingTransport },
			want:      "credentials-go sent a request by itself",
		},
		"another failure": {
			transport: func(*int) http.RoundTripper {
				return &http.Transport{Proxy: func(req *http.Request) (*url.URL, error) {
					return nil, errors.New(secret + req.URL.String())
				}}
			},
			want: "credentials-go composed no request",
		},
	} {
		for action, via := range map[string]func(*castest.Issuer) Config{"AssumeRole": viaSTS, "WithOIDC": viaOIDC} {
			t.Run(name+", "+action, func(t *testing.T) {
				i, intercepted := issuer(t), 0
				setTransport(t, test.transport(&intercepted))
				_, c, err := fetch(t, via(i), secret, "Signature", "AccessKeyId")
				if test.want != "" {
					failed(t, err, Invalid, test.want)
					return
				}
				must(t, err)
				isIssued(t, i, c)
				if n := len(i.Calls()); n != 1 || intercepted != 1 {
					t.Errorf("got %d requests composed and %d sent, want 1 of each", intercepted, n)
				}
			})
		}
	}
}
