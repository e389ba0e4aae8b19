package egress

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/peer"
)

// named returns the name of a variable as an error has it: Windows knows no case.
func named(variable string) string {
	if runtime.GOOS == "windows" {
		return strings.ToUpper(variable)
	}
	return variable
}

// proxied responds to CONNECT with status, and serves the tunnel if that is 200.
func proxied(requested chan<- *http.Request, status string, serve func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		requested <- req
		_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\n\r\n")
		if strings.HasPrefix(status, "200") {
			serve(conn)
		}
	}
}

func TestProxyIsUsed(t *testing.T) {
	requested := make(chan *http.Request, 1)
	service := secured(certified(trusted, "cas.test"), peer.Says(ok+"\r\n"))
	for name, test := range map[string]struct {
		scheme string
		serve  func(net.Conn)
	}{
		"http":  {scheme: "http", serve: proxied(requested, "200 OK", service)},
		"https": {scheme: "https", serve: secured(certified(trusted, "127.0.0.1"), proxied(requested, "200 OK", service))},
		"none":  {serve: proxied(requested, "200 OK", service)},
	} {
		for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
			t.Run(name+" in "+variable, func(t *testing.T) {
				address := peer.Listen(t, test.serve)
				if test.scheme != "" {
					address = test.scheme + "://user:hu%25sh@" + address + "/"
				}
				t.Setenv(variable, address)
				if _, err := post(t, "https://cas.test"); err != nil {
					t.Fatal(err)
				}
				req := <-requested
				if req.Method != http.MethodConnect {
					t.Errorf("got method %s, want %s", req.Method, http.MethodConnect)
				}
				if want := "cas.test:443"; req.Host != want {
					t.Errorf("got host %s, want %s", req.Host, want)
				}
				want := ""
				if test.scheme != "" {
					want = "Basic " + base64.StdEncoding.EncodeToString([]byte("user:hu%sh"))
				}
				if got := req.Header.Get("Proxy-Authorization"); got != want {
					t.Errorf("got Proxy-Authorization %q, want %q", got, want)
				}
			})
		}
	}
}

