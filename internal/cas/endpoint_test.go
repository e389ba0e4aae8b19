package cas

import (
	"strings"
	"testing"
)

func TestEndpointOfEachRegion(t *testing.T) {
	t.Parallel()
	const (
		china     = "cas.aliyuncs.com"
		singapore = "cas.ap-southeast-1.aliyuncs.com"
		frankfurt = "cas.eu-central-1.aliyuncs.com"
	)
	for name, test := range map[string]struct {
		region, account string
		vpc             bool
		want            string
		uncertain       bool
	}{
		"nothing":                  {want: china},
		"account alone":            {account: "International", want: singapore},
		"China account alone":      {account: "Domestic", want: china},
		"mainland":                 {region: "cn-shanghai", want: china},
		"mainland, any account":    {region: "cn-shanghai", account: "International", want: china},
		"Singapore":                {region: "ap-southeast-1", want: singapore},
		"Singapore, any account":   {region: "ap-southeast-1", account: "Domestic", want: singapore},
		"Frankfurt, any account":   {region: "eu-central-1", account: "International", want: frankfurt},
		"abroad":                   {region: "us-east-1", want: china, uncertain: true},
		"Hong Kong":                {region: "cn-hongkong", want: china, uncertain: true},
		"abroad, international":    {region: "ap-southeast-5", account: "international", want: singapore},
		"Hong Kong, international": {region: "cn-hongkong", account: "International", want: singapore},
		"abroad, domestic":         {region: "us-east-1", account: "Domestic", want: china},
		"VPC":                      {vpc: true, want: "cas-vpc.cn-hangzhou.aliyuncs.com"},
		"VPC, international": {vpc: true, account: "International",
			want: "cas-vpc.ap-southeast-1.aliyuncs.com"},
		"VPC in Kuala Lumpur": {vpc: true, region: "ap-southeast-3",
			want: "cas-vpc.ap-southeast-3.aliyuncs.com"},
		"VPC in Hong Kong": {vpc: true, region: "cn-hongkong", account: "Domestic",
			want: "cas-vpc.cn-hongkong.aliyuncs.com"},
		"region without one in VPCs":  {vpc: true, region: "cn-beijing", want: china},
		"Frankfurt has none in VPCs":  {vpc: true, region: "eu-central-1", want: frankfurt},
		"region abroad, none in VPCs": {vpc: true, region: "us-east-1", want: china, uncertain: true},
	} {
		endpoint, certain := Endpoint(test.region, test.account, test.vpc)
		if got, want := endpoint.String(), "https://"+test.want+"/"; got != want || certain == test.uncertain {
			t.Errorf("%s: got %s, certain %t, want %s, %t", name, got, certain, want, !test.uncertain)
		}
		if got, want := Private(endpoint), strings.HasPrefix(test.want, "cas-vpc."); got != want {
			t.Errorf("%s: got private %t, want %t", name, got, want)
		}
	}
}

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"cas.aliyuncs.com":                   "https://cas.aliyuncs.com/",
		"https://cas.aliyuncs.com":           "https://cas.aliyuncs.com/",
		"https://cas.aliyuncs.com/":          "https://cas.aliyuncs.com/",
		"HTTPS://CAS.Aliyuncs.com:443":       "https://cas.aliyuncs.com/",
		"cas-vpc.cn-hangzhou.aliyuncs.com:8": "https://cas-vpc.cn-hangzhou.aliyuncs.com:8/",
		"cas.aliyuncs.com:80":                "https://cas.aliyuncs.com:80/",
		"cas_1.test":                         "https://cas_1.test/",
		"cas.aliyuncs.com.":                  "https://cas.aliyuncs.com./",
		"192.0.2.1:65535":                    "https://192.0.2.1:65535/",
		"https://[2001:DB8::1]:8443":         "https://[2001:db8::1]:8443/",
		"http://127.0.0.1:8080":              "http://127.0.0.1:8080/",
		"http://127.255.0.9":                 "http://127.255.0.9/",
		"http://localhost:80":                "http://localhost/",
		"http://[::1]:8080":                  "http://[::1]:8080/",
		"cas.aliyuncs.com:0443":              "https://cas.aliyuncs.com/",
		"cas.aliyuncs.com.:00443":            "https://cas.aliyuncs.com./",
		"cas.aliyuncs.com:08443":             "https://cas.aliyuncs.com:8443/",
		"[0:0:0:0:0:0:0:1]":                  "https://[::1]/",
		"http://[0:0:0:0:0:0:0:1]:0080":      "http://[::1]/",
		"[2001:0DB8:0:0::1]:443":             "https://[2001:db8::1]/",
		"[::ffff:192.0.2.1]:8443":            "https://192.0.2.1:8443/",
		"[::FFFF:C000:0201]":                 "https://192.0.2.1/",
	} {
		if got, err := ParseEndpoint(s); err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v, want %s", s, got, err, want)
		}
	}
}

