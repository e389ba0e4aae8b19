package castest_test

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	vendor "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

var (
	temporary = castest.Key{AccessKeyID: "STS.Temporary", AccessKeySecret: "secret-1", SecurityToken: "CAIS/+=="}
	another   = castest.Key{AccessKeyID: "STS.Another", AccessKeySecret: "secret-2", SecurityToken: "CAIS/other"}
	requestID = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)
)

func TestServerAcceptsSignedCalls(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*call){
		"post":              func(*call) {},
		"get":               func(c *call) { c.Method = http.MethodGet },
		"temporary key":     func(c *call) { c.key = temporary },
		"15 minutes behind": func(c *call) { c.at = c.at.Add(-15 * time.Minute) },
		"15 minutes ahead":  func(c *call) { c.at = c.at.Add(15 * time.Minute) },
		"query":             func(c *call) { c.Query = url.Values{"b": {"a b*~+/证书"}, "a": {""}} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := castest.New(castest.Options{Keys: []castest.Key{castest.DefaultKey, temporary}})
				c := newCall()
				change(&c)
				if got := send(t, s, c.to(t)); got.status != http.StatusOK {
					t.Errorf("got status %d, want %d: %s", got.status, http.StatusOK, got.body)
				}
				counted(t, s, 0, 0)
			})
		})
	}
}

func TestServerRefusesOtherCalls(t *testing.T) {
	t.Parallel()
	const mismatch = "InvalidSecurityToken.MismatchWithAccessKey"
	tests := map[string]struct {
		change func(*call)         // before it is signed
		after  func(*http.Request) // after
		status int                 // 400 where it is 0
		code   string
	}{
		"method": {change: func(c *call) { c.Method = http.MethodPut }, status: 403,
			code: "UnsupportedHTTPMethod"},
		"path": {change: func(c *call) { c.path = "/api" }, status: 404, code: "InvalidApi.NotFound"},
		"action": {change: func(c *call) { c.Action = "GetAssetCounts" }, status: 404,
			code: "InvalidApi.NotFound"},
		"action's case": {change: func(c *call) { c.Action = "getassetcount" }, status: 404, code: "InvalidApi.NotFound"},
		"version":       {change: func(c *call) { c.Version = "2018-07-13" }, status: 404, code: "InvalidVersion"},
		"not signed":    {after: without("Authorization"), status: 404, code: "InvalidAccessKeyId.NotFound"},
		"other algorithm": {after: replace("Authorization", "ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"),
			code: "SignatureDoesNotMatch"},
		"no date":          {after: without("X-Acs-Date"), code: "InvalidTimeStamp.Format"},
		"no nonce":         {after: without("X-Acs-Signature-Nonce"), code: "SignatureDoesNotMatch"},
		"no hash":          {after: without("X-Acs-Content-Sha256"), code: "SignatureDoesNotMatch"},
		"host unsigned":    {after: replace("Authorization", "host;", ""), code: "SignatureDoesNotMatch"},
		"action unsigned":  {after: replace("Authorization", "x-acs-action;", ""), code: "SignatureDoesNotMatch"},
		"version unsigned": {after: replace("Authorization", ";x-acs-version", ""), code: "SignatureDoesNotMatch"},
		"type unsigned":    {after: with("Content-Type", "text/plain"), code: "SignatureDoesNotMatch"},
		"unknown unsigned": {after: with("X-Acs-Anything", "x"), code: "SignatureDoesNotMatch"},
		"date's format":    {after: with("X-Acs-Date", "Tue, 06 Jan 2026 06:33:30 GMT"), code: "InvalidTimeStamp.Format"},
		"clock behind": {
			change: func(c *call) { c.at = c.at.Add(-15*time.Minute - time.Second) }, code: "InvalidTimeStamp.Expired",
		},
		"clock ahead": {
			change: func(c *call) { c.at = c.at.Add(15*time.Minute + time.Second) }, code: "InvalidTimeStamp.Expired",
		},
		"key": {
			change: func(c *call) { c.key.AccessKeyID = "LTAI5tNobody" }, status: 404, code: "InvalidAccessKeyId.NotFound",
		},
		"secret":        {change: func(c *call) { c.key.AccessKeySecret += "x" }, code: "SignatureDoesNotMatch"},
		"no token":      {change: func(c *call) { c.key = temporary; c.key.SecurityToken = "" }, code: "MissingSecurityToken"},
		"unknown token": {change: func(c *call) { c.key = temporary; c.key.SecurityToken = "CAIS" }, code: mismatch},
		"another key's token": {
			change: func(c *call) { c.key = temporary; c.key.SecurityToken = another.SecurityToken }, code: mismatch,
		},
		"token it hasn't": {change: func(c *call) { c.key.SecurityToken = temporary.SecurityToken }, code: mismatch},
		"expired token":   {change: func(c *call) { c.key = another }, code: "InvalidSecurityToken.Expired"},
		"other host":      {after: func(r *http.Request) { r.Host = "cas.aliyuncs.com" }, code: "SignatureDoesNotMatch"},
		"other method":    {after: func(r *http.Request) { r.Method = http.MethodGet }, code: "SignatureDoesNotMatch"},
		"other date":      {after: with("X-Acs-Date", "2000-01-01T00:00:01Z"), code: "SignatureDoesNotMatch"},
		"other nonce":     {after: with("X-Acs-Signature-Nonce", "x"), code: "SignatureDoesNotMatch"},
		"query added":     {after: func(r *http.Request) { r.URL.RawQuery = "a=b" }, code: "SignatureDoesNotMatch"},
		"other hash":      {after: with("X-Acs-Content-Sha256", "UNSIGNED-PAYLOAD"), code: "SignatureDoesNotMatch"},
		"body added": {
			after: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) }, code: "SignatureDoesNotMatch",
		},
		"header signed twice": {after: replace("Authorization", "host;", "host;host;"), code: "SignatureDoesNotMatch"},
		"other signature":     {after: replace("Authorization", "Signature=", "Signature=x"), code: "SignatureDoesNotMatch"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				expired := another
				expired.Expires = time.Now()
				s := castest.New(castest.Options{Keys: []castest.Key{castest.DefaultKey, temporary, expired}})
				c := newCall()
				if test.change != nil {
					test.change(&c)
				}
				r := c.to(t)
				if test.after != nil {
					test.after(r)
				}
				status, got := cmp.Or(test.status, http.StatusBadRequest), send(t, s, r)
				fields := got.fields(t)
				if got.status != status || fields["Code"] != test.code {
					t.Errorf("got %d %v, want %d %s", got.status, fields["Code"], status, test.code)
				}
				id, _ := fields["RequestId"].(string)
				if header := got.header.Get("X-Acs-Request-Id"); !requestID.MatchString(id) || header != id {
					t.Errorf("got request ID %q, and %q in the header, want a match of %s in both", id, header, requestID)
				}
				if date, want := got.header.Get("Date"), "Sat, 01 Jan 2000 00:00:00 GMT"; date != want {
					t.Errorf("got Date %q, want %q", date, want)
				}
				if strings.Contains(got.body, c.key.AccessKeySecret) {
					t.Errorf("got a response with the secret, want it left out: %s", got.body)
				}
				counted(t, s, 1, 0)
				if call := s.Calls()[0]; call.Status != status || call.Code != test.code {
					t.Errorf("got %d %s recorded, want %d %s", call.Status, call.Code, status, test.code)
				}
			})
		})
	}
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func without(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Del(name) }
}

