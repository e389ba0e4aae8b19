package cas

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// authority issues certificates for the peers of these tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := new(authority)
	a.certificate, a.key = a.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// issue completes template and signs it; by itself where there is no authority yet.
func (a *authority) issue(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore = time.Now().Add(-48 * time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// server returns the settings of a peer with a certificate for host.
func (a *authority) server(t *testing.T, host string, notAfter time.Time) *tls.Config {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "test peer"}, DNSNames: []string{host}, NotAfter: notAfter}
	if ip := net.ParseIP(host); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	certificate, key := a.issue(t, template)
	return &tls.Config{
		MinVersion:   tls.VersionTLS10, // to see it refused
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}},
	}
}

func roots(certificate *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// wired returns a client of endpoint over sockets, which tries once.
func wired(t *testing.T, endpoint string, change ...func(*Config, *http.Transport)) *Client {
	t.Helper()
	u, err := ParseEndpoint(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := newTransport()
	t.Cleanup(transport.CloseIdleConnections)
	config := Config{
		Endpoint:          u,
		Credentials:       source(t, castest.DefaultKey),
		UserAgent:         "terraform-provider-cas/test",
		Logger:            slog.New(slog.DiscardHandler),
		RequestsPerSecond: 10,
		RequestTimeout:    time.Minute,
		Transport:         transport,
	}
	for _, f := range change {
		f(&config, transport)
	}
	return New(config)
}

func source(t *testing.T, key castest.Key) *credential.Source {
	t.Helper()
	s, err := credential.New(credential.Config{
		AccessKeyID: key.AccessKeyID, AccessKeySecret: key.AccessKeySecret, SecurityToken: key.SecurityToken,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func trusting(pool *x509.CertPool) func(*Config, *http.Transport) {
	return func(_ *Config, transport *http.Transport) { transport.TLSClientConfig.RootCAs = pool }
}

// ask makes one call, past the pace and the budget.
func ask(t *testing.T, client *Client) (*AssetCount, error) {
	t.Helper()
	creds, err := client.config.Credentials.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return client.send(t.Context(), creds, 1)
}

// failure makes one call that fails.
func failure(t *testing.T, client *Client) *Error {
	t.Helper()
	count, err := ask(t, client)
	e, ok := errors.AsType[*Error](err)
	if !ok || count != nil {
		t.Fatalf("got %v, %v", count, err)
	}
	if e.Endpoint != client.address() {
		t.Errorf("the error is about %s", e.Endpoint)
	}
	return e
}

// listen starts a peer that does with each connection what serve says, and returns its address.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// says reads a request and answers with these bytes, then closes.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := conn.Read(make([]byte, 64<<10)); err == nil {
			_, _ = io.WriteString(conn, text)
		}
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	keys := map[string]castest.Key{
		"access key":    castest.DefaultKey,
		"temporary key": {AccessKeyID: "STS.NT1", AccessKeySecret: "s/e+c=r&e t", SecurityToken: "CAIS+a/b=="},
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := castest.Start(castest.Options{TLS: true, Keys: []castest.Key{key}})
			defer server.Close()
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(castest.CertPEM())
			client := wired(t, server.URL(), trusting(pool), func(c *Config, _ *http.Transport) { c.Credentials = source(t, key) })
			count, err := client.GetAssetCount(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if *count.Point != 92 || *count.TotalCloudAssetCount != 48 || count.RequestID == nil {
				t.Errorf("got %+v", count)
			}
			calls := server.Calls()
			if len(calls) != 1 || server.Refused() != 0 {
				t.Fatalf("%d calls, %d refused", len(calls), server.Refused())
			}
			header := calls[0].Header
			var names []string
			for name := range header {
				names = append(names, name)
			}
			if calls[0].UserAgent != "terraform-provider-cas/test" || header.Get("Accept") != "application/json" ||
				header.Get("Accept-Encoding") != "gzip" || header.Get("Content-Type") != "" {
				t.Errorf("sent %v: %v", names, calls[0].UserAgent)
			}
		})
	}
}

// Whatever is answered, the connection stays in use, unless the answer was cut off.
func TestConnectionIsReused(t *testing.T) {
	t.Parallel()
	fake := castest.New(castest.Options{CallsPerSecond: 1000})
	var connections, requests atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		fake.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true // which isn't made use of
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	client := wired(t, server.URL, trusting(roots(server.Certificate())))
	steps := []http.HandlerFunc{
		fake.ServeAnswer, castest.HTML(503), castest.Denied("somebody"), castest.Redirect("https://portal.test/"),
		castest.Gzip(fake.ServeAnswer), castest.Body(200, "", "{"), castest.Body(204, "", ""), castest.Throttle(), castest.Body(200, "", `{"Point":"1"}`),
		castest.Body(200, "", golden+strings.Repeat(" ", maxBody-len(golden))), fake.ServeAnswer,
	}
	fake.Script(steps...)
	for range steps {
		_, _ = ask(t, client)
	}
	if connections.Load() != 1 || int(requests.Load()) != len(steps) || fake.Refused() != 0 {
		t.Errorf("%d connections for %d calls", connections.Load(), requests.Load())
	}
	fake.Script(castest.Endless())
	if e := failure(t, client); e.Kind != TooLarge {
		t.Errorf("got %v", e)
	}
	if _, err := ask(t, client); err != nil {
		t.Errorf("after an answer that was cut off: %v", err)
	}
}

// body notes that it is closed.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBodyIsReadAndClosed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status, size, left int
	}{
		"good":      {200, 500, 0},
		"error":     {503, 500, 0},
		"redirect":  {307, 500, 0},
		"too large": {200, maxBody + 500, 499},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReader(golden + strings.Repeat(" ", test.size-len(golden)))
			answered := &body{Reader: text}
			_, _ = ask(t, wired(t, "https://cas.test", func(c *Config, _ *http.Transport) {
				c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: test.status, Header: http.Header{}, Body: answered, Request: r}, nil
				})
			}))
			if !answered.closed || text.Len() != test.left {
				t.Errorf("closed: %t, %d bytes left, want %d", answered.closed, text.Len(), test.left)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for location, shown := range map[string]string{
			other.URL + "/there?token=t": other.URL + "/there",
			"%zz":                        "",
			"":                           "",
		} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(status)
			}))
			e := failure(t, wired(t, server.URL))
			if e.Kind != Redirected || e.Status != status || e.Location != shown || retryable(e) {
				t.Errorf("%d to %q: got %#v", status, location, e)
			}
			server.Close()
		}
	}
	if n := followed.Load(); n > 0 {
		t.Errorf("followed %d times", n)
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	server := castest.Start(castest.Options{})
	defer server.Close()
	client := wired(t, server.URL())
	gzipped := func(step http.HandlerFunc) http.HandlerFunc { return castest.Header(step, "Content-Encoding", "gzip") }

	server.Script(castest.Gzip(castest.Body(200, "", golden)))
	if count, err := ask(t, client); err != nil || !reflect.DeepEqual(count, goldenCount()) {
		t.Errorf("got %v, %v", count, err)
	}
	var whole bytes.Buffer
	castest.Gzip(castest.Body(200, "", golden))(&recorder{&whole}, &http.Request{Header: http.Header{"Accept-Encoding": {"gzip"}}})
	flipped := bytes.Clone(whole.Bytes())
	flipped[len(flipped)-6] ^= 1
	for name, test := range map[string]struct {
		step      http.HandlerFunc
		kind      Kind
		retryable bool
	}{
		"bomb":          {castest.Gzip(castest.Huge(4 << 20)), TooLarge, false},
		"not gzip":      {gzipped(castest.Body(200, "", golden)), Malformed, false},
		"wrong sum":     {gzipped(castest.Body(200, "", string(flipped))), Malformed, false},
		"wrong code":    {gzipped(castest.Body(200, "", whole.String()[:10]+"\xff\xff\xff")), Malformed, false},
		"breaks off":    {gzipped(castest.Body(200, "", whole.String()[:100])), NotReached, true},
		"other coding":  {castest.Header(castest.Body(200, "", "\x0b\x02\x80"), "Content-Encoding", "br"), Malformed, false},
		"error, zipped": {castest.Gzip(castest.Throttle()), Throttled, true},
	} {
		server.Script(test.step)
		if e := failure(t, client); e.Kind != test.kind || retryable(e) != test.retryable || (e.Status == 0) != (e.Kind == NotReached) {
			t.Errorf("%s: got %v, may pass: %t", name, e, retryable(e))
		}
	}
}

