// Package acs3 signs requests to Alibaba Cloud with ACS3-HMAC-SHA256, the signature of version 3 of its APIs.
//
// It has no clock, no randomness and no network: time and nonce are arguments, so that a signature can be compared with
// published ones.
//
// Source: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
package acs3

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

// Request is the part of a request that is signed.
type Request struct {
	Method      string
	Host        string // as in the Host header: with the port, unless it is the scheme's own
	Path        string // not escaped; empty is "/"
	Query       url.Values
	Action      string
	Version     string // of the API, a date such as "2020-04-07"
	ContentType string // empty if the request has none
	Body        []byte
}

// Key is an access key.
type Key struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // empty unless the key is a temporary one
}

// Sign returns the headers that authenticate r: Authorization, those whose names start with x-acs-, and Content-Type if r
// has one. Host is signed too, but net/http sends it from the request's own field.
//
// The service refuses a nonce that it has seen before, and a time that is more than 15 minutes from its own, so each attempt
// needs a signature of its own.
func Sign(r Request, k Key, at time.Time, nonce string) http.Header {
	bodyHash := hexSHA256(r.Body)
	header := make(http.Header)
	var names []string
	var lines strings.Builder
	for _, h := range []struct{ name, value string }{ // sorted by name
		{"content-type", r.ContentType},
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
		r.Method, escapePath(r.Path), escapeQuery(r.Query), lines.String(), signedHeaders, bodyHash,
	}, "\n")
	header.Set("Authorization", fmt.Sprintf("%s Credential=%s,SignedHeaders=%s,Signature=%s",
		algorithm, k.AccessKeyID, signedHeaders, signature(canonical, k.AccessKeySecret)))
	return header
}

// signature returns the signature of a canonical request, in hexadecimal.
func signature(canonical, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(algorithm + "\n" + hexSHA256([]byte(canonical))))
	return hex.EncodeToString(mac.Sum(nil))
}

// escapePath escapes all of path but its slashes.
func escapePath(path string) string {
	relative := rfc3986(url.QueryEscape(strings.TrimPrefix(path, "/")))
	return "/" + strings.ReplaceAll(relative, "%2F", "/")
}

// escapeQuery sorts query by name. Values of one name keep their order.
func escapeQuery(query url.Values) string { return rfc3986(query.Encode()) }

// rfc3986 rewrites what net/url escaped for a form: only the space differs.
func rfc3986(form string) string { return strings.ReplaceAll(form, "+", "%20") }

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
