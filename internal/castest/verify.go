package castest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
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

// verify returns why the service would refuse the call, or nil. A call that it accepts uses up its nonce.
func (s *Server) verify(r *http.Request, body []byte, now time.Time) *Error {
	auth := parseAuthorization(r.Header.Get("Authorization"))
	for _, refusal := range []func() *Error{
		func() *Error { return checkOperation(r) },
		func() *Error { return checkSignedHeaders(r, auth) },
		func() *Error { return checkDate(r, now) },
		func() *Error { return s.checkKey(r, auth, now) },
		func() *Error { return s.checkSignature(r, body, auth) },
		func() *Error { return s.checkNonce(r) },
	} {
		if err := refusal(); err != nil {
			return err
		}
	}
	return nil
}

func checkOperation(r *http.Request) *Error {
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		return &Error{Status: http.StatusForbidden, Code: "UnsupportedHTTPMethod", Message: "This http method is not supported."}
	case r.URL.Path != "/" || r.Header.Get("X-Acs-Action") != action:
		return &Error{
			Status: http.StatusNotFound, Code: "InvalidApi.NotFound",
			Message: "Specified api is not found, please check your url and method.",
		}
	case r.Header.Get("X-Acs-Version") != version:
		return &Error{Status: http.StatusNotFound, Code: "InvalidVersion", Message: "Specified parameter Version is not valid."}
	}
	return nil
}

// authorization is what an Authorization header says.
type authorization struct {
	accessKeyID   string
	signedHeaders []string
}

// parseAuthorization returns what it understands of header: the zero value if that isn't one of this algorithm.
func parseAuthorization(header string) (auth authorization) {
	fields, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return auth
	}
	for field := range strings.SplitSeq(fields, ",") {
		switch name, value, _ := strings.Cut(field, "="); name {
		case "Credential":
			auth.accessKeyID = value
		case "SignedHeaders":
			auth.signedHeaders = strings.Split(value, ";")
		}
	}
	return auth
}

// checkSignedHeaders wants every header signed that says what is asked, by whom and when, whether it has to be there or
// just is.
func checkSignedHeaders(r *http.Request, auth authorization) *Error {
	want := []string{"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
	for name := range r.Header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-acs-") {
			want = append(want, name)
		}
	}
	for _, name := range want {
		if !slices.Contains(auth.signedHeaders, name) || name != "host" && r.Header.Get(name) == "" {
			return badRequest("IncompleteSignature",
				"The request signature does not conform to Aliyun standards: "+name+" is missing or not signed.")
		}
	}
	return nil
}

func checkDate(r *http.Request, now time.Time) *Error {
	date, err := time.Parse(dateLayout, r.Header.Get("X-Acs-Date"))
	if err != nil {
		return badRequest("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
	}
	if now.Sub(date).Abs() > maxSkew {
		return badRequest("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	return nil
}

func (s *Server) checkKey(r *http.Request, auth authorization, now time.Time) *Error {
	key, ok := s.keys[auth.accessKeyID]
	token := r.Header.Get("X-Acs-Security-Token")
	switch {
	case !ok:
		return &Error{Status: http.StatusNotFound, Code: "InvalidAccessKeyId.NotFound", Message: "Specified access key is not found."}
	case token == "" && key.SecurityToken != "":
		return badRequest("MissingSecurityToken", "SecurityToken is mandatory for this action.")
	case token != key.SecurityToken && s.knowsToken(token):
		return badRequest("InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey.")
	case token != key.SecurityToken:
		return badRequest("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
	case !key.Expires.IsZero() && !now.Before(key.Expires):
		return badRequest("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
	}
	return nil
}

func (s *Server) knowsToken(token string) bool {
	for _, key := range s.keys {
		if key.SecurityToken == token {
			return true
		}
	}
	return false
}

// checkSignature compares the whole Authorization header with what the vendor's SDK sends for the same request.
func (s *Server) checkSignature(r *http.Request, body []byte, auth authorization) *Error {
	mismatch := badRequest("SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
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
	want := openapi.GetAuthorization(request, new(algorithm), &bodyHash,
		&auth.accessKeyID, new(s.keys[auth.accessKeyID].AccessKeySecret))
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(*want)) != 1 {
		return mismatch
	}
	return nil
}

func (s *Server) checkNonce(r *http.Request) *Error {
	nonce := r.Header.Get("X-Acs-Signature-Nonce")
	if s.nonces[nonce] {
		return badRequest("SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	s.nonces[nonce] = true
	return nil
}

func badRequest(code, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Message: message}
}
