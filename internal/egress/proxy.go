package egress

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"

	"golang.org/x/net/http/httpproxy"
)

// proxyOf returns the proxy of a request, which is none if the request isn't encrypted.
func proxyOf(req *http.Request) (*url.URL, error) {
	config := httpproxy.FromEnvironment()
	if config.HTTPSProxy == "" {
		return nil, nil
	}
	// The library ignores what isn't a URL, so it only decides whether NO_PROXY names the host.
	exceptions := httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: withoutPeriods(config.NoProxy)}
	host := url.URL{Scheme: req.URL.Scheme, Host: withoutPeriods(req.URL.Host)}
	if used, err := exceptions.ProxyFunc()(&host); used == nil || err != nil {
		return nil, err
	}
	variable := "HTTPS_PROXY"
	if runtime.GOOS != "windows" && os.Getenv("https_proxy") != "" { // the library prefers it too; Windows knows no case
		variable = "https_proxy"
	}
	u, err := ParseAddress(config.HTTPSProxy, "http", "https", "socks5", "socks5h")
	if err != nil {
		return nil, &Error{Kind: InvalidProxy, Variable: variable, Err: err}
	}
	if r, ok := req.Context().Value(roundKey{}).(*round); ok {
		r.variable = variable
		r.proxy.Store(u)
	}
	return u, nil
}

// withoutPeriods returns a list of hosts, each without the period that would make it another name.
func withoutPeriods(hosts string) string {
	return regexp.MustCompile(`\.(:\d+)?(\s*(?:,|$))`).ReplaceAllString(hosts, "$1$2")
}
