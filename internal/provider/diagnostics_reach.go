package provider

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

// notReached is about a call that got no answer. What failed at the proxy comes first: it may hold any of the rest.
func notReached(e *cas.Error) message {
	if proxy, ok := errors.AsType[*cas.ProxyError](e.Err); ok {
		return proxyRefuses(proxy)
	}
	if op, ok := errors.AsType[*net.OpError](e.Err); ok && op.Op == "proxyconnect" {
		return message{
			summary: "Proxy not reached",
			what:    sentence("The proxy in HTTPS_PROXY can't be reached: %s", op.Err),
			do:      "Check HTTPS_PROXY; or name the endpoint's host in NO_PROXY, if it needs no proxy.",
		}
	}
	if dns, ok := errors.AsType[*net.DNSError](e.Err); ok {
		return message{
			summary: "Endpoint's host name not resolved",
			what:    sentence("The host name %s can't be resolved: %s", dns.Name, dns.Err),
			do:      "Check region and endpoints.cas for a slip, and this machine's DNS. The name of a VPC endpoint is known within that VPC only.",
		}
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](e.Err); ok {
		return untrusted(e.Endpoint, certificate)
	}
	m := message{what: sentence("The call to %s failed: %s", e.Endpoint, e.Err)}
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.Err)
	switch {
	case cas.IsTLS(e.Err):
		m.summary = "No encrypted connection to the endpoint"
		m.do = "The endpoint must speak TLS 1.2 or newer at this port. Check endpoints.cas, its port, and the proxy if there is one."
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		m.summary = "Endpoint refused the connection"
		m.do = "Nothing listens at this address and port, or a firewall refuses it. Check endpoints.cas and the firewall."
	case ok && timeout.Timeout():
		m.summary = "No answer from the endpoint in time"
		m.do = "Check the network, and the firewall, which may drop what it doesn't allow. From abroad, use an endpoint nearby or raise request_timeout."
	default:
		m.summary = "Connection to the endpoint failed"
		m.do = "Check this machine's network, and the proxy in HTTPS_PROXY and NO_PROXY if there is one. Try again later."
	}
	return m
}

func proxyRefuses(e *cas.ProxyError) message {
	m := message{
		summary: "Proxy doesn't let the request through",
		what:    sentence("No answer came, because %s", e),
		do: "Check HTTPS_PROXY, with the user name and password if the proxy wants them, and whether it allows connections to this endpoint; " +
			"or name the endpoint's host in NO_PROXY, if it needs no proxy.",
	}
	if e.Status == 0 {
		m.summary = "Invalid proxy"
		m.do = "Set HTTPS_PROXY to a URL such as http://proxy.example.com:3128."
	}
	return m
}

func untrusted(endpoint string, e *tls.CertificateVerificationError) message {
	m := message{
		summary: "Endpoint's certificate isn't trusted",
		what:    sentence("The certificate that %s showed can't be verified: %s", endpoint, e.Err),
		do: "Check endpoints.cas, and this machine's clock. If a proxy of yours opens encrypted connections, put its root certificate into a file and name " +
			"that file in SSL_CERT_FILE. Otherwise somebody may be listening in: verification can't be switched off.",
	}
	if len(e.UnverifiedCertificates) > 0 {
		shown := e.UnverifiedCertificates[0]
		m.facts = append(m.facts, fact("Certificate of", shown.Subject.String())...)
		m.facts = append(m.facts, fact("Issued by", shown.Issuer.String())...)
		m.facts = append(m.facts, fact("Valid", shown.NotBefore.UTC().Format(time.DateOnly)+" to "+shown.NotAfter.UTC().Format(time.DateOnly))...)
	}
	return m
}
