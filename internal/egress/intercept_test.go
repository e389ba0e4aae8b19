package egress

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestIntercept sends as the vendor's library does: through a client of its own, with a copy of the
// default transport.
func TestIntercept(t *testing.T) { //nolint:paralleltest // it sets the default transport
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	Intercept()
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t.Fatalf("got a %T, want one that can be copied", http.DefaultTransport)
	}
	for _, scheme := range []string{"http", "https"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, scheme+"://sts.invalid/?Signature=hush", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: transport.Clone()}).Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		unsent, ok := errors.AsType[Unsent](err)
		if !ok {
			t.Fatalf("%s: got %v, want it not sent", scheme, err)
		}
		if strings.Contains(unsent.Error(), "hush") {
			t.Errorf("%s: got %v, want nothing of the request in it", scheme, unsent)
		}
		body, err := unsent.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if content, _ := io.ReadAll(body); string(content) != "body" || unsent.URL.String() != req.URL.String() {
			t.Errorf("%s: got %s %q, want what was to be sent", scheme, unsent.URL, content)
		}
	}
}
