package castest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Issuer stands in for everything that issues credentials: STS, CloudSSO, OAuth, the ECS metadata service and a server
// behind a credentials URI.
//
// It is also a proxy, for HTTPS_PROXY, that responds for every host itself. So clients whose addresses can't be changed, such
// as oauth.aliyun.com, reach it and nothing else. Trust [CertPEM], as [Isolate] does.
type Issuer struct {
	plain, secure *httptest.Server

	mu      sync.Mutex
	keys    map[string]Key
	nonces  map[string]bool
	used    map[string]bool // refresh tokens
	scripts map[string][]http.HandlerFunc
	issued  []Key
	calls   []Issue
	expires time.Duration
	onIssue func(Key)
}

// Issue is a call of an [Issuer], as it was asked.
type Issue struct {
	Service     string // sts, cloudsso, oauth, metadata or uri
	Host        string
	Action      string // of STS, else the path
	AccessKeyID string // of the caller, where it signed
	Token       string // bearer, refresh, OIDC or metadata token of the caller
	Parameters  map[string]string
	Issued      string // access key ID that it was answered with, empty for none

	Method      string
	Query, Form url.Values // of the address, and of the body
	Header      http.Header
}

// Tokens that an Issuer accepts, each where it belongs. OAuth takes every refresh token that begins with this one, and each
// of them once.
const (
	OIDCToken         = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYXN0ZXN0In0.b2lkYy1zaWduYXR1cmU"
	SSOAccessToken    = "sso-access-token-0f5ab8d1c6"
	OAuthAccessToken  = "oauth-access-token-77e1b0c2d9"
	OAuthRefreshToken = "oauth-refresh-token-5d2c91aa40"
	MetadataRole      = "castest-role"

	metadataToken = "metadata-token-3b5d"
)

// StartIssuer returns an issuer that listens on two free ports of 127.0.0.1 and knows DefaultKey. It panics if it can't.
func StartIssuer() *Issuer {
	i := &Issuer{
		keys:    map[string]Key{DefaultKey.AccessKeyID: DefaultKey},
		nonces:  make(map[string]bool),
		used:    make(map[string]bool),
		scripts: make(map[string][]http.HandlerFunc),
		expires: time.Hour,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", i.serve("sts", i.sts))
	mux.HandleFunc("/cloud-credentials", i.serve("cloudsso", i.cloudSSO))
	mux.HandleFunc("/v1/token", i.serve("oauth", i.oauthToken))
	mux.HandleFunc("/v1/exchange", i.serve("oauth", i.oauthExchange))
	mux.HandleFunc("/latest/api/token", i.serve("metadata", i.metadataToken))
	mux.HandleFunc("/latest/meta-data/ram/security-credentials/", i.serve("metadata", i.metadata))
	mux.HandleFunc("/credentials", i.serve("uri", i.uri))
	quiet := log.New(io.Discard, "", 0)

	i.secure = httptest.NewUnstartedServer(mux)
	i.secure.Config.ErrorLog = quiet
	i.secure.TLS = serverTLS()
	i.secure.TLS.GetCertificate = certificateFor // only for those who ask for a host by its name
	i.secure.StartTLS()
	i.plain = httptest.NewUnstartedServer(i.proxy(mux))
	i.plain.Config.ErrorLog = quiet
	i.plain.Start()
	return i
}

// Close cuts every connection.
func (i *Issuer) Close() {
	for _, s := range []*httptest.Server{i.plain, i.secure} {
		_ = s.Listener.Close()
		s.CloseClientConnections()
		s.Close()
	}
}

// STSEndpoint is the host and port of the fake STS, which serves https.
func (i *Issuer) STSEndpoint() string { return i.secure.Listener.Addr().String() }

// ProxyURL is for HTTPS_PROXY.
func (i *Issuer) ProxyURL() string { return i.plain.URL }

// MetadataAddress is the host and port of the fake metadata service, for [Isolate].
func (i *Issuer) MetadataAddress() string { return i.plain.Listener.Addr().String() }

// CredentialsURI responds with credentials, over http.
func (i *Issuer) CredentialsURI() string { return i.plain.URL + "/credentials" }

// SignInURL is where CloudSSO exchanges access tokens, over https.
func (i *Issuer) SignInURL() string { return i.secure.URL + "/cn-hangzhou/login" }

// AddKey makes the issuer know key as a caller.
func (i *Issuer) AddKey(key Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys[key.AccessKeyID] = key
}

// ExpireAfter sets how long what is issued from now on lives; an hour at first.
func (i *Issuer) ExpireAfter(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.expires = d
}

// OnIssue has do called with every key that is issued from now on, as with [Server.AddKey].
func (i *Issuer) OnIssue(do func(Key)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.onIssue = do
}

// Script has steps answer the next calls of a service, one each.
func (i *Issuer) Script(service string, steps ...http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.scripts[service] = append(i.scripts[service], steps...)
}

// Calls returns every call so far.
func (i *Issuer) Calls() []Issue {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]Issue(nil), i.calls...)
}

