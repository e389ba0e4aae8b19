package egress

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/peer"
)

const ok = "HTTP/1.1 200 OK\r\n"

// What a peer says comes to a response or to an error, also if no HTTP server would say it.
func TestPeerSays(t *testing.T) {
	t.Parallel()
	const secret = "hush-hush-hush"
	large := strings.Repeat("x", MaxBody)
	for name, test := range map[string]struct {
		says   string
		kind   Kind // none for a response
		status int
		body   string
	}{
		"length":             {says: ok + "Content-Length: 2\r\n\r\n{}", status: 200, body: "{}"},
		"chunks":             {says: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", status: 200, body: "{}"},
		"until it closes":    {says: ok + "Connection: close\r\n\r\n{}", status: 200, body: "{}"},
		"an error":           {says: "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}", status: 503, body: "{}"},
		"hints before":       {says: "HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 2\r\n\r\n{}", status: 200, body: "{}"},
		"multiple choices":   {says: "HTTP/1.1 300 Which\r\nContent-Length: 2\r\n\r\n{}", status: 300, body: "{}"},
		"not modified":       {says: "HTTP/1.1 304 Not Modified\r\n\r\n", status: 304},
		"redirect nowhere":   {says: "HTTP/1.1 307 Moved\r\nLocation: \r\nContent-Length: 2\r\n\r\n{}", status: 307, body: "{}"},
		"another protocol":   {says: "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nxyz", status: 101},
		"as large as may be": {says: ok + "Connection: close\r\n\r\n" + large, status: 200, body: large},
		"gzip, not accepted": {says: ok + "Content-Encoding: GZIP\r\nContent-Length: 2\r\n\r\n\x1f\x8b", status: 200, body: "\x1f\x8b"},
		"not compressed":     {says: ok + "Content-Encoding: Identity\r\nContent-Length: 2\r\n\r\n{}", status: 200, body: "{}"},
		"closed":             {says: "", kind: ConnectionFailed},
		"body cut":           {says: ok + "Content-Length: 500\r\n\r\n" + secret, kind: ConnectionFailed},
		"chunk cut":          {says: ok + "Transfer-Encoding: chunked\r\n\r\n64\r\n" + secret, kind: ConnectionFailed},
		"last chunk lost":    {says: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", kind: ConnectionFailed},
		"bad chunk":          {says: ok + "Transfer-Encoding: chunked\r\n\r\n" + secret + "\r\n{}\r\n0\r\n\r\n", kind: Malformed},
		"not HTTP":           {says: "SSH-2.0-" + secret + "\r\n\r\n", kind: Malformed},
		"no status":          {says: "HTTP/1.1 " + secret + "\r\n\r\n", kind: Malformed},
		"no header":          {says: ok + secret + "\r\n\r\n", kind: Malformed},
		"no length":          {says: ok + "Content-Length: " + secret + "\r\n\r\n", kind: Malformed},
		"endless header":     {says: ok + "X: " + large, kind: Malformed},
		"endless hints":      {says: strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+large[:1000]+"\r\n\r\n", 1000), kind: Malformed},
		"too large":          {says: ok + "Connection: close\r\n\r\nx" + large, kind: TooLarge, status: 200},
		"too large, busy":    {says: "HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\nx" + large, kind: TooLarge, status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := "http://" + peer.Listen(t, peer.Says(test.says))
			got, err := post(t, address)
			if test.kind == "" {
				if err != nil || got.Status != test.status || string(got.Body) != test.body {
					t.Fatalf("got %+.300v, %v, want HTTP %d and %.300q", got, err, test.status, test.body)
				}
				if err := got.Encoded(); (err != nil) != (test.body == "\x1f\x8b") {
					t.Errorf("got %v, want an error if it is compressed", err)
				}
				return
			}
			if e := failed(t, err); e.Kind != test.kind || e.Status != test.status || e.Address != address {
				t.Errorf("got %v, want kind %q, HTTP %d and %s", e, test.kind, test.status, address)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("got %v, want the peer's words left out", err)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		for location, want := range map[string]string{
			strings.Replace(other.URL, "://", "://user:hush@", 1) + "/hush?hush#hush": other.URL,
			"//portal.test/": "http://portal.test",
			"%zz":            "",
			"mailto:hush":    "",
		} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(status)
			}))
			_, err := post(t, server.URL)
			server.Close()
			e := failed(t, err)
			if e.Kind != Redirected {
				t.Errorf("HTTP %d to %q: got %v, want kind %q", status, location, e, Redirected)
			}
			if e.Status != status {
				t.Errorf("HTTP %d to %q: got HTTP %d, want %d", status, location, e.Status, status)
			}
			if e.Location != want {
				t.Errorf("HTTP %d to %q: got location %q, want %q", status, location, e.Location, want)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want the password left out", err)
			}
		}
	}
	if n := followed.Load(); n > 0 {
		t.Errorf("got %d requests where redirects point, want none", n)
	}
}

