package castest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
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

func TestAccepts(t *testing.T) {
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
			now := time.Now().Truncate(time.Second)
			s := castest.New(castest.Options{
				Keys: []castest.Key{castest.DefaultKey, temporary},
				Now:  func() time.Time { return now },
			})
			c := newCall()
			c.at = now
			change(&c)
			got := send(t, s.Transport(), c.to(t, memory))
			if got.status != http.StatusOK {
				t.Errorf("got status %d, want %d: %s", got.status, http.StatusOK, got.body)
			}
			counted(t, s, 0, 0)
		})
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*call)         // before it is signed
		after  func(*http.Request) // after
		status int
		code   string
	}{
		"method":           {change: func(c *call) { c.Method = http.MethodPut }, status: 403, code: "UnsupportedHTTPMethod"},
		"path":             {change: func(c *call) { c.path = "/api" }, status: 404, code: "InvalidApi.NotFound"},
		"action":           {change: func(c *call) { c.Action = "GetAssetCounts" }, status: 404, code: "InvalidApi.NotFound"},
		"action's case":    {change: func(c *call) { c.Action = "getassetcount" }, status: 404, code: "InvalidApi.NotFound"},
		"version":          {change: func(c *call) { c.Version = "2018-07-13" }, status: 404, code: "InvalidVersion"},
		"not signed":       {after: without("Authorization"), status: 400, code: "IncompleteSignature"},
		"other algorithm":  {after: replace("Authorization", "ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"), status: 400, code: "IncompleteSignature"},
		"no date":          {after: without("X-Acs-Date"), status: 400, code: "IncompleteSignature"},
		"no nonce":         {after: without("X-Acs-Signature-Nonce"), status: 400, code: "IncompleteSignature"},
		"no hash":          {after: without("X-Acs-Content-Sha256"), status: 400, code: "IncompleteSignature"},
		"host unsigned":    {after: replace("Authorization", "host;", ""), status: 400, code: "IncompleteSignature"},
		"action unsigned":  {after: replace("Authorization", "x-acs-action;", ""), status: 400, code: "IncompleteSignature"},
		"version unsigned": {after: replace("Authorization", ";x-acs-version", ""), status: 400, code: "IncompleteSignature"},
		"token unsigned":   {after: with("X-Acs-Security-Token", temporary.SecurityToken), status: 400, code: "IncompleteSignature"},
		"type unsigned":    {after: with("Content-Type", "text/plain"), status: 400, code: "IncompleteSignature"},
		"unknown unsigned": {after: with("X-Acs-Anything", "x"), status: 400, code: "IncompleteSignature"},
		"date's format":    {after: with("X-Acs-Date", "Tue, 06 Jan 2026 06:33:30 GMT"), status: 400, code: "InvalidTimeStamp.Format"},
		"clock behind": {
			change: func(c *call) { c.at = c.at.Add(-15*time.Minute - time.Second) }, status: 400, code: "InvalidTimeStamp.Expired",
		},
		"clock ahead": {
			change: func(c *call) { c.at = c.at.Add(15*time.Minute + time.Second) }, status: 400, code: "InvalidTimeStamp.Expired",
		},
		"key":      {change: func(c *call) { c.key.AccessKeyID = "LTAI5tNobody" }, status: 404, code: "InvalidAccessKeyId.NotFound"},
		"secret":   {change: func(c *call) { c.key.AccessKeySecret += "x" }, status: 400, code: "SignatureDoesNotMatch"},
		"no token": {change: func(c *call) { c.key = temporary; c.key.SecurityToken = "" }, status: 400, code: "MissingSecurityToken"},
		"unknown token": {
			change: func(c *call) { c.key = temporary; c.key.SecurityToken = "CAIS" }, status: 400, code: "InvalidSecurityToken.Malformed",
		},
		"another key's token": {
			change: func(c *call) { c.key = temporary; c.key.SecurityToken = another.SecurityToken },
			status: 400, code: "InvalidSecurityToken.MismatchWithAccessKey",
		},
		"token it hasn't": {
			change: func(c *call) { c.key.SecurityToken = temporary.SecurityToken }, status: 400, code: "InvalidSecurityToken.MismatchWithAccessKey",
		},
		"expired token": {change: func(c *call) { c.key = another }, status: 400, code: "InvalidSecurityToken.Expired"},
		"other host":    {after: func(r *http.Request) { r.Host = "cas.aliyuncs.com" }, status: 400, code: "SignatureDoesNotMatch"},
		"other method":  {after: func(r *http.Request) { r.Method = http.MethodGet }, status: 400, code: "SignatureDoesNotMatch"},
		"other date":    {after: with("X-Acs-Date", "2026-01-06T06:33:31Z"), status: 400, code: "SignatureDoesNotMatch"},
		"other nonce":   {after: with("X-Acs-Signature-Nonce", "x"), status: 400, code: "SignatureDoesNotMatch"},
		"query added":   {after: func(r *http.Request) { r.URL.RawQuery = "a=b" }, status: 400, code: "SignatureDoesNotMatch"},
		"other hash":    {after: with("X-Acs-Content-Sha256", "UNSIGNED-PAYLOAD"), status: 400, code: "SignatureDoesNotMatch"},
		"body added": {
			after: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) }, status: 400, code: "SignatureDoesNotMatch",
		},
		"header signed twice": {after: replace("Authorization", "host;", "host;host;"), status: 400, code: "SignatureDoesNotMatch"},
		"signature cut": {
			after:  func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")[:200]) },
			status: 400, code: "SignatureDoesNotMatch",
		},
	}
	now := time.Date(2026, time.January, 6, 6, 33, 30, 0, time.UTC)
	expired := another
	expired.Expires = now
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := castest.New(castest.Options{
				Keys: []castest.Key{castest.DefaultKey, temporary, expired},
				Now:  func() time.Time { return now },
			})
			c := newCall()
			c.at = now
			if test.change != nil {
				test.change(&c)
			}
			r := c.to(t, memory)
			if test.after != nil {
				test.after(r)
			}
			got := send(t, s.Transport(), r)
			fields := got.fields(t)
			if got.status != test.status {
				t.Errorf("got status %d, want %d", got.status, test.status)
			}
			if fields["Code"] != test.code {
				t.Errorf("got code %v, want %s", fields["Code"], test.code)
			}
			id, _ := fields["RequestId"].(string)
			if !requestID.MatchString(id) {
				t.Errorf("got request ID %q, want a match of %s", id, requestID)
			}
			if header := got.header.Get("X-Acs-Request-Id"); header != id {
				t.Errorf("got request ID %q in the header, want %q as in the body", header, id)
			}
			if date, want := got.header.Get("Date"), "Tue, 06 Jan 2026 06:33:30 GMT"; date != want {
				t.Errorf("got Date %q, want %q", date, want)
			}
			if strings.Contains(got.body, c.key.AccessKeySecret) {
				t.Errorf("got a response with the secret, want it left out: %s", got.body)
			}
			counted(t, s, 1, 0)
			calls := s.Calls()
			if len(calls) != 1 {
				t.Fatalf("got %d calls recorded, want 1: %+v", len(calls), calls)
			}
			if calls[0].Status != test.status {
				t.Errorf("got status %d recorded, want %d", calls[0].Status, test.status)
			}
			if calls[0].Code != test.code {
				t.Errorf("got code %q recorded, want %q", calls[0].Code, test.code)
			}
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

