package provider

import (
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// inBetween is who else may have answered.
const inBetween = "Look for a proxy, a captive portal or a gateway that answers in another's place, and check the address " +
	"that is asked."

// reaches are the summary and the advice for each kind of failure to get an answer, whoever was asked.
var reaches = map[egress.Kind][2]string{
	egress.NoSuchHost: {"Host name not resolved", "Check this name for a slip, in region and endpoints or where the " +
		"source of credentials is set up, and this machine's DNS. The name of a VPC endpoint is known within that VPC only."},
	egress.DNSFailed: {"Host name not resolved", "Check this machine's DNS and its network. Try again later."},
	egress.Refused: {"Connection refused", "Nothing listens at this address and port, or a firewall refuses it. " +
		"Check the address and the firewall."},
	egress.TimedOut: {"No answer in time", "Check the network, and the firewall, which may drop what it doesn't allow. " +
		"From abroad, use an endpoint nearby or raise request_timeout."},
	egress.ConnectionFailed: {"Connection failed", "Check this machine's network, and the proxy in HTTPS_PROXY and " +
		"NO_PROXY if there is one. Try again later."},
	egress.NotTLS: {"No encrypted connection", "What is asked must speak TLS 1.2 or newer at this port. Check the address, its port, " +
		"and the proxy if there is one."},
	egress.Redirected: {"Request redirected", inBetween},
	egress.TooLarge:   {"Answer too large", inBetween},
	egress.Malformed:  {"Unexpected answer", inBetween},
}

// notReached is about a request that got no answer which can be used.
func notReached(e *egress.Error) message {
	switch {
	case e.Kind == egress.InvalidProxy:
		return message{
			summary: "Invalid proxy",
			what:    sentence("%s can't be used: %s", e.Variable, e.Err) + " Nothing was sent.",
			do: fmt.Sprintf("Set %s to a URL such as http://proxy.example.com:3128, with nothing before or after it. In a user "+
				"name or a password, "+
				"write %% as %%25, and @, :, /, # and ? as %%40, %%3A, %%2F, %%23 and %%3F.", e.Variable),
		}
	case e.Kind == egress.Untrusted, e.Kind == egress.NoRoots:
		return untrusted(e)
	case e.Proxy != "":
		return proxyFailed(e)
	}
	about := reaches[e.Kind]
	m := message{summary: about[0], do: about[1]}
	switch e.Kind {
	case egress.Redirected:
		to := "pointed to " + e.Location
		if e.Location == "" {
			to = "didn't say where to"
		}
		m.what = sentence("%s answered HTTP %d and %s", e.Address, e.Status, to) +
			" A request with credentials goes where it was meant to go or nowhere, so this wasn't followed."
	case egress.TooLarge:
		m.what = fmt.Sprintf("%s answered HTTP %d with more than 1 MiB, where some hundred bytes are usual. The rest wasn't "+
			"read.", e.Address, e.Status)
	case egress.Malformed:
		m.what = sentence("%s answered with something that isn't HTTP", e.Address)
	default:
		m.what = sentence("No answer came from %s: %s", e.Address, e.Err)
	}
	return m
}

// peer names who failed.
func peer(e *egress.Error) string {
	if e.Proxy != "" {
		return "the proxy " + e.Proxy + " (" + e.Variable + ")"
	}
	return e.Address
}

// proxyFailed is about a proxy that failed itself.
func proxyFailed(e *egress.Error) message {
	proxy := peer(e)
	m := message{
		summary: "Proxy not reached",
		what:    sentence("No answer came from %s, because of %s: %v", e.Address, proxy, e.Err),
		do:      "Check " + e.Variable + "; or name the host that is asked in NO_PROXY, if it needs no proxy.",
	}
	switch e.Kind {
	case egress.ProxyRefuses:
		m.summary = "Proxy doesn't let the request through"
		m.what = sentence("%s wasn't asked, because %s answered HTTP %d %s", e.Address, proxy, e.Status, http.StatusText(e.Status))
		m.do = "Check " + e.Variable + ", with the user name and password if the proxy wants them, and whether it " +
			"allows connections to this host; or name the host in NO_PROXY, if it needs no proxy."
	case egress.NoSuchHost, egress.DNSFailed:
		m.summary = "Proxy's host name not resolved"
	case egress.NotTLS:
		m.summary = "No encrypted connection to the proxy"
		m.do = "Begin " + e.Variable + " with http:// unless the proxy itself speaks TLS: few do, and those that don't " +
			"carry encrypted connections as well. " + m.do
	case egress.Malformed:
		m.what = sentence("No answer came from %s, because %s answered with something that isn't HTTP", e.Address, proxy)
	}
	return m
}

func untrusted(e *egress.Error) message {
	roots := rootsOf(runtime.GOOS)
	if e.Kind == egress.NoRoots {
		return message{
			summary: "No root certificates",
			what: sentence("This machine has no root certificates, so the certificate of %s can't be verified, or anybody's", peer(e)) +
				" They are looked for " + roots.place + ".",
			do: roots.repair,
		}
	}
	m := message{
		summary: "Certificate not trusted",
		what:    sentence("The certificate that %s showed can't be verified: %s", peer(e), e.Err),
		do: "Check the address, and this machine's clock. If a proxy of yours opens encrypted connections, " + roots.add +
			". Otherwise somebody may be listening in: verification can't be switched off.",
	}
	if shown := e.Certificate; shown != nil {
		m.facts = append(m.facts, fact("Certificate of", shown.Subject.String())...)
		m.facts = append(m.facts, fact("Issued by", shown.Issuer.String())...)
		m.facts = append(m.facts, fact("Valid", shown.NotBefore.UTC().Format(time.DateOnly)+" to "+
			""+shown.NotAfter.UTC().Format(time.DateOnly))...)
	}
	return m
}

// roots is about the root certificates of a system: where they are, how to get them back, and how to add one.
type roots struct{ place, repair, add string }

// rootsOf returns the advice for a system. Go doesn't look at SSL_CERT_FILE on each.
func rootsOf(goos string) roots {
	const repair = "Look into that store: something has emptied it, or keeps Terraform from reading it."
	switch goos {
	case "windows":
		return roots{
			"in the certificate store of Windows", repair, "add its root certificate to the Trusted Root Certification Authorities of Windows",
		}
	case "darwin":
		return roots{"in the keychain of macOS", repair, "add its root certificate to the keychain of macOS and trust it there"}
	}
	return roots{
		"in the file that SSL_CERT_FILE names and the directories that SSL_CERT_DIR names, else where the system keeps them, such as " +
			"/etc/ssl/certs/ca-certificates.crt",
		"Install the package ca-certificates, which small container images leave out, or correct SSL_CERT_FILE and SSL_CERT_DIR.",
		"put its root certificate into a file and name that file in SSL_CERT_FILE",
	}
}
