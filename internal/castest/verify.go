package castest

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

const (
	action     = "GetAssetCount"
	version    = "2020-04-07"
	algorithm  = "ACS3-HMAC-SHA256"
	dateLayout = "2006-01-02T15:04:05Z"
	maxSkew    = 15 * time.Minute
)

// DefaultKey is the key that a fake knows unless it is given others.
var DefaultKey = Key{AccessKeyID: "LTAI5tCasTestAccessKeyId", AccessKeySecret: "cAsTeStAcCeSsKeYsEcReT00000000"}

// Key is an access key that a fake knows.
type Key struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string    // makes the key a temporary one
	Expires         time.Time // of a temporary key; zero is never
}

// keyring holds the keys that a fake knows, and what it accepts once. Its mutex is the fake's.
type keyring struct {
	mu   sync.Mutex
	keys map[string]Key
	used map[string]bool // nonces and refresh tokens
}

func newKeyring(keys ...Key) *keyring {
	k := &keyring{keys: make(map[string]Key), used: make(map[string]bool)}
	for _, key := range keys {
		k.keys[key.AccessKeyID] = key
	}
	return k
}

// AddKey makes the fake know key.
func (k *keyring) AddKey(key Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[key.AccessKeyID] = key
}

// RemoveKey makes the fake forget the key of that access key ID.
func (k *keyring) RemoveKey(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, id)
}

// checkNonce accepts each nonce once.
func (k *keyring) checkNonce(nonce string) *Error {
	if nonce == "" || k.used[nonce] {
		return refuse(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	k.used[nonce] = true
	return nil
}

// verify returns why the service would refuse the call, or nil. A call that it accepts uses up its
// nonce.
func (s *Server) verify(r *http.Request, body []byte) *Error {
	if err := cmp.Or(checkOperation(r), checkDate(r.Header.Get("X-Acs-Date")),
		s.checkKey(accessKeyID(r), r.Header.Get("X-Acs-Security-Token")), s.checkSignature(r, body)); err != nil {
		return err
	}
	return s.checkNonce(r.Header.Get("X-Acs-Signature-Nonce"))
}

func checkOperation(r *http.Request) *Error {
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		return refuse(403, "UnsupportedHTTPMethod", "This http method is not supported.")
	case r.URL.Path != "/" || r.Header.Get("X-Acs-Action") != action:
		return refuse(404, "InvalidApi.NotFound", "Specified api is not found, please check your url and method.")
	case r.Header.Get("X-Acs-Version") != version:
		return refuse(404, "InvalidVersion", "Specified parameter Version is not valid.")
	}
	return nil
}

// checkDate requires a date to be at most 15 minutes off.
func checkDate(text string) *Error {
	date, err := time.Parse(dateLayout, text)
	if err != nil {
		return refuse(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
	}
	if time.Since(date).Abs() > maxSkew {
		return refuse(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	return nil
}

// accessKeyID returns that of the Authorization header, which is compared as a whole later.
func accessKeyID(r *http.Request) string {
	_, field, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	field, _, _ = strings.Cut(field, ",")
	return field
}

// checkKey requires a key that is known, with its own security token.
func (k *keyring) checkKey(id, token string) *Error {
	key, known := k.keys[id]
	switch {
	case !known:
		return refuse(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	case token == "" && key.SecurityToken != "":
		return refuse(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
	case token != key.SecurityToken:
		return refuse(400, "InvalidSecurityToken.MismatchWithAccessKey",
			"Specified SecurityToken is mismatched with the AccessKey.")
	case !key.Expires.IsZero() && !time.Now().Before(key.Expires):
		return refuse(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
	}
	return nil
}

// checkSignature compares the whole Authorization header with what the vendor's SDK sends for the
// same request: a signature over every header of the protocol, whether required or optional.
func (s *Server) checkSignature(r *http.Request, body []byte) *Error {
	mismatch := refuse(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
	sum := sha256.Sum256(body)
	bodyHash := hex.EncodeToString(sum[:])
	if r.Header.Get("X-Acs-Content-Sha256") != bodyHash {
		return mismatch
	}
	request := dara.NewRequest()
	request.Method = new(r.Method)
	request.Pathname = new(r.URL.EscapedPath())
	request.Headers["host"] = new(r.Host)
	for name, values := range r.Header {
		request.Headers[strings.ToLower(name)] = new(strings.Join(values, ","))
	}
	for name, values := range r.URL.Query() {
		request.Query[name] = new(strings.Join(values, ","))
	}
	key := s.keys[accessKeyID(r)]
	want := openapi.GetAuthorization(request, new(algorithm), &bodyHash, &key.AccessKeyID, &key.AccessKeySecret)
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(*want)) != 1 {
		return mismatch
	}
	return nil
}

func refuse(status int, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message}
}
