package openapi_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	vendor "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

var (
	key   = openapi.Key{AccessKeyID: "LTAI5tForVectorsOnly", AccessKeySecret: "fU1lSecretForVectorsOnly000000"}
	at    = time.Date(2026, time.January, 6, 6, 33, 30, 0, time.UTC)
	nonce = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
)

const (
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	token     = "CAIS8wF1q6Ft5B2yfSjIr5fAEu+/+rVl5//5b0yzi3UA==/+a=="
)

// TestSignPublished pins the signature to the example in the vendor's documentation of it.
func TestSignPublished(t *testing.T) {
	t.Parallel()
	const query = "RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"
	req := request(http.MethodPost, "ecs.cn-shanghai.aliyuncs.com", query)
	openapi.Sign(req, "RunInstances", "2014-05-26",
		openapi.Key{AccessKeyID: "YourAccessKeyId", AccessKeySecret: "YourAccessKeySecret"},
		time.Date(2023, time.October, 26, 10, 22, 32, 0, time.UTC),
		"3156853299f313e23d1673dc12e1703d",
	)
	equal(t, req.Header, http.Header{
		"X-Acs-Action":          {"RunInstances"},
		"X-Acs-Version":         {"2014-05-26"},
		"X-Acs-Date":            {"2023-10-26T10:22:32Z"},
		"X-Acs-Signature-Nonce": {"3156853299f313e23d1673dc12e1703d"},
		"X-Acs-Content-Sha256":  {emptyHash},
		"Authorization": {"ACS3-HMAC-SHA256 Credential=YourAccessKeyId," +
			"SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
			"Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"},
	})
}

// TestSign compares with signatures that OpenSSL and Python's hmac computed, both from canonical
// requests written by hand.
func TestSign(t *testing.T) {
	t.Parallel()
	const call = "c7268dd8c7ad219f34ceaeb6aff9bfe070ced928107711c5a5d6a82312a78369"
	const withToken = "05bc6805ce3a7b9f1a87adbdfb29deaef5804a7eb09d82177abc41094612d95f"
	for name, test := range map[string]struct {
		at        time.Time
		token     string
		query     url.Values
		signature string
	}{
		"the call that the provider makes": {at: at, signature: call},
		"a time of another zone, with a fraction of a second": {
			at: at.Add(999 * time.Millisecond).In(time.FixedZone("CST", 8*60*60)), signature: call,
		},
		"security token": {at: at, token: token, signature: withToken},
		"security token with white space around it": {at: at, token: " " + token + "\n", signature: withToken},
		"query: order, repeated, empty and escaped": {
			at: at,
			query: url.Values{
				"z": {"1"}, "a": {"*", "b c"}, "empty": {""}, "k y": {"~-_.+/=&%"}, "name": {"证书"}, "é": {"é"},
			},
			signature: "436515f00d53aeeb589deecc83ad8a77fe3eca607a37b87664ebac9b52ba2780",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed := "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version"
			want := http.Header{
				"X-Acs-Action":          {"GetAssetCount"},
				"X-Acs-Version":         {"2020-04-07"},
				"X-Acs-Date":            {"2026-01-06T06:33:30Z"},
				"X-Acs-Signature-Nonce": {nonce},
				"X-Acs-Content-Sha256":  {emptyHash},
				"X-Acs-Security-Token":  {token},
			}
			if test.token == "" {
				want.Del("X-Acs-Security-Token")
				signed = strings.Replace(signed, "x-acs-security-token;", "", 1)
			}
			want.Set("Authorization", "ACS3-HMAC-SHA256 Credential=LTAI5tForVectorsOnly,SignedHeaders="+signed+",Signature="+test.signature)
			key := key
			key.SecurityToken = test.token
			req := request(http.MethodPost, "cas.aliyuncs.com", test.query.Encode())
			openapi.Sign(req, "GetAssetCount", "2020-04-07", key, test.at, nonce)
			equal(t, req.Header, want)
		})
	}
}

// FuzzSign compares with the signature of the vendor's SDK.
func FuzzSign(f *testing.F) {
	f.Add("POST", "aliyuncs.com", "", "GetAssetCount", "2020-04-07", "id", "secret", "", uint32(1767681210), nonce)
	f.Add("GET", "[::1]:8443", "a b*~+/证书", "A", "", "", "", token, uint32(0), "")
	f.Add("", "", "\xff\x00%=&", "\n", " v ", ",", "s\xff", "\u00a0t\u00a0", uint32(1<<32-1), " ")
	f.Fuzz(func(t *testing.T, method, host, value, action, version, id, secret, token string, at uint32, nonce string) {
		req := request(method, "cas."+host, url.Values{"name": {value}}.Encode())
		key := openapi.Key{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token}
		openapi.Sign(req, action, version, key, time.Unix(int64(at), 0), nonce)
		theirs := dara.NewRequest()
		theirs.Method, theirs.Query["name"], theirs.Headers["host"] = &method, &value, &req.URL.Host
		for name := range req.Header {
			theirs.Headers[name] = new(req.Header.Get(name))
		}
		want := vendor.GetAuthorization(theirs, new("ACS3-HMAC-SHA256"), new(emptyHash), &id, &secret)
		if got := req.Header.Get("Authorization"); got != *want {
			t.Errorf("got  %q\nwant %q", got, *want)
		}
	})
}

func request(method, host, query string) *http.Request {
	return &http.Request{Method: method, URL: &url.URL{Host: host, RawQuery: query}, Header: http.Header{}}
}

func equal(t *testing.T, got, want http.Header) {
	t.Helper()
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