// recorder keeps a body.
type recorder struct{ io.Writer }

func (*recorder) Header() http.Header { return http.Header{} }
func (*recorder) WriteHeader(int)     {}

// What no HTTP server would do.
func TestBrokenPeers(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, test := range map[string]struct {
		answer    string
		kind      Kind
		retryable bool
		text      string
	}{
		"closed":           {"", NotReached, true, "EOF"},
		"header cut":       {ok + "Content-Le", NotReached, true, "missing colon"},
		"body cut":         {ok + "Content-Length: 500\r\n\r\n" + golden[:99], NotReached, true, "unexpected EOF"},
		"chunk cut":        {ok + "Transfer-Encoding: chunked\r\n\r\n64\r\n" + golden[:50], NotReached, true, "unexpected EOF"},
		"last chunk lost":  {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", NotReached, true, "unexpected EOF"},
		"bad chunk":        {ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", NotReached, true, "invalid byte in chunk length"},
		"cut, no length":   {ok + "Connection: close\r\n\r\n" + golden[:99], Malformed, true, "unexpected EOF"},
		"nothing":          {ok + "Connection: close\r\n\r\n", Malformed, true, "unexpected EOF"},
		"not HTTP":         {"SSH-2.0-OpenSSH\r\n\r\n", NotReached, true, "malformed HTTP"},
		"endless header":   {ok + "X: " + strings.Repeat("x", 1<<20), NotReached, true, "exceeded"},
		"another protocol": {"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", Malformed, false, "HTTP 101"},
		"endless 1xx":      {strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 1000), NotReached, true, ""},
		"hints, then good": {"HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 2\r\n\r\n[]", Malformed, false, "an array"},
		"long header":      {ok + strings.Repeat("x", 32<<10) + "\r\n\r\n", NotReached, true, "missing colon"},
		"echo":             {"x-acs-security-token: " + secretCredentials.SecurityToken + "\r\n\r\n", NotReached, true, "[redacted]"},
		"echoed header":    {ok + secretCredentials.SecurityToken + "\r\n\r\n", NotReached, true, "[redacted]"},
		"echoed key":       {ok + "Connection: close\r\n\r\n" + secretCredentials.AccessKeySecret[:20], Malformed, false, "[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, func(conn net.Conn) {
				says(test.answer)(conn)
				if name == "another protocol" {
					<-t.Context().Done() // it could go on for ever
				}
			})
			client := wired(t, "http://"+address, func(c *Config, _ *http.Transport) {
				c.Credentials = source(t, castest.Key{
					AccessKeyID:     secretCredentials.AccessKeyID,
					AccessKeySecret: secretCredentials.AccessKeySecret,
					SecurityToken:   secretCredentials.SecurityToken,
				})
			})
			e := failure(t, client)
			if e.Kind != test.kind || retryable(e) != test.retryable || !strings.Contains(e.Error(), test.text) {
				t.Errorf("got %v, may pass: %t", e, retryable(e))
			}
			for err := error(e); err != nil; err = errors.Unwrap(err) {
				if len(err.Error()) > enough {
					t.Errorf("is %d bytes long", len(err.Error()))
				}
				if piece := leaks(err.Error()); piece != "" {
					t.Errorf("shows %q", piece)
				}
			}
		})
	}
}

