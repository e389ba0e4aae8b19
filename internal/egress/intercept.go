package egress

import (
	"net/http"
	"net/url"
)

// Unsent is the error of every request that is sent with [http.DefaultTransport] or a copy of it
// after [Intercept]. It holds the request, whose body GetBody returns and whose context has ended.
type Unsent struct{ *http.Request }

// Error quotes nothing of the request, which may be signed.
func (Unsent) Error() string { return "not sent: requests go through package egress only" }

// Intercept replaces [http.DefaultTransport] by a transport that sends nothing. The vendor's
// library uses a copy: so it composes and signs a request, and [Send] sends it.
func Intercept() {
	http.DefaultTransport = &http.Transport{
		Proxy: func(req *http.Request) (*url.URL, error) { return nil, Unsent{req} },
	}
}
