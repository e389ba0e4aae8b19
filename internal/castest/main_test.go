package castest_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// call describes a call to make: a good one but for what a test changes.
type call struct {
	Method, Host, Action, Version string
	Query                         url.Values

	path  string
	key   castest.Key
	at    time.Time
	nonce string
}

func newCall() call {
	return call{
		Method: http.MethodPost, Host: "cas.test", Action: "GetAssetCount", Version: "2020-04-07",
		path:  "/",
		key:   castest.DefaultKey,
		at:    time.Now(),
		nonce: rand.Text(),
	}
}

// to returns the signed request.
func (c call) to(t *testing.T) *http.Request {
	t.Helper()
	to := url.URL{Scheme: "http", Host: c.Host, Path: c.path, RawQuery: c.Query.Encode()}
	r, err := http.NewRequestWithContext(t.Context(), c.Method, to.String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	openapi.Sign(r, c.Action, c.Version, openapi.Key{
		AccessKeyID: c.key.AccessKeyID, AccessKeySecret: c.key.AccessKeySecret, SecurityToken: c.key.SecurityToken,
	}, c.at, c.nonce)
	return r
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// fields returns the response's JSON object.
func (a answer) fields(t *testing.T) map[string]any {
	t.Helper()
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(a.body))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		t.Fatalf("got %q, want JSON: %v", a.body, err)
	}
	return fields
}

// code returns the error code in the answer, or nil.
func (a answer) code(t *testing.T) any {
	t.Helper()
	return a.fields(t)["Code"]
}

func send(t *testing.T, s *castest.Server, r *http.Request) answer {
	t.Helper()
	a, err := trySend(s, r)
	if err != nil {
		t.Fatalf("got %v, want a response", err)
	}
	return a
}

// trySend returns what came, even where an error ended it.
func trySend(s *castest.Server, r *http.Request) (answer, error) {
	response, err := s.Transport().RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// counted checks how many calls the server counted as refused and as throttled.
func counted(t *testing.T, s *castest.Server, refused, throttled int) {
	t.Helper()
	if got := s.Refused(); got != refused {
		t.Errorf("got %d calls refused, want %d", got, refused)
	}
	if got := s.Throttled(); got != throttled {
		t.Errorf("got %d calls throttled, want %d", got, throttled)
	}
}
