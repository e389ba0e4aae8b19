package provider

import (
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// origin is what failed.
type origin string

const (
	fromWait    origin = "wait"    // the read's time ran out
	fromService origin = "service" // the service responded
	fromSource  origin = "source"  // a source gave no credentials
	fromNetwork origin = "network" // the service or a source didn't respond
	fromProxy   origin = "proxy"   // a proxy on the way to one of them failed
)

// cancelled is the kind of a wait that ended because the read was cancelled.
const cancelled egress.Kind = "cancelled"

// message is the text about failures from one origin, of one kind and with one error code. Each of
// the three may be empty, for any.
type message struct {
	from    origin
	kind    egress.Kind
	code    string
	summary string // what failed
	what    string // what happened, unless the cause says it
	do      string // what to do about it
}

// about reports whether the message is about a failure. A message about the network's failures is
// also about a proxy's.
func (m message) about(from origin, kind egress.Kind, code string) bool {
	return (m.from == "" || m.from == from || m.from == fromNetwork && from == fromProxy) &&
		(m.kind == "" || m.kind == kind) && (m.code == "" || m.code == code)
}

const (
	// checkBetween is the advice if something other than the intended server may have responded.
	checkBetween = "Check for a proxy, a captive portal or a gateway on the path, and check the address."

	orNoProxy = " If the host needs no proxy, add it to NO_PROXY."

	checkProxy = "Check the proxy's URL in that variable. It begins with http:// unless the proxy itself speaks TLS, " +
		"which few do." + orNoProxy

	checkTime = "Set this machine's clock, and synchronize it with a time server (NTP)."

	fewerAtOnce = "Other machines or tools of the same account are calling too: run fewer of them at once"
)

// messages are about every failure of a read. The first one that fits counts.
var messages = []message{
	{fromService, "", "SignatureDoesNotMatch", "Access key refused",
		"The access key secret doesn't belong to this access key ID: the service computed another signature",
		"Check that access key ID and secret belong together, and that both were copied whole."},
	{fromService, "", "IncompleteSignature", "Access key refused",
		"Part of the request's signature was missing when the request reached the service",
		"Check for a proxy or a gateway on the path that removes or changes headers."},
	{fromService, openapi.BadKey, "", "Access key refused",
		"The service doesn't know the access key, or the key is disabled",
		"Check that the access key exists, is enabled and belongs to an account of this endpoint's site: " +
			"cas.aliyuncs.com serves the China site, cas.ap-southeast-1.aliyuncs.com the international site."},
	{fromService, openapi.BadToken, "", "Security token refused",
		"The security token is missing, expired, revoked, malformed or not the one of this access key",
		"Get new temporary credentials. Access key ID, access key secret and security token are issued together."},
	{fromService, openapi.NoPermission, "", "Not allowed to read the certificate asset counts", "RAM denied the call",
		"Attach the system policy AliyunYundunCertReadOnlyAccess, or a policy that allows this action."},
	{fromService, openapi.Clock, "", "This machine's clock is off",
		"The request's date must be within 15 minutes of the service's own time", checkTime},
	{fromService, openapi.Throttled, "", "Throttled by Certificate Management Service",
		"The account has used up its ten calls of this second",
		fewerAtOnce + ", or lower requests_per_second in each, so that together they stay below ten."},
	{fromService, openapi.Temporary, "", "Certificate Management Service is temporarily unavailable",
		"The endpoint reported a temporary failure",
		"Try again later; raise max_retries if this happens often."},
	{fromService, openapi.WrongPlace, "", "Endpoint doesn't know GetAssetCount",
		"The endpoint doesn't know the operation GetAssetCount of API version 2020-04-07",
		"Check region and endpoints.cas: accounts of the China site use cas.aliyuncs.com (region cn-hangzhou), " +
			"those of the international site cas.ap-southeast-1.aliyuncs.com (region ap-southeast-1)."},
	{fromService, egress.Malformed, "", "Unexpected response", "The response can't be used", checkBetween},
	{fromService, "", "", "Certificate Management Service reported an error", "The provider doesn't know this error",
		"See what its code means in the service's documentation, or contact Alibaba Cloud's support with the request ID."},

	{fromSource, credential.Nowhere, "", "No Alibaba Cloud credentials", "",
		"Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, and ALIBABA_CLOUD_SECURITY_TOKEN if they " +
			"are temporary; or name a source in the provider block, such as profile for a profile of the aliyun CLI."},
	{fromSource, credential.NotFound, "", "Alibaba Cloud credentials not found", "",
		"Check what the provider block or the environment names: the file, the profile, the role."},
	{fromSource, credential.Invalid, "", "Alibaba Cloud credentials can't be used", "",
		"Correct this, or use another source of credentials."},
	{fromSource, credential.Login, "", "Sign-in to Alibaba Cloud needed", "",
		"Terraform can't open a browser: sign in first, then run Terraform again."},
	{fromSource, credential.NotAKey, "", "Invalid access key", "it returned an invalid key",
		"Nothing was sent with it. Remove these characters, which were probably copied or printed by a command."},
	{fromSource, openapi.Clock, "", "This machine's clock is off", "",
		checkTime + " If the clock is right, the session of the source has expired: renew it."},
	{fromSource, openapi.Throttled, "", "Throttled by the source of Alibaba Cloud credentials", "", fewerAtOnce + "."},
	{fromSource, openapi.Temporary, "", "Credentials source unavailable", "",
		"The source may be busy. Try again later."},
	{fromSource, egress.Malformed, "", "Unexpected response", "",
		"Check what responds at that address: another service, a proxy, or a command that prints more than it should."},
	{fromSource, "", "", "Alibaba Cloud credentials refused", "",
		"Check the key, the token or the sign-in that the request was made with. For a role, check that it " +
			"exists, that its trust policy names the caller, and that the caller is allowed sts:AssumeRole."},

	{fromNetwork, egress.Untrusted, "", "Certificate isn't trusted", "the certificate can't be verified",
		"Check the address, and this machine's clock. If a proxy of yours decrypts connections, add its root certificate " +
			"to a file that SSL_CERT_FILE names, or on Windows and macOS to the system's store. Otherwise someone may be " +
			"intercepting the connection: verification can't be switched off."},
	{fromNetwork, egress.NoRoots, "", "No root certificates", "this machine has no root certificates",
		"Install the package ca-certificates, which small container images leave out, or correct SSL_CERT_FILE and " +
			"SSL_CERT_DIR, which replace the system's directories. On Windows and macOS, check the system's store: it has " +
			"been emptied, or Terraform isn't allowed to read it."},
	{fromNetwork, egress.InvalidProxy, "", "Invalid proxy", "",
		"Nothing was sent. Set the variable to a URL such as http://proxy.example.com:3128, with nothing before or after " +
			"it. In a user name or a password, write % as %25, and @, :, /, # and ? as %40, %3A, %2F, %23 and %3F."},
	{fromNetwork, egress.ProxyRefuses, "", "Proxy refused the request", "it refused the request",
		"Check the user name and password in the proxy's URL if the proxy requires them, and whether it allows " +
			"connections to this host." + orNoProxy},
	{fromNetwork, egress.Redirected, "", "Request redirected", "it redirected the request",
		"The provider follows no redirect, so that no other server gets a request with credentials. " + checkBetween},
	{fromNetwork, egress.TooLarge, "", "Response too large", "it sent more than 1 MiB, not a few hundred bytes",
		checkBetween},
	{fromProxy, egress.NoSuchHost, "", "Proxy's host name not resolved", "", checkProxy},
	{fromProxy, egress.DNSFailed, "", "Proxy's host name not resolved", "", checkProxy},
	{fromProxy, egress.NotTLS, "", "No encrypted connection to the proxy", "", checkProxy},
	{fromProxy, "", "", "Proxy not reached", "", checkProxy},
	{fromNetwork, egress.NoSuchHost, "", "Host name not resolved", "",
		"Check the spelling of this name in region, in endpoints or in the settings of the credentials source, and " +
			"this machine's DNS. The name of a VPC endpoint is known within that VPC only."},
	{fromNetwork, egress.DNSFailed, "", "Host name not resolved", "",
		"Check this machine's DNS and its network. Try again later."},
	{fromNetwork, egress.Refused, "", "Connection refused", "",
		"Nothing listens at this address and port, or a firewall refuses it. Check the address and the firewall."},
	{fromNetwork, egress.TimedOut, "", "No response in time", "",
		"Check the network, and whether a firewall drops packets to this address. From abroad, use an endpoint nearby or " +
			"raise request_timeout."},
	{fromNetwork, egress.ConnectionFailed, "", "Connection failed", "",
		"Check this machine's network, and the proxy in HTTPS_PROXY and NO_PROXY if there is one. Try again later."},
	{fromNetwork, egress.NotTLS, "", "No encrypted connection", "",
		"The server must speak TLS 1.2 or newer at this port. Check the address, its port, and the proxy if there is one."},
	{fromNetwork, "", "", "Unexpected response", "what it sent isn't valid HTTP", checkBetween},

	{fromWait, cancelled, "", "Reading the certificate asset counts was cancelled", "", ""},
	{fromWait, "", "", "Certificate asset counts not read in time", "", "Give the read more time in its timeouts block."},
	{"", "", "", "Certificate asset counts not read", "",
		"This is unexpected: please report it to the provider's maintainers."},
}
