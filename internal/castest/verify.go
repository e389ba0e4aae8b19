package castest

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
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

// verify returns why the service would refuse the call, or nil. A call that it accepts uses up its
// nonce.
func (s *Server) verify(r *http.Request, body []byte, now time.Time) *Error {
	if err := cmp.Or(checkOperation(r), checkSignedHeaders(r), checkDate(r, now),
		s.checkKey(r, now), s.checkSignature(r, body)); err != nil {
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

// authorization returns a field of the Authorization header, which is compared as a whole later.
func authorization(r *http.Request, name string) string {
	_, field, _ := strings.Cut(r.Header.Get("Authorization"), name+"=")
	field, _, _ = strings.Cut(field, ",")
	return field
}

// checkSignedHeaders requires the signature to cover every header of the protocol, whether the
// header is required or optional.
func checkSignedHeaders(r *http.Request) *Error {
	signed := strings.Split(authorization(r, "SignedHeaders"), ";")
	want := []string{"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce",
		"x-acs-content-sha256"}
	for name := range r.Header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-acs-") {
			want = append(want, name)
		}
	}
	for _, name := range want {
		if !slices.Contains(signed, name) || name != "host" && r.Header.Get(name) == "" {
			return refuse(400, "IncompleteSignature",
				"The request signature does not conform to Aliyun standards: "+name+" is missing or not signed.")
		}
	}
	return nil
}

func checkDate(r *http.Request, now time.Time) *Error {
	date, err := time.Parse(dateLayout, r.Header.Get("X-Acs-Date"))
	if err != nil {
		return refuse(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
	}
	if now.Sub(date).Abs() > maxSkew {
		return refuse(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	return nil
}

func (s *Server) checkKey(r *http.Request, now time.Time) *Error {
	key, ok := s.keys[authorization(r, "Credential")]
	token := r.Header.Get("X-Acs-Security-Token")
	switch {
	case !ok:
		return refuse(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	case token == "" && key.SecurityToken != "":
		return refuse(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
	case token != key.SecurityToken && slices.ContainsFunc(slices.Collect(maps.Values(s.keys)),
		func(other Key) bool { return token == other.SecurityToken }):
		return refuse(400, "InvalidSecurityToken.MismatchWithAccessKey",
			"Specified SecurityToken mismatch with the AccessKey.")
	case token != key.SecurityToken:
		return refuse(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
	case !key.Expires.IsZero() && !now.Before(key.Expires):
		return refuse(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
	}
	return nil
}

// checkSignature compares the whole Authorization header with what the vendor's SDK sends for the
// same request.
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
	key := s.keys[authorization(r, "Credential")]
	want := openapi.GetAuthorization(request, new(algorithm), &bodyHash, &key.AccessKeyID, &key.AccessKeySecret)
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(*want)) != 1 {
		return mismatch
	}
	return nil
}

func refuse(status int, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message}
}
