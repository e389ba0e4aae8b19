package cas

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

const childEndpoint = "CAS_TEST_ENDPOINT"

// TestChild is run by itself in a process of its own, because net/http and crypto/x509 read the environment once.
func TestChild(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv(childEndpoint)
	if endpoint == "" {
		return
	}
	count, err := ask(t, wired(t, endpoint))
	if err != nil {
		fmt.Println("result:", err)
		return
	}
	fmt.Println("result:", *count.Point)
}

// child asks endpoint in a process that has these variables, and returns what it says.
func child(t *testing.T, endpoint string, env ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestChild$")
	cmd.Env = append([]string{childEndpoint + "=" + endpoint}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "hush") {
		t.Errorf("shows a password:\n%s", out)
	}
	_, result, _ := strings.Cut(string(out), "result: ")
	result, _, _ = strings.Cut(result, "\n")
	return result
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	root, stranger := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	own, strangers := filepath.Join(dir, "roots.pem"), filepath.Join(dir, "strangers.pem")
	for name, data := range map[string][]byte{own: root.pem(), strangers: stranger.pem()} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewUnstartedServer(castest.New(castest.Options{}))
	server.TLS = root.server(t, "cas.test", time.Time{})
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	asked := make(chan *http.Request, 1)
	proxy := listen(t, func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		asked <- request
		tunnel(t.Context(), conn, server.Listener.Addr().String())
	})

	if got := child(t, "https://cas.test", "HTTPS_PROXY=http://user:hush@"+proxy, "SSL_CERT_FILE="+own); got != "92" {
		t.Errorf("through the proxy: got %s", got)
	}
	var request *http.Request
	select {
	case request = <-asked:
	default:
		t.Fatal("the proxy wasn't asked")
	}
	if request.Method != http.MethodConnect || request.Host != "cas.test:443" ||
		request.Header.Get("Proxy-Authorization") != "Basic dXNlcjpodXNo" || request.Header.Get("Authorization") != "" {
		t.Errorf("the proxy was asked %s %s with %v", request.Method, request.Host, request.Header)
	}
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"other roots": {
			[]string{"https_proxy=http://" + proxy, "SSL_CERT_FILE=" + strangers, "SSL_CERT_DIR=" + dir + "/none"},
			"get asset count: not reached: tls: failed to verify certificate: x509: certificate signed by unknown authority",
		},
		"a proxy without a host": {
			[]string{"HTTPS_PROXY=user:hush@%zz"},
			"get asset count: not reached: the address of the proxy in HTTPS_PROXY isn't a valid URL",
		},
		"a proxy with a slip": {
			[]string{"HTTPS_PROXY=http://user:hush@127.0.0.1:port"},
			"get asset count: not reached: the address of the proxy in HTTPS_PROXY isn't a valid URL",
		},
		"a proxy of no kind": {
			[]string{"HTTPS_PROXY=foo://user:hush@127.0.0.1:1"},
			"get asset count: not reached: proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := child(t, "https://cas.test", test.env...); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s", got)
			}
		})
	}
}

// tunnel accepts a CONNECT and carries bytes both ways until one side closes.
func tunnel(ctx context.Context, conn net.Conn, address string) {
	onward, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(onward, conn)
		_ = onward.Close()
	}()
	_, _ = io.Copy(conn, onward)
}