// oldHello is the response of a server that has no newer version than TLS 1.1. A server in Go would
// send an alert.
var oldHello = "\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02" + strings.Repeat("x", 32) + "\x00\xc0\x13\x00"

func TestTLS(t *testing.T) {
	t.Parallel()
	old := certified(trusted, "127.0.0.1")
	old.MaxVersion = tls.VersionTLS11
	expired := certified(trusted, "127.0.0.1")
	expired.Certificates[0] = trusted.Issue(-time.Hour, "127.0.0.1")
	picky := certified(trusted, "127.0.0.1")
	picky.ClientAuth = tls.RequireAnyClientCert
	for name, test := range map[string]struct {
		serve func(net.Conn)
		kind  Kind // none for success
		shown bool // whose certificate it is
		text  string
	}{
		"good": {serve: secured(certified(trusted, "127.0.0.1"), peer.Says(ok+"\r\n"))},
		"unknown issuer": {
			serve: secured(certified(stranger, "127.0.0.1"), peer.Says("")), kind: Untrusted, shown: true, text: "unknown authority",
		},
		"expired": {
			serve: secured(expired, peer.Says("")), kind: Untrusted, shown: true, text: "has expired",
		},
		"odd alert":      {serve: peer.Says("\x15\x03\x03\x00\x02xx"), kind: NotTLS, text: "unexpected message"},
		"another's":      {serve: secured(certified(trusted, "portal.test"), peer.Says("")), kind: Untrusted, shown: true, text: "IP SANs"},
		"TLS 1.1":        {serve: secured(old, peer.Says("")), kind: NotTLS, text: "protocol version not supported"},
		"TLS 1.1, plain": {serve: peer.Says(oldHello), kind: NotTLS, text: "unsupported protocol version"},
		"HTTP":           {serve: peer.Says("HTTP/1.1 400 Bad Request\r\n\r\n"), kind: NotTLS, text: "does not look like a TLS handshake"},
		"wants another":  {serve: secured(picky, peer.Says("")), kind: NotTLS, text: "certificate required"},
		"closed in it":   {serve: peer.Says(""), kind: ConnectionFailed, text: "closed too early"},
		"cut in it":      {serve: peer.Says(oldHello[:20]), kind: ConnectionFailed, text: "closed too early"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := post(t, "https://"+peer.Listen(t, test.serve))
			if test.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e := failed(t, err)
			if cut := test.kind == ConnectionFailed; e.Kind != test.kind || e.InHandshake != cut {
				t.Errorf("got %#v, want kind %q, cut in the handshake: %t", e, test.kind, cut)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want %q in it", err, test.text)
			}
			if e.Proxy != "" {
				t.Errorf("got proxy %q, want none", e.Proxy)
			}
			if (e.Certificate != nil) != test.shown {
				t.Fatalf("got certificate %v, want one: %t", e.Certificate, test.shown)
			}
			if test.shown && e.Certificate.Subject.CommonName != "test peer" {
				t.Errorf("got the certificate of %s, want that of test peer", e.Certificate.Subject)
			}
		})
	}
}

// TestNoRoots runs itself again in processes that have no roots, because a process looks for them
// once.
func TestNoRoots(t *testing.T) {
	t.Parallel()
	if os.Getenv(noRoots) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		for why, env := range map[string][]string{
			"none":       {noRoots + "=none"},
			"unreadable": {noRoots + "=system", "SSL_CERT_FILE=" + t.TempDir(), "SSL_CERT_DIR=" + t.TempDir()},
		} {
			if why == "unreadable" && (runtime.GOOS == "windows" || runtime.GOOS == "darwin") {
				continue // where neither variable counts
			}
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestNoRoots$", "-test.v")
			cmd.Env = append(os.Environ(), env...)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "PASS: TestNoRoots") {
				t.Errorf("%s: got %v, want the test passed:\n%s", why, err, out)
			}
		}
		return
	}
	for _, host := range []string{"127.0.0.1", "portal.test"} {
		_, err := post(t, "https://"+peer.Listen(t, secured(certified(trusted, host), peer.Says(""))))
		e := failed(t, err)
		if e.Kind != NoRoots {
			t.Errorf("%s: got %v, want kind %q", host, e, NoRoots)
		}
		if e.Temporary() {
			t.Errorf("%s: got %v, want one that doesn't pass by itself", host, e)
		}
	}
}

