// Package openapi holds what all services of Alibaba Cloud have in common: the signature of requests (ACS3-HMAC-SHA256, that of
// version 3 of their APIs), the error codes, and the headers that say when to try again.
//
// It has no clock, no randomness and no network: time and nonce are arguments, so that a signature can be compared with
// published ones.
//
// Source: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
package openapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	algorithm  = "ACS3-HMAC-SHA256"
	dateLayout = "2006-01-02T15:04:05Z"
)

// Request is the part of a request that is signed. Its path is "/", and it has no body.
type Request struct {
	Method  string
	Host    string // as in the Host header: with the port, unless it is the scheme's own
	Query   url.Values
	Action  string
	Version string // of the API, a date such as "2020-04-07"
}

// Key is an access key.
type Key struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // empty unless the key is a temporary one
}

// Sign returns the headers that authenticate r: Authorization, and those whose names start with x-acs-. Host is signed too,
// but net/http sends it from the request's own field.
//
// The service refuses a nonce that it has seen before, and a time that is more than 15 minutes from its own, so each attempt
// needs a signature of its own.
func Sign(r Request, k Key, at time.Time, nonce string) http.Header {
	bodyHash := hexSHA256("")
	header := make(http.Header)
	var names []string
	var lines strings.Builder
	for _, h := range []struct{ name, value string }{ // sorted by name
		{"host", r.Host},
		{"x-acs-action", r.Action},
		{"x-acs-content-sha256", bodyHash},
		{"x-acs-date", at.UTC().Format(dateLayout)},
		{"x-acs-security-token", k.SecurityToken},
		{"x-acs-signature-nonce", nonce},
		{"x-acs-version", r.Version},
	} {
		value := strings.TrimSpace(h.value) // net/http trims what it sends
		if value == "" {
			continue
		}
		if h.name != "host" {
			header.Set(h.name, value)
		}
		names = append(names, h.name)
		lines.WriteString(h.name + ":" + value + "\n")
	}

	signedHeaders := strings.Join(names, ";")
	canonical := strings.Join([]string{
		r.Method, "/", escapeQuery(r.Query), lines.String(), signedHeaders, bodyHash,
	}, "\n")
	header.Set("Authorization", fmt.Sprintf("%s Credential=%s,SignedHeaders=%s,Signature=%s",
		algorithm, k.AccessKeyID, signedHeaders, signature(canonical, k.AccessKeySecret)))
	return header
}

// signature returns the signature of a canonical request, in hexadecimal.
func signature(canonical, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(algorithm + "\n" + hexSHA256(canonical)))
	return hex.EncodeToString(mac.Sum(nil))
}

// escapeQuery sorts query by name. Values of one name keep their order. Of what net/url escapes, only the space differs from
// RFC 3986.
func escapeQuery(query url.Values) string { return strings.ReplaceAll(query.Encode(), "+", "%20") }

func hexSHA256(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}
