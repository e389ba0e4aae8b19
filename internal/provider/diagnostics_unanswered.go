package provider

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

const (
	// checkBetween is the advice if something other than the server that was meant may have answered.
	checkBetween = "Look for a proxy, a captive portal or a gateway that answers in the server's place, and check the address."

	orNoProxy = " If the host needs no proxy, add it to NO_PROXY."
)

// unansweredMessages are about each kind of failure to get an answer, whichever server was asked. Those that don't say what
// happened are about the server, and not about a proxy.
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
	egress.Untrusted: {
		summary: "Certificate isn't trusted",
		what:    "The certificate that {peer} presented can't be verified: {cause}.",
		do: "Check the address, and this machine's clock. If a proxy of yours decrypts connections, add its root certificate to a file " +
			"that SSL_CERT_FILE names, or on Windows and macOS to the system's store. Otherwise somebody may be intercepting the " +
			"connection: verification can't be switched off.",
	},
	egress.NoRoots: {
		summary: "No root certificates",
		what: "This machine has no root certificates, so neither the certificate of {peer} nor any other can be verified. The provider " +
			"looks for them in the file that SSL_CERT_FILE names and in the directories that SSL_CERT_DIR names, or else where the " +
			"system keeps them, such as /etc/ssl/certs/ca-certificates.crt; on Windows and macOS, in the system's store.",
		do: "Install the package ca-certificates, which small container images leave out, or correct SSL_CERT_FILE and SSL_CERT_DIR. On " +
			"Windows and macOS, check that store: it has been emptied, or Terraform isn't allowed to read it.",
	},
	egress.InvalidProxy: {
		summary: "Invalid proxy",
		what:    "{variable} can't be used: {cause}. Nothing was sent.",
		do: "Set {variable} to a URL such as http://proxy.example.com:3128, with nothing before or after it. In a user name or a " +
			"password, write % as %25, and @, :, /, # and ? as %40, %3A, %2F, %23 and %3F.",
	},
	egress.ProxyRefuses: {
		summary: "Proxy doesn't let the request through",
		what:    "No request reached {address}, because {peer} answered HTTP {status}.",
		do: "Check {variable}, with the user name and password if the proxy requires them, and whether the proxy allows connections " +
			"to this host." + orNoProxy,
	},
	egress.Redirected: {
		summary: "Request redirected",
		what: "{address} answered HTTP {status} and redirected the request to {location}. The provider doesn't follow redirects, so " +
			"that nobody else gets a request with credentials.",
		do: checkBetween,
	},
	egress.TooLarge: {
		summary: "Answer too large",
		what:    "{address} answered HTTP {status} with more than 1 MiB, where a few hundred bytes are usual. The rest wasn't read.",
		do:      checkBetween,
	},
	egress.Malformed: {summary: "Unexpected answer", do: checkBetween},
}

// proxySummaries are for the failures of a proxy that have a more precise summary than that it isn't reached.
var proxySummaries = map[egress.Kind]string{
	egress.NoSuchHost: "Proxy's host name not resolved",
	egress.DNSFailed:  "Proxy's host name not resolved",
	egress.NotTLS:     "No encrypted connection to the proxy",
}

// aboutUnanswered describes a request that got no usable answer.
func aboutUnanswered(e *egress.Error) message {
	m, peer, cause := unansweredMessages[e.Kind], e.Address, "what it sent isn't valid HTTP"
	if e.Proxy != "" {
		peer = fmt.Sprintf("the proxy %s (%s)", e.Proxy, e.Variable)
	}
	switch {
	case m.what != "":
	case e.Proxy != "":
		m.summary = cmp.Or(proxySummaries[e.Kind], "Proxy not reached")
		m.what = "No answer came from {address}, because of {peer}: {cause}."
		m.do = "Check {variable}. Its URL begins with http:// unless the proxy itself speaks TLS: few do, and the others carry " +
			"encrypted connections as well." + orNoProxy
	default:
		m.what = "No answer came from {address}: {cause}."
	}
	if e.InHandshake {
		m.do += " If that happens in every TLS handshake, something on the path may drop or reset its first message, which post-quantum " +
			"key shares make larger than a packet: the environment variable GODEBUG=tlsmlkem=0 leaves them out."
	}
	if e.Err != nil {
		cause = e.Err.Error()
	}
	m.fill("{address}", e.Address, "{peer}", peer, "{variable}", e.Variable, "{cause}", cause, "{status}", strconv.Itoa(e.Status),
		"{location}", cmp.Or(e.Location, "an address that it didn't name"))
	if certificate := e.Certificate; certificate != nil {
		m.fact("Certificate of", certificate.Subject.String())
		m.fact("Issued by", certificate.Issuer.String())
		m.fact("Valid", certificate.NotBefore.UTC().Format(time.DateOnly)+" to "+certificate.NotAfter.UTC().Format(time.DateOnly))
	}
	return m
}
