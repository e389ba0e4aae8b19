package provider

import (
	"cmp"
	"fmt"
	"runtime"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// checkBetween is the advice where something other than the server that was meant may have answered.
const checkBetween = "Look for a proxy, a captive portal or a gateway that answers in the server's place, and check the address."

// unansweredMessages are the summary and the advice for each kind of failure to get an answer, whichever server was asked.
var unansweredMessages = map[egress.Kind]message{
	egress.NoSuchHost: {
		summary: "Host name not resolved",
		do: "Check the spelling of this name, in region and endpoints or where the source of credentials is configured, and this " +
			"machine's DNS. The name of a VPC endpoint is known within that VPC only.",
	},
	egress.DNSFailed: {summary: "Host name not resolved", do: "Check this machine's DNS and its network. Try again later."},
	egress.Refused: {
		summary: "Connection refused",
		do:      "Nothing listens at this address and port, or a firewall refuses it. Check the address and the firewall.",
	},
	egress.TimedOut: {
		summary: "No answer in time",
		do: "Check the network, and whether a firewall drops packets to this address. " +
			"From abroad, use an endpoint nearby or raise request_timeout.",
	},
	egress.ConnectionFailed: {
		summary: "Connection failed",
		do:      "Check this machine's network, and the proxy in HTTPS_PROXY and NO_PROXY if there is one. Try again later.",
	},
	egress.NotTLS: {
		summary: "No encrypted connection",
		do:      "The server must speak TLS 1.2 or newer at this port. Check the address, its port, and the proxy if there is one.",
	},
	egress.Redirected: {summary: "Request redirected", do: checkBetween},
	egress.TooLarge:   {summary: "Answer too large", do: checkBetween},
	egress.Malformed:  {summary: "Unexpected answer", do: checkBetween},
}

// aboutUnanswered describes a request that got no usable answer.
func aboutUnanswered(e *egress.Error) message {
	switch {
	case e.Kind == egress.InvalidProxy:
		return message{
			summary: "Invalid proxy",
			what:    sentence("%s can't be used: %s", e.Variable, e.Err) + " Nothing was sent.",
			do: fmt.Sprintf("Set %s to a URL such as http://proxy.example.com:3128, with nothing before or after it. In a user name "+
				"or a password, write %% as %%25, and @, :, /, # and ? as %%40, %%3A, %%2F, %%23 and %%3F.", e.Variable),
		}
	case e.Kind == egress.Untrusted, e.Kind == egress.NoRoots:
		return aboutUntrusted(e)
	case e.Proxy != "":
		return aboutProxy(e)
	}
	m := unansweredMessages[e.Kind]
	switch e.Kind {
	case egress.Redirected:
		to := "redirected the request to " + cmp.Or(e.Location, "an address that it didn't name")
		m.what = sentence("%s answered HTTP %d and %s", e.Address, e.Status, to) +
			" The provider doesn't follow redirects, so that nobody else gets a request with credentials."
	case egress.TooLarge:
		m.what = fmt.Sprintf("%s answered HTTP %d with more than 1 MiB, where a few hundred bytes are usual. The rest wasn't read.",
			e.Address, e.Status)
	case egress.Malformed:
		m.what = sentence("%s answered with something that isn't HTTP", e.Address)
	default:
		m.what = sentence("No answer came from %s: %s", e.Address, e.Err)
	}
	return m
}

// peer names the server or the proxy that failed.
func peer(e *egress.Error) string {
	if e.Proxy != "" {
		return "the proxy " + e.Proxy + " (" + e.Variable + ")"
	}
	return e.Address
}

// aboutProxy describes the failure of a proxy itself.
func aboutProxy(e *egress.Error) message {
	m := message{
		summary: "Proxy not reached",
		what:    sentence("No answer came from %s, because of %s: %v", e.Address, peer(e), e.Err),
		do:      "Check " + e.Variable + ", or add the host to NO_PROXY if it needs no proxy.",
	}
	switch e.Kind {
	case egress.ProxyRefuses:
		m.summary = "Proxy doesn't let the request through"
		m.what = sentence("No request reached %s, because %s answered HTTP %d", e.Address, peer(e), e.Status)
		m.do = "Check " + e.Variable + ", with the user name and password if the proxy requires them, and whether the proxy " +
			"allows connections to this host; or add the host to NO_PROXY if it needs no proxy."
	case egress.NoSuchHost, egress.DNSFailed:
		m.summary = "Proxy's host name not resolved"
	case egress.NotTLS:
		m.summary = "No encrypted connection to the proxy"
		m.do = "Begin " + e.Variable + " with http:// unless the proxy itself speaks TLS: few do, and the others carry " +
			"encrypted connections as well. " + m.do
	case egress.Malformed:
		m.what = sentence("No answer came from %s, because %s answered with something that isn't HTTP", e.Address, peer(e))
	}
	return m
}

func aboutUntrusted(e *egress.Error) message {
	roots := rootsOf(runtime.GOOS)
	if e.Kind == egress.NoRoots {
		return message{
			summary: "No root certificates",
			what: sentence("This machine has no root certificates, so neither the certificate of %s nor any other can be verified", peer(e)) +
				" The provider looks for them " + roots.place + ".",
			do: roots.repair,
		}
	}
	m := message{
		summary: "Certificate isn't trusted",
		what:    sentence("The certificate that %s presented can't be verified: %s", peer(e), e.Err),
		do: "Check the address, and this machine's clock. If a proxy of yours decrypts connections, " + roots.add +
			". Otherwise somebody may be intercepting the connection: verification can't be switched off.",
	}
	if certificate := e.Certificate; certificate != nil {
		m.fact("Certificate of", certificate.Subject.String())
		m.fact("Issued by", certificate.Issuer.String())
		m.fact("Valid", certificate.NotBefore.UTC().Format(time.DateOnly)+" to "+certificate.NotAfter.UTC().Format(time.DateOnly))
	}
	return m
}

// roots says where a system keeps its root certificates, how to restore them, and how to add one.
type roots struct{ place, repair, add string }

// rootsOf returns the advice for a system. Go ignores SSL_CERT_FILE on Windows and macOS.
func rootsOf(goos string) roots {
	const repair = "Check that store: it has been emptied, or Terraform isn't allowed to read it."
	switch goos {
	case "windows":
		return roots{
			"in the certificate store of Windows", repair, "add its root certificate to the Trusted Root Certification Authorities of Windows",
		}
	case "darwin":
		return roots{"in the keychain of macOS", repair, "add its root certificate to the keychain of macOS and trust it there"}
	}
	return roots{
		"in the file that SSL_CERT_FILE names and in the directories that SSL_CERT_DIR names, or else where the system keeps them, such as " +
			"/etc/ssl/certs/ca-certificates.crt",
		"Install the package ca-certificates, which small container images leave out, or correct SSL_CERT_FILE and SSL_CERT_DIR.",
		"put its root certificate into a file and name that file in SSL_CERT_FILE",
	}
}
