package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// vendor sends a request as credentials-go does: with a copy of the transport whose dialer it replaces, and without a context.
func vendor(t *testing.T, transport *http.Transport, req *http.Request, timeout time.Duration) (*http.Response, error) {
	t.Helper()
	transport = transport.Clone()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		t.Error("a connection past the bridge")
		return nil, net.ErrClosed
	}
	client := http.Client{Transport: transport, Timeout: timeout}
	resp, err := client.Do(req)
	return resp, err
}

func TestBridge(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Asked", fmt.Sprintf("%s %s%s %s %d%s", r.Method, r.Host, r.URL, r.Header.Get("X-Ask"), r.ContentLength,
			r.Header.Get("Accept-Encoding")))
		_, _ = w.Write(body)
	})
	plain, secure := httptest.NewServer(echo), httptest.NewUnstartedServer(echo)
	t.Cleanup(plain.Close)
	secure.TLS = trusted.server("127.0.0.1", time.Time{})
	secure.StartTLS()
	t.Cleanup(secure.Close)
	form := "a=b&c=" + strings.Repeat("d", 100_000)
	for name, test := range map[string]struct{ server, form, asked string }{
		"http":         {server: plain.URL, form: form, asked: "me 100006"},
		"https":        {server: secure.URL, form: form, asked: "me 100006"},
		"without body": {server: secure.URL, asked: "me 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, form := test.server, test.form
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/path?k=v+w", strings.NewReader(form))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Ask", "me")
			resp, err := vendor(t, Bridge(NewTransport(), time.Minute), req, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != form {
				t.Errorf("got %d bytes, %v; want %d", len(body), err, len(form))
			}
			if got, want := resp.Header.Get("X-Asked"), "POST "+req.Host+"/path?k=v+w "+test.asked; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestBridgeRefusal(t *testing.T) {
	t.Parallel()
	address := listen(t, says("HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nhush"))
	_, err := vendor(t, Bridge(NewTransport(), time.Minute), request(t, "http://"+address), time.Minute) //nolint:bodyclose // there is none
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || refusal.Status != 403 || string(refusal.Body) != "hush" {
		t.Fatalf("got %v, want HTTP 403 and its body", err)
	}
	if refusal.Error() != "HTTP 403" {
		t.Errorf("got %q, want nothing of the answer", refusal.Error())
	}
}

// Every kind of failure gets over the bridge as it is.
func TestBridgeFailure(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]Kind{
		"https://" + closed(t): Refused,
		"http://" + closed(t):  Refused,
		"http://" + listen(t, says("HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")): Redirected,
		"http://" + listen(t, says(ok+"Connection: close\r\n\r\n"+strings.Repeat("x", MaxBody+1))):                      TooLarge,
		"https://" + listen(t, says("HTTP/1.1 400 Bad\r\n\r\n")):                                                        NotTLS,
		"http://" + listen(t, says("SSH-2.0\r\n\r\n")):                                                                  Malformed,
	} {
		_, err := vendor(t, Bridge(NewTransport(), time.Minute), request(t, address), time.Minute) //nolint:bodyclose // there is none
		if e := failed(t, err); e.Kind != want {
			t.Errorf("%s: got %v, want kind %q", address, e, want)
		}
	}
}

// What gives up at the near end ends the request at the far one.
func TestBridgeIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var left time.Duration
		peer := piped(t, func(_ int, conn net.Conn) {
			in := bufio.NewReader(conn)
			_, _ = http.ReadRequest(in)
			_, _ = in.ReadByte() // until it is closed
			left = time.Since(began)
		})
		_, err := vendor(t, Bridge(peer, time.Minute), request(t, "http://cas.test"), 3*time.Second) //nolint:bodyclose // there is none
		if e, ok := errors.AsType[*url.Error](err); !ok || !e.Timeout() {
			t.Errorf("got %v, want a timeout", err)
		}
		synctest.Wait()
		if left != 3*time.Second {
			t.Errorf("the peer was left after %s, want 3s", left)
		}
	})
}

func TestBridgeLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := Bridge(piped(t, silent), 5*time.Second)
		_, err := vendor(t, transport, request(t, "https://cas.test"), time.Minute) //nolint:bodyclose // there is none
		if e := failed(t, err); e.Kind != TimedOut {
			t.Errorf("got %v, want kind %q", e, TimedOut)
		}
	})
}
