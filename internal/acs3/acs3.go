// Package acs3 signs requests to Alibaba Cloud with ACS3-HMAC-SHA256, the
// signature of version 3 of its APIs.
//
// It has no clock, no randomness and no network: time and nonce are arguments,
// so that what it computes can be compared with published values.
//
// Source: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
package acs3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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

// Sign returns the headers that authenticate r: Authorization, those whose
// names start with x-acs-, and Content-Type if r has one. Host is signed too,
// but net/http sends it from the request's own field.
//
// The service refuses a nonce that it has seen before, and a time that is more
// than 15 minutes from its own, so each attempt has to be signed anew.
func Sign(r Request, k Key, at time.Time, nonce string) http.Header {
	bodyHash := hexSHA256(r.Body)
	signed := [...]struct{ name, key, value string }{ // sorted by name
		{"content-type", "Content-Type", r.ContentType},
		{"host", "", r.Host},
		{"x-acs-action", "X-Acs-Action", r.Action},
		{"x-acs-content-sha256", "X-Acs-Content-Sha256", bodyHash},
		{"x-acs-date", "X-Acs-Date", at.UTC().Format(dateLayout)},
		{"x-acs-security-token", "X-Acs-Security-Token", k.SecurityToken},
		{"x-acs-signature-nonce", "X-Acs-Signature-Nonce", nonce},
		{"x-acs-version", "X-Acs-Version", r.Version},
	}

	header := make(http.Header, len(signed))
	values := make([]string, len(signed)+1) // in one piece, as net/textproto does
	set := func(key, value string) {
		values[0] = value
		header[key], values = values[:1:1], values[1:]
	}

	names := make([]byte, 0, 128)
	canonical := appendAll(make([]byte, 0, 1024), r.Method, "\n", escapePath(r.Path), "\n", escapeQuery(r.Query), "\n")
	for _, h := range signed {
		value := strings.TrimSpace(h.value) // net/http trims what it sends
		if value == "" {
			continue
		}
		if h.key != "" {
			set(h.key, value)
		}
		canonical = appendAll(canonical, h.name, ":", value, "\n")
		names = appendAll(names, ";", h.name)
	}
	names = names[1:]
	canonical = appendAll(append(appendAll(canonical, "\n"), names...), "\n", bodyHash)

	authorization := appendAll(make([]byte, 0, 512), algorithm, " Credential=", k.AccessKeyID, ",SignedHeaders=")
	authorization = appendAll(append(authorization, names...), ",Signature=")
	authorization = hex.AppendEncode(authorization, sign(canonical, k.AccessKeySecret))
	set("Authorization", string(authorization))
	return header
}

// sign returns the signature of a canonical request.
func sign(canonical []byte, secret string) []byte {
	sum := sha256.Sum256(canonical)
	text := appendAll(make([]byte, 0, 128), algorithm, "\n")
	text = hex.AppendEncode(text, sum[:])
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(text)
	return mac.Sum(text[:0])
}

// escapePath escapes all of path but its slashes.
func escapePath(path string) string {
	relative := rfc3986(url.QueryEscape(strings.TrimPrefix(path, "/")))
	if relative == "" {
		return "/"
	}
	return "/" + strings.ReplaceAll(relative, "%2F", "/")
}

// escapeQuery sorts query by name. Values of one name keep their order.
func escapeQuery(query url.Values) string { return rfc3986(query.Encode()) }

// rfc3986 rewrites what net/url escaped for a form: only the space differs.
func rfc3986(form string) string { return strings.ReplaceAll(form, "+", "%20") }

// emptySHA256 saves the usual request, which has no body, a hash and an allocation.
const emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func hexSHA256(data []byte) string {
	if len(data) == 0 {
		return emptySHA256
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func appendAll(dst []byte, parts ...string) []byte {
	for _, part := range parts {
		dst = append(dst, part...)
	}
	return dst
}