func TestNotReached(t *testing.T) {
	t.Parallel()
	root, stranger := newAuthority(t), newAuthority(t)
	secured := func(config *tls.Config) string {
		return listen(t, func(conn net.Conn) { _ = tls.Server(conn, config).HandshakeContext(t.Context()) })
	}
	old := root.server(t, "127.0.0.1", time.Time{})
	old.MaxVersion = tls.VersionTLS11
	expired := root.server(t, "127.0.0.1", time.Now().Add(-time.Hour))
	// A server that knows no newer version than TLS 1.1 answers in that, where Go's sends an alert.
	serverHello := "\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02" + strings.Repeat("x", 32) + "\x00\xc0\x13\x00"
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close() // nobody listens there now
	for name, test := range map[string]struct {
		address            string
		tls, byCertificate bool
		text               string
	}{
		"unknown issuer": {secured(stranger.server(t, "127.0.0.1", time.Time{})), true, true, "certificate signed by unknown authority"},
		"expired":        {secured(expired), true, true, "certificate has expired"},
		"another's":      {secured(root.server(t, "portal.test", time.Time{})), true, true, "doesn't contain any IP SANs"},
		"TLS 1.1":        {secured(old), true, false, "protocol version not supported"},
		"TLS 1.1, plain": {listen(t, says(serverHello)), true, false, "unsupported protocol version 302"},
		"HTTP":           {listen(t, says("HTTP/1.1 400 Bad Request\r\n\r\n")), true, false, "first record does not look like a TLS handshake"},
		"closed in it":   {listen(t, says("")), false, false, "EOF"},
		"cut in it":      {listen(t, says(serverHello[:20])), false, false, "unexpected EOF"},
		"refused":        {listener.Addr().String(), false, false, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := failure(t, wired(t, "https://"+test.address, trusting(roots(root.certificate))))
			if e.Kind != NotReached || IsTLS(e.Err) != test.tls || retryable(e) == test.tls || !strings.Contains(e.Error(), test.text) {
				t.Errorf("got %v, TLS: %t, may pass: %t", e, IsTLS(e.Err), retryable(e))
			}
			certificate, ok := errors.AsType[*tls.CertificateVerificationError](e)
			if ok != test.byCertificate {
				t.Errorf("got %#v", e.Err)
			} else if ok && certificate.UnverifiedCertificates[0].Subject.CommonName != "test peer" {
				t.Errorf("showed the certificate of %s", certificate.UnverifiedCertificates[0].Subject)
			}
		})
	}
}

