//go:debug x509usefallbackroots=1
package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// sendingTransport is the default transport before it is replaced by one that sends nothing.
var sendingTransport = http.DefaultTransport

// setTransport sets the default transport until the test ends.
func setTransport(t *testing.T, transport http.RoundTripper) {
	t.Helper()
	intercepting := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = intercepting })
	http.DefaultTransport = transport
}

// shared responds for the addresses that can't be chosen: it is the proxy and the metadata service
// of the whole test binary.
var shared *castest.Issuer

// isolated is a transport that sends nothing beyond this machine.
var isolated *http.Transport

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "external-command" {
		os.Exit(externalCommand(os.Args[2:]))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	home, err := os.MkdirTemp("", "credential")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	shared = castest.StartIssuer()
	defer shared.Close()
	egress.Intercept()
	isolated = castest.Isolate(shared, home)
	return m.Run()
}

// externalCommand is what the External profiles of these tests run.
func externalCommand(args []string) int {
	switch args[0] {
	case "print":
		fmt.Print(args[1])
		return 0
	case "endless":
		for {
			if _, err := fmt.Println(args); err != nil {
				return 1
			}
		}
	case "agent": // which stays in the background, and keeps stdout
		agent := exec.CommandContext(context.Background(), os.Args[0], "external-command", "stay", args[1])
		agent.Stdout = os.Stdout
		if agent.Start() == nil {
			fmt.Print(args[2])
			return 0
		}
	case "stay": // until the connection is closed
		conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", args[1])
		if err == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	}
	fmt.Fprint(os.Stderr, args[1])
	return 1
}

// logged returns a logger and what it wrote.
func logged() (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), &out
}

func issuer(t *testing.T) *castest.Issuer {
	t.Helper()
	i := castest.StartIssuer()
	t.Cleanup(i.Close)
	return i
}

// fetch gets credentials from cfg and checks that none of the secrets was logged or is in the
// error.
func fetch(t *testing.T, cfg Config, secrets ...string) (*Cache, Credentials, error) {
	t.Helper()
	var out *bytes.Buffer
	cfg.Logger, out = logged()
	if cfg.Source == nil {
		cfg.Source = Default{}
	}
	if cfg.Transport == nil {
		cfg.Transport = isolated
	}
	s := New(cfg)
	c, err := s.Get(context.WithoutCancel(t.Context()))
	shown := out.String() + s.String()
	if err != nil {
		if !strings.Contains(shown, `level=WARN msg="Fetching credentials failed" source=`) {
			t.Errorf("got the log %s, want the failure in it", out)
		}
		shown += fmt.Sprintf("%v %+v %#v %v", err, err, err, asError(err).Tried)
	}
	shown += fmt.Sprintf("%v %+v %#v", c, c, c)
	secrets = append(secrets, c.AccessKeySecret, c.SecurityToken, castest.DefaultKey.AccessKeySecret,
		castest.OIDCToken, castest.SSOAccessToken, castest.OAuthAccessToken, castest.OAuthRefreshToken)
	noSecrets(t, shown, secrets...)
	return s, c, err
}

// must ends a test that can't go on after an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fetched is [fetch] that has to succeed.
func fetched(t *testing.T, cfg Config, secrets ...string) (*Cache, Credentials) {
	t.Helper()
	s, c, err := fetch(t, cfg, secrets...)
	must(t, err)
	return s, c
}

// fails is [fetch] that has to fail.
func fails(t *testing.T, cfg Config, kind egress.Kind, want string, secrets ...string) Error {
	t.Helper()
	_, _, err := fetch(t, cfg, secrets...)
	return failed(t, err, kind, want)
}

// failed checks an error's kind, and that its text has want in it.
func failed(t *testing.T, err error, kind egress.Kind, want string) Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an error of kind %s", err, kind)
	}
	if e.Kind != kind {
		t.Errorf("got kind %s, want %s: %v", e.Kind, kind, err)
	}
	if text := fmt.Sprint(err, e.Tried); !strings.Contains(text, want) {
		t.Errorf("got %s, want %q", text, want)
	}
	return *e
}

// temporary is a key that isn't known until it is added.
var temporary = castest.Key{
	AccessKeyID: "STS.NTexampleexample", AccessKeySecret: "temporary-secret", SecurityToken: "CAIS+/==",
}

// script responds to the next calls, one step each.
type script = []http.HandlerFunc

// roundTripper sends requests nowhere.
type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

const issuedBody = `{"accessKeyId": "a", "accessKeySecret": "a-secret", "securityToken": "a-token", "Code": "Success"}`

func respond(req *http.Request, status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func noSecrets(t *testing.T, shown string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(shown, secret) {
			t.Errorf("got secret %s…, want it left out:\n%s", secret[:min(6, len(secret))], shown)
		}
	}
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, content)
	return path
}