func replace(name, before, after string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, strings.Replace(r.Header.Get(name), before, after, 1)) }
}

// The header lies, and is signed as it is, while the canonical request ends with the right hash.
func TestRefusesHashThatIsNotTheBodys(t *testing.T) {
	t.Parallel()
	s := castest.New(castest.Options{})
	r := newCall().to(t)
	bodyHash := r.Header.Get("X-Acs-Content-Sha256")
	r.Header.Set("X-Acs-Content-Sha256", strings.Repeat("0", 64))
	request := dara.NewRequest()
	request.Method, request.Pathname = &r.Method, &r.URL.Path
	request.Headers["host"] = &r.URL.Host
	for name := range r.Header {
		request.Headers[name] = new(r.Header.Get(name))
	}
	key := castest.DefaultKey
	r.Header.Set("Authorization", *openapi.GetAuthorization(request, new("ACS3-HMAC-SHA256"), &bodyHash,
		&key.AccessKeyID, &key.AccessKeySecret))
	if code := send(t, s, r).code(t); code != "SignatureDoesNotMatch" {
		t.Errorf("got code %v, want SignatureDoesNotMatch", code)
	}
}

func TestRefusesNonceSeenBefore(t *testing.T) {
	t.Parallel()
	s := castest.New(castest.Options{})
	c := newCall()
	refused := c
	refused.key.AccessKeySecret = "wrong"
	var codes []any
	for _, c := range []call{refused, c, c, newCall()} {
		codes = append(codes, send(t, s, c.to(t)).code(t))
	}
	if want := []any{"SignatureDoesNotMatch", nil, "SignatureNonceUsed", nil}; !slices.Equal(codes, want) {
		t.Errorf("got codes %v, want %v", codes, want)
	}
}

