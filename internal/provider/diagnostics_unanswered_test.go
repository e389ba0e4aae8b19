package provider

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/peer"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// requested returns the service and the sources of credentials that are requested over https at an
// address of another machine.
func requested(t *testing.T) map[string]credential.Config {
	t.Helper()
	profile := func(inside string) credential.Config {
		path := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(path, []byte(`{"current": "p", "profiles": [{"name": "p", `+inside+`}]}`),
			0o600); err != nil {
			t.Fatal(err)
		}
		return credential.Config{Source: credential.Profile{File: path}}
	}
	keys := credential.Config{Source: credential.AccessKey{ID: castest.DefaultKey.AccessKeyID,
		Secret: castest.DefaultKey.AccessKeySecret}}
	role := keys
	role.STS.Endpoint, role.AssumeRole = "sts.test", &credential.AssumeRole{RoleARN: testRole}
	return map[string]credential.Config{
		"service": keys,
		"STS":     role,
		"OIDC": {STS: credential.STS{Endpoint: "sts.test"}, Source: credential.OIDC{
			ProviderARN: "acs:ram::1234567890123456:oidc-provider/ci", Token: castest.OIDCToken,
			AssumeRole: credential.AssumeRole{RoleARN: testRole},
		}},
		"URI": {Source: credential.URI{Address: "https://uri.test/credentials"}},
		"CloudSSO": profile(`"mode": "CloudSSO", "cloud_sso_sign_in_url": "https://sso.test", ` +
			`"cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "ac-1", "access_token": "` +
			castest.SSOAccessToken +
			`", "cloud_sso_access_token_expire": 4102444800`),
		"OAuth": profile(`"mode": "OAuth", "oauth_site_type": "CN", "oauth_access_token": "` + castest.OAuthAccessToken +
			`", "oauth_access_token_expire": 4102444800`),
	}
}

// proxyTo responds to CONNECT with status, and carries on with next.
func proxyTo(status string, next func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", status)
			next(conn)
		}
	}
}