// TestRefusesHashThatIsNotTheBodys has the header lie and be signed as it is,
// while the canonical request ends with the right hash.
func TestRefusesHashThatIsNotTheBodys(t *testing.T) {
	t.Parallel()
	s := castest.New(castest.Options{})
	r := newCall().to(t, memory)
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
	if code := send(t, s.Transport(), r).fields(t)["Code"]; code != "SignatureDoesNotMatch" {
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
		codes = append(codes, send(t, s.Transport(), c.to(t, memory)).fields(t)["Code"])
	}
	if want := []any{"SignatureDoesNotMatch", nil, "SignatureNonceUsed", nil}; !slices.Equal(codes, want) {
		t.Errorf("got codes %v, want %v", codes, want)
	}
}

func TestKeysComeAndGo(t *testing.T) {
	t.Parallel()
	s := castest.New(castest.Options{})
	try := func() any {
		c := newCall()
		c.key = temporary
		return send(t, s.Transport(), c.to(t, memory)).fields(t)["Code"]
	}
	before := try()
	s.AddKey(temporary)
	during := try()
	s.RemoveKey(temporary.AccessKeyID)
	after := try()
	codes, want := []any{before, during, after}, []any{"InvalidAccessKeyId.NotFound", nil, "InvalidAccessKeyId.NotFound"}
	if !slices.Equal(codes, want) {
		t.Errorf("got codes %v before, during and after, want %v", codes, want)
	}
}