// Issued returns every key so far.
func (i *Issuer) Issued() []Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]Key(nil), i.issued...)
}

// refusal is why an issuer gives no credentials.
type refusal struct {
	status int
	code   string
	text   string
}

// serve records a call of a service and responds as scripted, else with respond.
func (i *Issuer) serve(service string, respond func(*http.Request, *Issue) (any, *refusal)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		if r.Header.Get("Content-Type") != "application/json" {
			_ = r.ParseForm()
		}
		call := Issue{
			Service: service, Host: r.Host, Action: r.URL.Path, Parameters: make(map[string]string),
			Method: r.Method, Query: r.URL.Query(), Form: r.PostForm, Header: r.Header,
		}
		for name := range r.Form {
			call.Parameters[name] = r.Form.Get(name)
		}
		i.mu.Lock()
		before := len(i.issued)
		body, refused := respond(r, &call)
		if len(i.issued) > before {
			call.Issued = i.issued[before].AccessKeyID
		}
		i.calls = append(i.calls, call)
		var step http.HandlerFunc
		if steps := i.scripts[service]; len(steps) > 0 {
			step, i.scripts[service] = steps[0], steps[1:]
		}
		i.mu.Unlock()
		w.Header().Set("X-Acs-Request-Id", newRequestID())
		switch text, isText := body.(string); {
		case step != nil:
			step(w, r)
		case refused != nil:
			Error{Status: refused.status, Code: refused.code, Message: refused.text}.ServeHTTP(w, r)
		case isText:
			_, _ = io.WriteString(w, text)
		default:
			Body(http.StatusOK, jsonType, string(encode(body)))(w, r)
		}
	}
}

// issue makes a temporary key; its token needs escaping wherever it goes.
func (i *Issuer) issue() Key {
	random := func(n int) string {
		b := make([]byte, n)
		_, _ = rand.Read(b)
		return base64.StdEncoding.EncodeToString(b)
	}
	key := Key{
		AccessKeyID:     "STS.NT" + strings.Map(alphanumeric, random(24)),
		AccessKeySecret: random(32),
		SecurityToken:   "CAIS+/" + random(64) + "==",
		Expires:         time.Now().Add(i.expires).UTC().Truncate(time.Second),
	}
	i.keys[key.AccessKeyID] = key
	i.issued = append(i.issued, key)
	if i.onIssue != nil {
		i.onIssue(key)
	}
	return key
}

func alphanumeric(r rune) rune {
	if strings.ContainsRune("+/=", r) {
		return 'x'
	}
	return r
}

func (k Key) fields() map[string]any {
	return map[string]any{
		"AccessKeyId": k.AccessKeyID, "AccessKeySecret": k.AccessKeySecret, "SecurityToken": k.SecurityToken,
		"Expiration": k.Expires.Format(dateLayout),
	}
}

// proxy responds for every host: https through a tunnel to the issuer itself, http with mux.
func (i *Issuer) proxy(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			mux.ServeHTTP(w, r)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		var dialer net.Dialer
		inner, err := dialer.DialContext(r.Context(), "tcp", i.secure.Listener.Addr().String())
		if err != nil {
			return
		}
		defer func() { _ = inner.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			_, _ = io.Copy(inner, conn)
			_ = inner.Close()
		}()
		_, _ = io.Copy(conn, inner)
	})
}

// certificateFor signs a certificate for whatever host the client asks for.
func certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	authority := certificate()
	parent, err := x509.ParseCertificate(authority.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("castest: parse certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("castest: generate key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: hello.ServerName},
		NotBefore:    parent.NotBefore,
		NotAfter:     parent.NotAfter,
		DNSNames:     []string{hello.ServerName},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, parent, key.Public(), authority.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("castest: create certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
