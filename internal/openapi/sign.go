// Package openapi holds what all services of Alibaba Cloud have in common: the signature of
// requests (ACS3-HMAC-SHA256, that of version 3 of their APIs), the error codes, and the headers
// that say when to try again.
//
// It has no clock, no randomness and no network, so tests can compare published signatures.
//
// Source: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
package openapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const algorithm = "ACS3-HMAC-SHA256"

// Key is an access key.
type Key struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // empty unless the key is a temporary one
}

// Sign sets the headers that authenticate req as a call of an action of a version of the API, such
// as "2020-04-07". The request has the path "/" and no body.
//
// The service refuses a nonce that it has seen before, and a time that is more than 15 minutes from
// its own, so each attempt needs a signature of its own.
func Sign(req *http.Request, action, version string, k Key, at time.Time, nonce string) {
	bodyHash := fmt.Sprintf("%x", sha256.Sum256(nil))
	var names []string
	var lines strings.Builder
	for _, h := range []struct{ name, value string }{ // sorted by name
		{"host", req.URL.Host},
		{"x-acs-action", action},
		{"x-acs-content-sha256", bodyHash},
		{"x-acs-date", at.UTC().Format("2006-01-02T15:04:05Z")},
		{"x-acs-security-token", k.SecurityToken},
		{"x-acs-signature-nonce", nonce},
		{"x-acs-version", version},
	} {
		value := strings.TrimSpace(h.value) // net/http sends the trimmed value
		if value == "" {
			continue
		}
		if h.name != "host" { // net/http sends the host
			req.Header.Set(h.name, value)
		}
		names = append(names, h.name)
		lines.WriteString(h.name + ":" + value + "\n")
	}

	signedHeaders := strings.Join(names, ";")
	query := strings.ReplaceAll(req.URL.Query().Encode(), "+", "%20") // only the space differs from RFC 3986
	canonical := strings.Join([]string{req.Method, "/", query, lines.String(), signedHeaders, bodyHash}, "\n")
	mac := hmac.New(sha256.New, []byte(k.AccessKeySecret))
	fmt.Fprintf(mac, "%s\n%x", algorithm, sha256.Sum256([]byte(canonical)))
	req.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s,SignedHeaders=%s,Signature=%x",
		algorithm, k.AccessKeyID, signedHeaders, mac.Sum(nil)))
}