func TestProxyOf(t *testing.T) {
	for name, test := range map[string]struct {
		env     map[string]string
		address string
		want    string
	}{
		"none": {address: "https://cas.test", want: ""},
		"upper case": {
			env: map[string]string{"HTTPS_PROXY": "http://a.test:1"}, address: "https://cas.test", want: "http://a.test:1",
		},
		"lower case first": {
			env: map[string]string{"HTTPS_PROXY": "http://a.test:1", "https_proxy": "b.test"}, address: "https://cas.test", want: "http://b.test",
		},
		"loopback": {env: map[string]string{"HTTPS_PROXY": "http://a.test:1"}, address: "https://127.0.0.1:8443", want: ""},
		"exception": {
			env: map[string]string{"HTTPS_PROXY": "http://a.test:1", "NO_PROXY": ".test"}, address: "https://cas.test", want: "",
		},
		"another's exception": {
			env: map[string]string{"HTTPS_PROXY": "http://a.test:1", "no_proxy": "sts.test"}, address: "https://cas.test", want: "http://a.test:1",
		},
		"exception, absolute host": {
			env:     map[string]string{"HTTPS_PROXY": "http://a.test:1", "NO_PROXY": "other.test, aliyuncs.com"},
			address: "https://cas.aliyuncs.com.:443", want: "",
		},
		"absolute exceptions": {
			env:     map[string]string{"HTTPS_PROXY": "http://a.test:1", "NO_PROXY": ".cas.test.:443 ,aliyuncs.com."},
			address: "https://cas.aliyuncs.com", want: "",
		},
		"absolute exception of another port": {
			env:     map[string]string{"HTTPS_PROXY": "http://a.test:1", "NO_PROXY": "aliyuncs.com.:444"},
			address: "https://cas.aliyuncs.com", want: "http://a.test:1",
		},
		"invalid, but not needed": {env: map[string]string{"HTTPS_PROXY": "http://%", "NO_PROXY": "*"}, address: "https://cas.test", want: ""},
		"plain": {
			env: map[string]string{"HTTP_PROXY": "http://a.test:1", "http_proxy": "http://a.test:1"}, address: "http://100.100.100.200", want: "",
		},
		"plain, both": {
			env:     map[string]string{"HTTP_PROXY": "http://a.test:1", "HTTPS_PROXY": "http://a.test:1"},
			address: "http://100.100.100.200", want: "",
		},
		"plain, invalid": {
			env: map[string]string{"HTTP_PROXY": "http://%", "HTTPS_PROXY": "http://%"}, address: "http://100.100.100.200", want: "",
		},
		"the other's":   {env: map[string]string{"HTTP_PROXY": "http://a.test:1"}, address: "https://cas.test", want: ""},
		"SOCKS":         {env: map[string]string{"HTTPS_PROXY": "socks5://a.test:1"}, address: "https://cas.test", want: "socks5://a.test:1"},
		"SOCKS's names": {env: map[string]string{"HTTPS_PROXY": "socks5h://a.test"}, address: "https://cas.test", want: "socks5h://a.test"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range slices.Sorted(maps.Keys(test.env)) { // on Windows, the last of two that differ in case counts
				t.Setenv(variable, test.env[variable])
			}
			u, err := proxyOf(request(t, test.address))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if u != nil {
				got = u.String()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What isn't exactly a proxy's URL, as TestParseURLSaysWhy and TestParseAddress have it, is an
// error that names the variable, and nothing is sent.
func TestInvalidProxy(t *testing.T) {
	for name, value := range map[string]string{
		"raw percent, no scheme": "user:50%hush@proxy.test:1",
		"newline after it":       "http://user:hush@proxy.test:1\n",
		"fragment":               "user:p#hush@proxy.test:1",
		"fragment after a port":  "http://user:1#hush@proxy.test:1",
		"query after a port":     "http://user:1?hush@proxy.test:1",
		"path after a port":      "http://user:1/hush@proxy.test:1",
		"scheme twice":           "http://http://user:hush@proxy.test:1",
		"unknown scheme":         "ftp://user:hush@proxy.test:1",
		"two proxies":            "http://user:hush@proxy.test:1,http://proxy.test:1",
		"only white space":       " ",
	} {
		for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
			t.Run(name+" in "+variable, func(t *testing.T) {
				t.Setenv(variable, value)
				_, err := post(t, "https://cas.test", func(transport *http.Transport) {
					transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
						t.Error("got an address dialled, want none")
						return nil, net.ErrClosed
					}
				})
				if e := failed(t, err); e.Kind != InvalidProxy || e.Variable != named(variable) {
					t.Errorf("got %v, want kind %q and variable %q", e, InvalidProxy, named(variable))
				}
				if strings.Contains(err.Error(), "hush") {
					t.Errorf("got %v, want the password left out", err)
				}
			})
		}
	}
}

func TestProxyFails(t *testing.T) {
	requested := make(chan *http.Request, 100)
	refuses := func(status string) func(net.Conn) { return proxied(requested, status, nil) }
	for name, test := range map[string]struct {
		scheme string // http where there is none
		serve  func(net.Conn)
		kind   Kind
		status int
		may    bool // pass
		peer   bool // has failed, not the proxy
	}{
		"authentication":     {serve: refuses("407 Proxy Authentication Required"), kind: ProxyRefuses, status: 407},
		"redirected":         {serve: refuses("302 Found\r\nLocation: http://portal.test/"), kind: ProxyRefuses, status: 302},
		"bad gateway":        {serve: refuses("502 Bad Gateway"), kind: ProxyRefuses, status: 502, may: true},
		"not HTTP":           {serve: peer.Says("SSH-2.0-OpenSSH\r\n\r\n"), kind: Malformed},
		"closes":             {serve: peer.Says(""), kind: ConnectionFailed, may: true},
		"TLS to a plain one": {scheme: "https", serve: peer.Says("HTTP/1.1 400 Bad Request\r\n\r\n"), kind: NotTLS},
		"not trusted":        {scheme: "https", serve: secured(certified(stranger, "127.0.0.1"), peer.Says("")), kind: Untrusted},
		"refuses, encrypted": {
			scheme: "https", serve: secured(certified(trusted, "127.0.0.1"), refuses("403 Forbidden")), kind: ProxyRefuses, status: 403,
		},
		"no SOCKS": {scheme: "socks5", serve: peer.Says("HTTP/1.1 400 Bad Request\r\n\r\n"), kind: ConnectionFailed, may: true},
		"peer not trusted": {
			serve: proxied(requested, "200 OK", secured(certified(stranger, "cas.test"), peer.Says(""))), kind: Untrusted, peer: true,
		},
		"peer not TLS": {serve: proxied(requested, "200 OK", peer.Says("HTTP/1.1 400 Bad Request\r\n\r\n")), kind: NotTLS, peer: true},
		"peer closes":  {serve: proxied(requested, "200 OK", peer.Says("")), kind: ConnectionFailed, may: true, peer: true},
		"peer closes, in TLS": {
			serve: proxied(requested, "200 OK", secured(certified(trusted, "cas.test"), peer.Says(""))),
			kind:  ConnectionFailed, may: true, peer: true,
		},
		"peer not TLS, encrypted": {
			scheme: "https",
			serve:  secured(certified(trusted, "127.0.0.1"), proxied(requested, "200 OK", peer.Says("HTTP/1.1 400 Bad Request\r\n\r\n"))),
			kind:   NotTLS, peer: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := peer.Listen(t, test.serve)
			scheme := test.scheme
			if scheme == "" {
				scheme = "http"
			}
			t.Setenv("HTTPS_PROXY", scheme+"://user:hush-hush@"+address)
			_, err := post(t, "https://cas.test")
			e := failed(t, err)
			if e.Kind != test.kind {
				t.Errorf("got %v, want kind %q", e, test.kind)
			}
			if e.Status != test.status {
				t.Errorf("got HTTP %d, want %d", e.Status, test.status)
			}
			if e.Temporary() != test.may {
				t.Errorf("may pass: got %t, want %t", e.Temporary(), test.may)
			}
			if want := name == "peer closes"; e.InHandshake != want {
				t.Errorf("in the handshake: got %t, want %t", e.InHandshake, want)
			}
			if wantProxy := map[bool]string{false: address}[test.peer]; e.Proxy != wantProxy {
				t.Errorf("got proxy %q, want %q", e.Proxy, wantProxy)
			}
			if wantVariable := map[bool]string{false: "HTTPS_PROXY"}[test.peer]; e.Variable != wantVariable {
				t.Errorf("got variable %q, want %q", e.Variable, wantVariable)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want the password left out", err)
			}
		})
	}
}

func TestConnecting(t *testing.T) {
	for name, test := range map[string]struct {
		failure error // nil to dial a port that is closed
		kind    Kind
	}{
		"no such name":        {failure: &net.DNSError{Err: "no such host", IsNotFound: true}, kind: NoSuchHost},
		"name server failure": {failure: &net.DNSError{Err: "server misbehaving", IsTemporary: true}, kind: DNSFailed},
		"name server silent":  {failure: &net.DNSError{Err: "i/o timeout", IsTimeout: true}, kind: DNSFailed},
		"silent":              {failure: os.ErrDeadlineExceeded, kind: TimedOut},
		"no route":            {failure: &net.OpError{Err: errors.New("network is unreachable")}, kind: ConnectionFailed},
		"closed at once":      {failure: errors.New("http: server closed idle connection"), kind: ConnectionFailed},
		"refused":             {kind: Refused},
	} {
		for _, proxy := range []string{"", "proxy.test:3128"} {
			t.Run(name+" "+proxy, func(t *testing.T) {
				t.Setenv("https_proxy", proxy)
				_, err := post(t, "https://cas.test", func(transport *http.Transport) {
					transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
						if test.failure == nil {
							return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:1")
						}
						return nil, test.failure
					}
				})
				variable := ""
				if proxy != "" {
					variable = named("https_proxy")
				}
				if e := failed(t, err); e.Kind != test.kind || e.Proxy != proxy || e.Variable != variable {
					t.Errorf("got %v, want kind %q, proxy %q and variable %q", e, test.kind, proxy, variable)
				}
			})
		}
	}
}

// A connection through a proxy that is used again can only fail at the peer.
func TestReusedConnectionFailsAtThePeer(t *testing.T) {
	t.Setenv("HTTPS_PROXY", peer.Listen(t, proxied(make(chan *http.Request, 1), "200 OK",
		secured(certified(trusted, "cas.test"), func(conn net.Conn) {
			answers(1)(conn)
			_, _ = conn.Read(make([]byte, 1))
		}))))
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	if _, err := Send(transport, request(t, "https://cas.test"), time.Minute); err != nil {
		t.Fatal(err)
	}
	_, err := Send(transport, request(t, "https://cas.test"), time.Minute)
	if e := failed(t, err); e.Kind != ConnectionFailed || e.Proxy != "" || e.Variable != "" {
		t.Errorf("got %v, want kind %q and no proxy", e, ConnectionFailed)
	}
}
