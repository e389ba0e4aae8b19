package castest

import (
	"crypto/rand"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"
)

// Issuer stands in for everything that issues credentials: STS, CloudSSO, OAuth, the ECS metadata
// service and a server behind a credentials URI.
//
// It is also a proxy, for HTTPS_PROXY, that responds for every host itself. So clients whose
// addresses can't be changed, such as oauth.aliyun.com, reach it and nothing else. Trust [CertPEM],
// as [Isolate] does.
type Issuer struct {
	plain, secure *httptest.Server

	*keyring
	scripts map[string][]http.HandlerFunc
	issued  []Key
	calls   []Issue
	onIssue func(*Key)
}

// Issue is a call of an [Issuer], as it was received.
type Issue struct {
	Service     string // sts, cloudsso, oauth, metadata or uri
	Host        string
	Action      string // of STS, else the path
	AccessKeyID string // of the caller, where it signed
	Token       string // bearer, refresh, OIDC or metadata token of the caller
	Parameters  map[string]string
	Issued      string // access key ID in the response, empty for none

	Method      string
	Query, Form url.Values // of the address, and of the body
	Header      http.Header
}

// Tokens that an Issuer accepts, each where it belongs. OAuth takes every refresh token that begins
// with this one, and each of them once.
const (
	OIDCToken         = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYXN0ZXN0In0.b2lkYy1zaWduYXR1cmU"
	SSOAccessToken    = "sso-access-token-0f5ab8d1c6"
	OAuthAccessToken  = "oauth-access-token-77e1b0c2d9"
	OAuthRefreshToken = "oauth-refresh-token-5d2c91aa40"
	MetadataRole      = "castest-role"

	metadataToken = "metadata-token-3b5d"
)

// StartIssuer returns an issuer that listens on two free ports of 127.0.0.1 and knows DefaultKey.
// It panics if it can't.
func StartIssuer() *Issuer {
	i := &Issuer{
		keyring: newKeyring(DefaultKey),
		scripts: make(map[string][]http.HandlerFunc),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", i.serve("sts", i.sts))
	mux.HandleFunc("/cloud-credentials", i.serve("cloudsso", i.cloudSSO))
	mux.HandleFunc("/v1/token", i.serve("oauth", i.oauthToken))
	mux.HandleFunc("/v1/exchange", i.serve("oauth", i.oauthExchange))
	mux.HandleFunc("/latest/api/token", i.serve("metadata", i.metadataToken))
	mux.HandleFunc("/latest/meta-data/ram/security-credentials/", i.serve("metadata", i.metadata))
	mux.HandleFunc("/credentials", i.serve("uri", i.uri))
	i.secure = listen(mux, true)
	i.plain = listen(i.proxy(mux), false)
	return i
}

// Close cuts every connection.
func (i *Issuer) Close() {
	stop(i.plain)
	stop(i.secure)
}

// STSEndpoint is the host and port of the fake STS, which serves https.
func (i *Issuer) STSEndpoint() string { return i.secure.Listener.Addr().String() }

// ProxyURL is for HTTPS_PROXY. The metadata service is at the same address.
func (i *Issuer) ProxyURL() string { return i.plain.URL }

// CredentialsURI responds with credentials, over http.
func (i *Issuer) CredentialsURI() string { return i.plain.URL + "/credentials" }

// SignInURL is where CloudSSO exchanges access tokens, over https.
func (i *Issuer) SignInURL() string { return i.secure.URL + "/cn-hangzhou/login" }

// OnIssue has do called with every key that is issued from now on, which it may change.
func (i *Issuer) OnIssue(do func(*Key)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.onIssue = do
}

// Script has steps respond to the next calls of a service, one each.
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

// serve records a call of a service and responds as scripted, else with respond.
func (i *Issuer) serve(service string, respond func(*http.Request, *Issue) (any, *Error)) http.HandlerFunc {
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
			refused.ServeHTTP(w, r)
		case isText:
			_, _ = io.WriteString(w, text)
		default:
			Body(http.StatusOK, jsonType, string(encode(body)))(w, r)
		}
	}
}

// issue makes a temporary key; its token needs escaping wherever it goes.
func (i *Issuer) issue() Key {
	key := Key{
		AccessKeyID:     "STS.NT" + rand.Text(),
		AccessKeySecret: rand.Text() + "+/=",
		SecurityToken:   "CAIS+/" + rand.Text() + rand.Text() + "==",
		Expires:         time.Now().Add(time.Hour).UTC().Truncate(time.Second),
	}
	if i.onIssue != nil {
		i.onIssue(&key)
	}
	i.keys[key.AccessKeyID] = key
	i.issued = append(i.issued, key)
	return key
}

func (k Key) fields() map[string]any {
	return map[string]any{
		"AccessKeyId": k.AccessKeyID, "AccessKeySecret": k.AccessKeySecret, "SecurityToken": k.SecurityToken,
		"Expiration": k.Expires.Format(dateLayout),
	}
}

// proxy responds for every host: https in a tunnel to the issuer itself, http with mux.
func (i *Issuer) proxy(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			mux.ServeHTTP(w, r)
			return
		}
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
			_ = i.secure.Config.Serve(&single{tls.Server(conn, serverTLS())})
		}
	})
}
