package credential

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// A service that has issued a token has two seconds for the rest. After that, requests have no
// token, like those of tools that don't use one.
func TestMetadataTimeLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := roundTripper(func(req *http.Request) (*http.Response, error) {
			body := issuedBody
			switch {
			case req.Method == http.MethodPut:
				body = "metadata-token"
			case req.Header.Get("X-Aliyun-Ecs-Metadata-Token") != "":
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return respond(req, 200, body)
		})
		started := time.Now()
		_, c, err := fetch(t, Config{Source: ECSRole{castest.MetadataRole}, Transport: transport})
		if took := time.Since(started); err != nil || c.AccessKeyID != "a" || took != 2*time.Second {
			t.Errorf("got %v, %v after %s, want credentials after 2s", c, err, took)
		}
	})
}

// In all of these tests, nothing listens at the address in HTTP_PROXY, because requests to the
// metadata service use no proxy.
func TestMetadata(t *testing.T) {
	const secret = "tOpSeCrEt/+0123456789=="
	status := func(status int) http.HandlerFunc { return castest.Body(status, "text/html", "<html>"+secret) }
	body := func(code string) http.HandlerFunc {
		return castest.Body(200, "", `{"Code": "`+code+`", "AccessKeySecret": "`+secret+`", "SecurityToken": "c"}`)
	}
	token, role := castest.Body(200, "text/plain", "a-token"), castest.Body(200, "text/plain", castest.MetadataRole)
	const onHops = "set HttpPutResponseHopLimit to 2"
	for name, test := range map[string]struct {
		unnamed bool
		only2   bool // ALIBABA_CLOUD_IMDSV1_DISABLED
		steps   script
		kind    egress.Kind // none for success
		want    string
	}{
		"token":              {},
		"token only":         {only2: true},
		"no token":           {steps: script{status(404)}},
		"a token that hangs": {steps: script{castest.Hang()}},

		"hop limit":                   {steps: script{status(403), status(403)}, kind: Invalid, want: onHops},
		"hop limit, v1 off":           {only2: true, steps: script{status(403)}, kind: NotFound, want: onHops},
		"hop limit that hangs":        {steps: script{castest.Hang(), status(403)}, kind: Invalid, want: onHops},
		"hop limit that hangs, no v1": {only2: true, steps: script{castest.Hang()}, kind: NotFound, want: onHops},
		"hop limit, unnamed": {
			unnamed: true, steps: script{status(403), status(403)}, kind: Invalid, want: "it requires IMDSv2",
		},
		"v1 off, no v2": {only2: true, steps: script{status(404)}, kind: NotFound, want: "HTTP 404. Enable IMDSv2"},
		"v1 off, busy":  {only2: true, steps: script{status(503)}, kind: openapi.Temporary, want: "HTTP 503"},
		"v1 off, empty": {only2: true, steps: script{castest.Body(200, "", "\n")}, kind: NotFound, want: "is empty"},

		"token not taken (401)": {steps: script{token, status(401)}},
		"token not taken (403)": {unnamed: true, steps: script{token, status(403)}},
		"token not taken (404)": {steps: script{token, status(404)}},
		"token not taken (500)": {steps: script{token, status(500)}},
		"role not read with it": {unnamed: true, steps: script{token, role, status(500)}},
		"v1 off, 401":           {only2: true, steps: script{token, status(401)}, kind: Invalid, want: "HTTP 401"},
		"v1 off, 403":           {only2: true, steps: script{token, status(403)}, kind: Invalid, want: "HTTP 403"},
		"v1 off, 404":           {only2: true, steps: script{token, status(404)}, kind: NotFound, want: "no RAM role"},
		"v1 off, 503":           {only2: true, steps: script{token, status(503)}, kind: openapi.Temporary, want: "HTTP 503"},
		"no role": {
			steps: script{token, status(404), status(403)}, kind: NotFound, want: "has no RAM role " + castest.MetadataRole,
		},
		"no role, unnamed": {
			unnamed: true, steps: script{token, status(404), status(404)}, kind: NotFound, want: "has no RAM role",
		},
		"busy": {steps: script{token, status(503), status(429)}, kind: openapi.Temporary, want: "HTTP 503"},
		"busy, unnamed": {
			unnamed: true, steps: script{token, status(429), status(503)}, kind: openapi.Throttled, want: "HTTP 429",
		},
		"closes":       {steps: script{raw(""), raw("")}, kind: NotFound, want: "is this an ECS instance?"},
		"not HTTP":     {steps: script{token, raw(secret + "\r\n\r\n")}, kind: egress.Malformed, want: "malformed response"},
		"no key":       {steps: script{token, body("")}, kind: egress.Malformed, want: "no access key ID"},
		"another code": {steps: script{token, body("Failed")}, kind: openapi.Rejected, want: "it returned Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.only2 {
				t.Setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")
			}
			shared.Script("metadata", test.steps...)
			before := len(shared.Calls())
			cfg := Config{Source: ECSRole{castest.MetadataRole}}
			if test.unnamed {
				cfg.Source = inFile(t, `"mode": "EcsRamRole"`)
			}
			_, c, err := fetch(t, cfg, secret)
			if test.kind == "" {
				must(t, err)
				isIssued(t, shared, c)
				return
			}
			e := failed(t, err, test.kind, test.want)
			want := test.kind == openapi.Temporary || test.kind == openapi.Throttled
			if e.Temporary() != want {
				t.Errorf("got %v tried again: %t, want %t", &e, e.Temporary(), want)
			}
			if want := test.only2 && !want; strings.Contains(err.Error(), "ALIBABA_CLOUD_IMDSV1_DISABLED") != want {
				t.Errorf("got %v, want the variable named only if it is the reason", err)
			}
			if n := len(shared.Calls()) - before; n != len(test.steps) {
				t.Errorf("got %d calls, want %d", n, len(test.steps))
			}
		})
	}
}

// The chain goes on if there is no instance, whatever HTTP_PROXY is.
func TestNoMetadataService(t *testing.T) {
	home(t, nil)
	proxy := issuer(t)
	t.Setenv("HTTP_PROXY", proxy.ProxyURL())
	t.Setenv("http_proxy", proxy.ProxyURL())
	shared.Script("metadata", raw(""), raw(""))
	fails(t, Config{}, Nowhere, "is this an ECS instance?")
	if n := len(proxy.Calls()); n > 0 {
		t.Errorf("got %d calls to the proxy, want none", n)
	}
}

// Keys that don't expire, and temporary ones without an expiration.
func TestURIWithoutTokenOrExpiration(t *testing.T) {
	t.Parallel()
	const key = `{"AccessKeyId": "a", "AccessKeySecret": "b"`
	for body, token := range map[string]string{
		key + `, "Code": "Success"}`:                     "",
		key + `, "SecurityToken": "", "Expiration": ""}`: "",
		key + `, "SecurityToken": "t0ken"}`:              "t0ken",
	} {
		i := issuer(t)
		i.Script("uri", castest.Body(200, "application/json", body))
		_, c := fetched(t, viaURI(i))
		want := Credentials{Key: openapi.Key{AccessKeyID: "a", AccessKeySecret: "b", SecurityToken: token}, source: c.source}
		if c != want {
			t.Errorf("%s: got %v with token %q until %s, want %q and no end", body, c, c.SecurityToken, c.Expiration, token)
		}
	}
}