// Calls of one account share a quota, whichever of the vendor's endpoints they go to, and however
// it is written.
func TestQuotaHost(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"cas.aliyuncs.com": {
			"cas.aliyuncs.com", "CAS.aliyuncs.com", "cas.aliyuncs.com.", "cas.aliyuncs.com:443",
			"cas.aliyuncs.com:0443",
			"https://cas.aliyuncs.com.:00443/", "cas-vpc.cn-hangzhou.aliyuncs.com",
			"CAS-VPC.cn-hongkong.aliyuncs.com.", "cas.eu-central-1.aliyuncs.com",
		},
		"cas-vpc.example.com":   {"cas-vpc.example.com"},
		"cas.aliyuncs.com:8443": {"cas.aliyuncs.com:8443", "cas.aliyuncs.com:08443", "Cas.Aliyuncs.com.:8443"},
		"[::1]": {"[::1]", "[0:0:0:0:0:0:0:1]", "[0::0:1]:443", "http://[::1]",
			"http://[::01]:80"},
		"[::1]:8443":     {"[::1]:8443", "[0:0:0:0:0:0:0:1]:08443"},
		"192.0.2.1":      {"192.0.2.1", "[::ffff:192.0.2.1]", "[::ffff:c000:201]:443"},
		"localhost:8080": {"localhost:8080", "http://localhost:8080", "http://LOCALHOST:08080"},
	} {
		for _, spelling := range spellings {
			u, err := ParseEndpoint(spelling)
			if err != nil {
				t.Errorf("%s: got %v, want %s", spelling, err, want)
				continue
			}
			if got := quotaHost(u); got != want {
				t.Errorf("%s: got %s, want %s", spelling, got, want)
			}
		}
	}
}

// What no address may be, egress.ParseAddress refuses.
func TestParseEndpointRefuses(t *testing.T) {
	t.Parallel()
	const (
		scheme  = "its scheme isn't https or http"
		follows = "something follows its host and port"
		user    = "it holds a user name or a password, which an endpoint has no use for"
		zone    = "its IP address has a zone, which a Host header can't name"
		plain   = "http:// is for loopback addresses only; requests to any other host must be encrypted, so use " +
			"https://"
	)
	for s, want := range map[string]string{
		"https://[fe80::1%25eth0]":      zone,
		"https://cas.aliyuncs.com/path": follows,
		"https://user:hush@cas.test":    user,
		"user@cas.test":                 user,
		"ftp://127.0.0.1":               scheme,
		"http://cas.aliyuncs.com":       plain,
		"HTTP://192.0.2.1":              plain,
		"http://127.0.0.1.cas.test":     plain,
		"http://localhost.cas.test":     plain,
		"http://127.1":                  plain,
		"http://0.0.0.0":                plain,
		"http://2130706433":             plain,
		"http://[::]":                   plain,
		"http://[::ffff:192.0.2.1]":     plain,
	} {
		got, err := ParseEndpoint(s)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, %v, want %s", s, got, err, want)
		}
	}
}
