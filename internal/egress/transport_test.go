package egress

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/peer"
)

// answers serves so many requests on a connection. Then it reads nothing more and doesn't close,
// like a router that has dropped the connection.
func answers(requests int) func(net.Conn) {
	return func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for range requests {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
	}
}

func TestIdleConnections(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pause       time.Duration
		connections int
	}{
		"calls in a row":    {pause: 100 * time.Millisecond, connections: 1},
		"a second later":    {pause: time.Second, connections: 1},
		"after a NAT's 3 s": {pause: 3 * time.Second, connections: 2},
		"after 10 s":        {pause: 10 * time.Second, connections: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				connections := 0
				transport := piped(t, func(number int, conn net.Conn) {
					connections = number
					answers(3 - test.connections)(conn) // one is dropped where another is expected
				})
				for range 2 {
					began := time.Now()
					if _, err := Send(transport, request(t, "http://cas.test"), time.Minute); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took != 0 {
						t.Errorf("got a response after %s, want it at once", took)
					}
					time.Sleep(test.pause)
				}
				synctest.Wait()
				if connections != test.connections {
					t.Errorf("got %d connections, want %d", connections, test.connections)
				}
				transport.CloseIdleConnections()
			})
		})
	}
}

func TestRequestsAreHTTP1WithoutCompression(t *testing.T) {
	t.Parallel()
	server := certified(trusted, "127.0.0.1")
	server.NextProtos = []string{"h2", "http/1.1"}
	requested := make(chan *http.Request, 1)
	address := peer.Listen(t, secured(server, func(conn net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			requested <- req
			_, _ = io.WriteString(conn, ok+"\r\n")
		}
	}))
	if _, err := post(t, "https://"+address); err != nil {
		t.Fatal(err)
	}
	req := <-requested
	if req.ProtoMajor != 1 {
		t.Errorf("got %s, want HTTP/1.1", req.Proto)
	}
	if got := req.Header.Get("Accept-Encoding"); got != "" {
		t.Errorf("got Accept-Encoding %q, want none", got)
	}
}

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