// transportFunc is a transport that does what a function does.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A transport also notes what happens after it has returned. The race detector sees it if that
// isn't locked.
func TestTransportNotesLater(t *testing.T) {
	t.Parallel()
	var notes sync.WaitGroup
	defer notes.Wait()
	_, err := Send(transportFunc(func(req *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(req.Context())
		for range 2 {
			notes.Go(func() {
				trace.TLSHandshakeStart()
				trace.TLSHandshakeDone(tls.ConnectionState{}, io.EOF)
				trace.GotFirstResponseByte()
			})
		}
		return nil, io.EOF
	}), request(t, "https://cas.test"), time.Minute)
	if e := failed(t, err); e.Kind != ConnectionFailed {
		t.Errorf("got %v, want kind %q", e, ConnectionFailed)
	}
}

// net/http dials with a context that doesn't end with the request.
func TestDialEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := Send(transportFunc(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			_, err := dial(context.WithoutCancel(req.Context()), "tcp", "127.0.0.1:1")
			return nil, err
		}), request(t, "http://cas.test"), time.Second)
		if want := "i/o timeout"; !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v, want %q at its end", err, want)
		}
	})
}

// piped returns a transport whose connections, in memory, are each served in this way.
func piped(t *testing.T, serve func(number int, conn net.Conn)) *http.Transport {
	t.Helper()
	var connections int
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		connections++
		go serve(connections, theirs)
		return ours, nil
	}
	return transport
}

func silent(_ int, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// Whatever a peer does, a request ends when its time is up, or when its reader leaves.
func TestTimeLimits(t *testing.T) {
	t.Parallel()
	const limit = 7 * time.Second
	trickle := func(start string) func(int, net.Conn) {
		return func(_ int, conn net.Conn) {
			peer.Says(start)(conn)
			for {
				time.Sleep(time.Second)
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
			}
		}
	}
	stages := map[string]struct {
		scheme string
		serve  func(int, net.Conn)
		limit  time.Duration // of the request
		took   time.Duration
	}{
		"handshake": {scheme: "https", serve: silent, limit: limit, took: limit},
		"long time": {scheme: "https", serve: silent, limit: time.Minute, took: handshakeTimeout},
		"response":  {scheme: "http", serve: silent, limit: limit, took: limit},
		"header":    {scheme: "http", serve: trickle(ok + "X: "), limit: limit, took: limit},
		"body":      {scheme: "http", serve: trickle(ok + "Connection: close\r\n\r\n"), limit: limit, took: limit},
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := Send(piped(t, stage.serve), request(t, stage.scheme+"://cas.test"), stage.limit)
				if e := failed(t, err); e.Kind != TimedOut {
					t.Errorf("got %v, want kind %q", e, TimedOut)
				}
				if want := "it took longer than 7s"; stage.took == stage.limit && !strings.HasSuffix(err.Error(), want) {
					t.Errorf("got %v, want %q at its end", err, want)
				}
				if took := time.Since(began); took != stage.took {
					t.Errorf("got it after %s, want %s", took, stage.took)
				}
				time.Sleep(2 * time.Second) // until the peer has noticed
			})
		})
		for cause, end := range map[error]func(context.Context) (context.Context, context.CancelFunc){
			context.DeadlineExceeded: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 3*time.Second)
			},
			context.Canceled: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(3*time.Second, cancel)
				return ctx, cancel
			},
		} {
			t.Run(name+", "+cause.Error(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := end(t.Context())
					defer cancel()
					began := time.Now()
					_, err := Send(piped(t, stage.serve), request(t, stage.scheme+"://cas.test").WithContext(ctx), stage.limit)
					if err != cause { //nolint:errorlint // and nothing else
						t.Errorf("got %v, want %v", err, cause)
					}
					if took := time.Since(began); took != 3*time.Second {
						t.Errorf("got it after %s, want 3s", took)
					}
					time.Sleep(2 * time.Second)
				})
			})
		}
	}
}