// The limit holds for all keys together, and in every window, not only in those that begin with a
// second of the clock. A call that isn't authenticated is nobody's, and doesn't count against it.
func TestServerThrottlesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(900 * time.Millisecond)
		start := time.Now()
		s := castest.New(castest.Options{Keys: []castest.Key{castest.DefaultKey, temporary}})
		for _, step := range []struct {
			after     time.Duration
			calls     int
			throttled int // of these calls
		}{
			{after: 0, calls: 4, throttled: 0},
			{after: 500 * time.Millisecond, calls: 6, throttled: 0},
			{after: 600 * time.Millisecond, calls: 3, throttled: 3},
			{after: time.Second - 1, calls: 1, throttled: 1},
			{after: time.Second, calls: 5, throttled: 1},
			{after: 1500*time.Millisecond - 1, calls: 1, throttled: 1},
			{after: 1500 * time.Millisecond, calls: 7, throttled: 1},
			{after: time.Minute, calls: 11, throttled: 1},
		} {
			time.Sleep(time.Until(start.Add(step.after)))
			c := newCall()
			c.key.AccessKeySecret = "wrong"
			send(t, s, c.to(t))
			throttled := 0
			for i := range step.calls {
				c := newCall()
				c.key = []castest.Key{castest.DefaultKey, temporary}[i%2]
				if send(t, s, c.to(t)).code(t) == "Throttling.User" {
					throttled++
				}
			}
			if throttled != step.throttled {
				t.Errorf("got %d of %d calls throttled after %v, want %d", throttled, step.calls, step.after, step.throttled)
			}
		}
		counted(t, s, 8, 8)
		// From 0.5 s to 1.5 s, refused calls too: 7 + 4 + 2 + 6 + 2 + 8.
		if got := s.MaxInAnySecond(); got != 29 {
			t.Errorf("got %d calls in a second, want 29", got)
		}
	})
}

func TestRespondsWithElements(t *testing.T) {
	t.Parallel()
	s := castest.New(castest.Options{})
	seen := make(map[any]string)
	for name, value := range send(t, s, newCall().to(t)).fields(t) {
		if other, ok := seen[value]; ok {
			t.Errorf("got %v for both %s and %s, want different values", value, name, other)
		}
		seen[value] = name
	}
	if len(seen) != 13 || seen[json.Number("1767681210879")] != "PointTime" {
		t.Errorf("got %v by default, want 12 elements and a request ID", seen)
	}

	assets := map[string]any{"Point": nil, "LastPoint": json.Number("9007199254740993"), "RequestId": "mine"}
	want := maps.Clone(assets)
	s.Respond(assets)
	assets["Point"] = 1
	if got := send(t, s, newCall().to(t)).fields(t); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.Respond(nil)
	if got := send(t, s, newCall().to(t)).fields(t); len(got) != 1 || got["RequestId"] == nil {
		t.Errorf("got %v, want nothing but a request ID", got)
	}
}

// What the vendor's whole client sends is right by definition.
func TestAcceptsVendorSDK(t *testing.T) {
	t.Parallel()
	s := castest.Start(castest.Options{Keys: []castest.Key{castest.DefaultKey, temporary}})
	defer s.Close()
	endpoint := strings.TrimPrefix(s.URL(), "http://")
	for _, key := range []castest.Key{castest.DefaultKey, temporary} {
		config := &openapi.Config{
			AccessKeyId:     &key.AccessKeyID,
			AccessKeySecret: &key.AccessKeySecret,
			Endpoint:        &endpoint,
			NoProxy:         &endpoint, // the SDK sends even loopback to a proxy of the environment
		}
		if key.SecurityToken != "" {
			config.SecurityToken = &key.SecurityToken
		}
		client, err := vendor.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{"POST", "GET"} {
			params := &openapi.Params{
				Action:      new("GetAssetCount"),
				Version:     new("2020-04-07"),
				Protocol:    new("HTTP"),
				Pathname:    new("/"),
				Method:      &method,
				AuthType:    new("AK"),
				Style:       new("RPC"),
				ReqBodyType: new("formData"),
				BodyType:    new("json"),
			}
			result, err := client.CallApi(params, &openapi.OpenApiRequest{}, &dara.RuntimeOptions{})
			if err != nil {
				t.Errorf("%s with %s: got %v, want a response", method, key.AccessKeyID, err)
				continue
			}
			if body, _ := result["body"].(map[string]any); body["Point"] != json.Number("92") {
				t.Errorf("%s with %s: got %v, want a score of 92", method, key.AccessKeyID, result["body"])
			}
		}
	}
	if s.Refused() != 0 {
		t.Errorf("got %d calls refused, want none", s.Refused())
	}
}