// A name that doesn't exist won't come to exist; a name server that has trouble may get over it.
func TestNameResolution(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer    byte // RCODE of RFC 1035, section 4.1.1
		retryable bool
	}{
		"no such name":   {3, false},
		"server failure": {2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			go func() {
				for {
					query := make([]byte, 512)
					n, from, err := server.ReadFrom(query)
					if err != nil {
						return
					}
					query[2], query[3] = 0x81, 0x80|test.answer
					query[11] = 0 // no additional record
					_, _ = server.WriteTo(query[:n], from)
				}
			}()
			resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
			}}
			e := failure(t, wired(t, "https://cas.test.", func(_ *Config, transport *http.Transport) {
				transport.DialContext = (&net.Dialer{Resolver: resolver}).DialContext
			}))
			dns, ok := errors.AsType[*net.DNSError](e)
			if e.Kind != NotReached || !ok || dns.Name != "cas.test." || retryable(e) != test.retryable {
				t.Errorf("got %v, may pass: %t", e, retryable(e))
			}
		})
	}
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	const password = "hush-hush-hush"
	for name, test := range map[string]struct {
		answer    string
		status    int
		retryable bool
	}{
		"authentication": {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n<html>", 407, false},
		"forbidden":      {"HTTP/1.1 403 Forbidden\r\n\r\n", 403, false},
		"bad gateway":    {"HTTP/1.1 502 Bad Gateway\r\n\r\n", 502, true},
		"unknown":        {"HTTP/1.1 501 Not Implemented\r\n\r\n", 501, false},
		"closes":         {"", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, says(test.answer))
			e := failure(t, wired(t, "https://cas.test", func(_ *Config, transport *http.Transport) {
				transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("user", password), Host: address})
			}))
			proxy, ok := errors.AsType[*ProxyError](e)
			if e.Kind != NotReached || ok != (test.status > 0) || retryable(e) != test.retryable || strings.Contains(e.Error(), password) {
				t.Errorf("got %v, may pass: %t", e, retryable(e))
			}
			if ok && (proxy.Proxy != address || proxy.Status != test.status) {
				t.Errorf("got %#v", proxy)
			}
		})
	}
}

func TestProxyDown(t *testing.T) {
	t.Parallel()
	e := failure(t, wired(t, "https://cas.test", func(_ *Config, transport *http.Transport) {
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("user", "hush"), Host: "127.0.0.1:1"})
	}))
	op, ok := errors.AsType[*net.OpError](e)
	if !ok || op.Op != "proxyconnect" || !retryable(e) || strings.Contains(e.Error(), "hush") {
		t.Errorf("got %v", e)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	server := castest.Start(castest.Options{})
	defer server.Close()
	var lines bytes.Buffer
	client := wired(t, server.URL(), func(c *Config, _ *http.Transport) {
		c.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{
			Level: LevelTrace,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				switch a.Key {
				case slog.TimeKey, slog.LevelKey:
					return slog.Attr{}
				case "duration":
					_, err := time.ParseDuration(a.Value.String())
					return slog.Bool("timed", err == nil)
				}
				return a
			},
		}))
	})
	server.Script(castest.Body(200, "", golden), castest.Body(400, "", `{"Code":"Throttling","RequestId":"R-1"}`), castest.Reset())
	for range 3 {
		_, _ = ask(t, client)
	}
	const line = "msg=GetAssetCount method=POST endpoint=ENDPOINT attempt=1 "
	want := line + "status=200 bytes=" + strconv.Itoa(len(golden)) + " timed=true request_id=EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E\n" +
		line + `status=400 bytes=39 timed=true request_id=R-1 error="throttled (Throttling)"` + "\n" +
		line + `status=0 bytes=0 timed=true request_id="" error="not reached: `
	if got := strings.ReplaceAll(lines.String(), server.URL(), "ENDPOINT"); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(lines.String(), castest.DefaultKey.AccessKeySecret) || strings.Contains(lines.String(), "Signature") {
		t.Errorf("shows a secret:\n%s", lines.String())
	}
}