// TestLimit has the limit hold in every window, not only in those that begin
// with a second of the clock.
func TestLimit(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.January, 6, 6, 33, 30, 900_000_000, time.UTC)
	now := start
	s := castest.New(castest.Options{Now: func() time.Time { return now }})
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
		now = start.Add(step.after)
		throttled := 0
		for range step.calls {
			c := newCall()
			c.at = now
			switch got := send(t, s.Transport(), c.to(t, memory)); {
			case got.status == http.StatusOK:
			case got.status == http.StatusBadRequest && got.fields(t)["Code"] == "Throttling.User":
				throttled++
			default:
				t.Fatalf("got %d %s, want a response or a refusal for the rate", got.status, got.body)
			}
		}
		if throttled != step.throttled {
			t.Errorf("got %d of %d calls throttled after %v, want %d", throttled, step.calls, step.after, step.throttled)
		}
	}
	counted(t, s, 0, 8)
	// From 0.6 s to 1.5 s: 3 + 1 + 5 + 1 + 7.
	if got := s.MaxInAnySecond(); got != 17 {
		t.Errorf("got %d calls in a second, want 17", got)
	}
}

func TestLimitIsOneForAllKeys(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := castest.New(castest.Options{
		Keys: []castest.Key{castest.DefaultKey, temporary}, CallsPerSecond: 3, Now: func() time.Time { return now },
	})
	for i := range 4 {
		c := newCall()
		if i%2 == 1 {
			c.key = temporary
		}
		send(t, s.Transport(), c.to(t, memory))
	}
	if s.Throttled() != 1 {
		t.Errorf("got %d calls throttled, want 1", s.Throttled())
	}
}