// TestSameMistakeEverywhere makes each kind of failure happen at the service and at each source of
// credentials. The summary and the number of attempts have to be the same.
func TestSameMistakeEverywhere(t *testing.T) {
	certificate := peer.NewAuthority().Issue(time.Hour, "portal.test")
	stranger := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	nobody := peer.Listen(t, func(net.Conn) {})
	proxy := func(status string, next func(net.Conn)) string {
		return "http://user:hush-hush@" + peer.Listen(t, proxyTo(status, next))
	}
	answered := func(step http.HandlerFunc) string {
		issuer := castest.StartIssuer()
		t.Cleanup(issuer.Close)
		for _, service := range []string{"sts", "uri", "cloudsso", "oauth"} {
			issuer.Script(service, step, step, step, step)
		}
		return issuer.ProxyURL()
	}
	notHTTP := func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "SSH-2.0-hush-hush-hush\r\n\r\n")
			_ = conn.Close()
		}
	}
	for name, test := range map[string]struct {
		proxy   string // HTTPS_PROXY
		summary string
		tries   int64 // with max_retries = 1
	}{
		"unknown host": {proxy: "", summary: "Host name not resolved", tries: 1},
		"unknown proxy": {proxy: "http://user:hush-hush@proxy.test:3128", summary: "Proxy's host name not resolved",
			tries: 1},
		"name server's trouble": {proxy: "http://user:hush-hush@proxy.trouble:3128",
			summary: "Proxy's host name not resolved", tries: 2},
		"raw percent": {proxy: "http://user:50%hush-hush@" + nobody, summary: "Invalid proxy"},
		"newline":     {proxy: "http://user:hush-hush@" + nobody + "\n", summary: "Invalid proxy"},
		"fragment":    {proxy: "user:p#hush-hush@" + nobody, summary: "Invalid proxy"},
		"proxy down":  {proxy: "http://user:hush-hush@127.0.0.1:1", summary: "Proxy not reached", tries: 2},
		"407":         {proxy: proxy("407 No", peer.Says("")), summary: "Proxy refused the request", tries: 1},
		"403":         {proxy: proxy("403 No", peer.Says("")), summary: "Proxy refused the request", tries: 1},
		"502":         {proxy: proxy("502 No", peer.Says("")), summary: "Proxy refused the request", tries: 2},
		"https to a plain one": {
			proxy:   "https://user:hush-hush@" + peer.Listen(t, peer.Says("HTTP/1.1 400 No\r\n\r\n")),
			summary: "No encrypted connection to the proxy", tries: 1,
		},
		"not a proxy": {
			proxy: "http://user:hush-hush@" + peer.Listen(t, peer.Says("SSH-2.0\r\n\r\n")), summary: "Proxy not reached",
			tries: 1,
		},
		"not trusted": {
			proxy:   proxy("200 OK", func(conn net.Conn) { _ = tls.Server(conn, stranger).HandshakeContext(t.Context()) }),
			summary: "Certificate isn't trusted", tries: 1},
		"not TLS": {proxy: proxy("200 OK", peer.Says("HTTP/1.1 400 No\r\n\r\n")), summary: "No encrypted connection",
			tries: 1},
		"broken off": {proxy: proxy("200 OK", peer.Says("")), summary: "Connection failed", tries: 2},
		"redirected to http": {
			proxy:   answered(http.RedirectHandler("http://"+nobody+"/hush-hush", http.StatusTemporaryRedirect).ServeHTTP),
			summary: "Request redirected", tries: 1,
		},
		"redirected to https": {
			proxy:   answered(http.RedirectHandler("https://portal.test/hush-hush", http.StatusTemporaryRedirect).ServeHTTP),
			summary: "Request redirected", tries: 1,
		},
		"too large": {proxy: answered(castest.Body(200, "", strings.Repeat("x", egress.MaxBody+1))),
			summary: "Response too large", tries: 1},
		"not HTTP": {proxy: answered(notHTTP), summary: "Unexpected response", tries: 1},
		"a page":   {proxy: answered(castest.HTML(200)), summary: "Unexpected response", tries: 1},
		"choices":  {proxy: answered(castest.HTML(300)), summary: "Unexpected response", tries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HTTPS_PROXY", test.proxy)
			var dialled atomic.Int64
			transport := isolated.Clone()
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				dialled.Add(1)
				return isolated.DialContext(ctx, network, address)
			}
			defer transport.CloseIdleConnections()
			var lines bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: cas.LevelTrace}))
			var reads sync.WaitGroup
			sources := requested(t)
			endpoint, _ := cas.Endpoint("", "", false)
			for source, cfg := range sources {
				cfg.Logger, cfg.Transport = logger, transport
				reads.Go(func() {
					credentials := credential.New(cfg)
					_, err := cas.New(cas.Config{
						Endpoint: endpoint, Credentials: credentials, UserAgent: "test", Logger: logger,
						RequestsPerSecond: 10, MaxRetries: 1, RequestTimeout: time.Minute, Transport: transport,
					}).GetAssetCount(t.Context())
					if err == nil {
						t.Errorf("%s: got a response, want an error", source)
						return
					}
					d := diagnose(err)
					if d.Summary() != test.summary {
						t.Errorf("%s: got %q, want %q: %s", source, d.Summary(), test.summary, d.Detail())
					}
					if strings.Contains(d.Detail()+err.Error(), "hush") {
						t.Errorf("%s: got %s, want the secret left out", source, d.Detail())
					}
					if e, ok := errors.AsType[*credential.Error](err); ok && !strings.Contains(d.Detail(),
						"No credentials came from "+e.Source) {
						t.Errorf("%s: got %s, want the source named", source, d.Detail())
					}
				})
			}
			reads.Wait()
			for _, secret := range []string{
				"hush", castest.DefaultKey.AccessKeySecret, castest.OIDCToken, castest.SSOAccessToken, castest.OAuthAccessToken,
				"Signature=",
			} {
				if strings.Contains(lines.String(), secret) {
					t.Errorf("got %s… in the log, want it left out:\n%s", secret[:4], lines.String())
				}
			}
			if want := test.tries * int64(len(sources)); dialled.Load() != want {
				t.Errorf("got %d connections of all together, want %d", dialled.Load(), want)
			}
		})
	}
}