// TestRefusedCallsDoNotCountAgainstTheLimit, since a call that isn't
// authenticated is nobody's.
func TestRefusedCallsDoNotCountAgainstTheLimit(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := castest.New(castest.Options{CallsPerSecond: 1, Now: func() time.Time { return now }})
	wrong := newCall()
	wrong.key.AccessKeySecret = "wrong"
	send(t, s.Transport(), wrong.to(t, memory))
	if got := send(t, s.Transport(), newCall().to(t, memory)); got.status != http.StatusOK {
		t.Errorf("got status %d, want %d: %s", got.status, http.StatusOK, got.body)
	}
	if got := s.MaxInAnySecond(); got != 2 {
		t.Errorf("got %d calls in a second, want 2", got)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	s := castest.New(castest.Options{})
	ask := func() map[string]any { return send(t, s.Transport(), newCall().to(t, memory)).fields(t) }

	byDefault, again := ask(), ask()
	id, _ := byDefault["RequestId"].(string)
	if !requestID.MatchString(id) {
		t.Errorf("got request ID %q, want a match of %s", id, requestID)
	}
	if id == again["RequestId"] {
		t.Errorf("got request ID %q twice, want another one each time", id)
	}
	delete(byDefault, "RequestId")
	seen := make(map[any]string)
	for name, value := range byDefault {
		if other, ok := seen[value]; ok {
			t.Errorf("got %v for both %s and %s, want different values", value, name, other)
		}
		seen[value] = name
	}
	if len(byDefault) != 12 {
		t.Errorf("got %d elements by default, want 12: %v", len(byDefault), byDefault)
	}
	if got, want := byDefault["PointTime"], json.Number("1767681210879"); got != want {
		t.Errorf("got PointTime %v by default, want %s", got, want)
	}

	assets := map[string]any{"Point": nil, "LastPoint": json.Number("9007199254740993"), "RequestId": "mine"}
	s.Respond(assets)
	assets["Point"] = 1
	want := map[string]any{"Point": nil, "LastPoint": json.Number("9007199254740993"), "RequestId": "mine"}
	if got := ask(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	s.Respond(nil)
	if got := ask(); len(got) != 1 || got["RequestId"] == nil {
		t.Errorf("got %v, want nothing but a request ID", got)
	}
}

func TestRecordsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := castest.New(castest.Options{Latency: time.Second})
		begin := time.Now()
		first := newCall()
		r := first.to(t, memory)
		r.Header.Set("User-Agent", "castest/1")
		send(t, s.Transport(), r)
		refused := newCall()
		refused.key.AccessKeyID = "LTAI5tNobody"
		send(t, s.Transport(), refused.to(t, memory))

		calls := s.Calls()
		if len(calls) != 2 {
			t.Fatalf("got %d calls, want 2", len(calls))
		}
		if got := calls[0].Header.Get("X-Acs-Action"); got != "GetAssetCount" {
			t.Errorf("got action %q of the first call, want GetAssetCount", got)
		}
		for i, want := range []castest.Call{
			{
				Arrived: begin, AccessKeyID: castest.DefaultKey.AccessKeyID, UserAgent: "castest/1", Nonce: first.nonce,
				Status: http.StatusOK,
			},
			{
				Arrived: begin.Add(time.Second), AccessKeyID: "LTAI5tNobody", Nonce: refused.nonce,
				Status: http.StatusNotFound, Code: "InvalidAccessKeyId.NotFound",
			},
		} {
			got := calls[i]
			got.Header = nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("call %d: got %+v, want %+v", i, got, want)
			}
		}
		calls[0].Header.Set("X-Acs-Action", "changed")
		if got := s.Calls()[0].Header.Get("X-Acs-Action"); got != "GetAssetCount" {
			t.Errorf("got action %q after a caller changed its copy, want GetAssetCount", got)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s := castest.Start(castest.Options{})
	defer s.Close()
	via := wire(t)
	var group sync.WaitGroup
	for range 50 {
		r := newCall().to(t, s.URL())
		group.Go(func() {
			if _, err := trySend(via, r); err != nil {
				t.Errorf("got %v, want a response", err)
			}
			s.Calls()
			s.MaxInAnySecond()
		})
	}
	group.Wait()
	answered := 0
	for _, call := range s.Calls() {
		if call.Status == http.StatusOK {
			answered++
		}
	}
	if answered < 10 {
		t.Errorf("got %d calls answered, want at least 10", answered)
	}
	counted(t, s, 0, 50-answered)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := castest.Start(castest.Options{TLS: true})
	defer s.Close()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(castest.CertPEM()) {
		t.Fatalf("got %q, want a certificate", castest.CertPEM())
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		via := wire(t)
		via.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		base := strings.Replace(s.URL(), "127.0.0.1", host, 1)
		if got := send(t, via, newCall().to(t, base)); got.status != http.StatusOK {
			t.Errorf("%s: got status %d, want %d: %s", base, got.status, http.StatusOK, got.body)
		}
	}
	via := wire(t)
	via.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	_, err := trySend(via, newCall().to(t, s.URL()))
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("got %v, want an error of a client that doesn't trust the certificate", err)
	}
}

// TestAcceptsVendorSDK has the vendor's whole client call the server: what it
// sends is right by definition.
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
