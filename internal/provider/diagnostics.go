package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// explained holds the causes whose diagnostics this process has shown in full, so that if one cause
// makes many reads fail, only the first one explains it. It is safe for concurrent use.
type explained struct{ causes sync.Map }

// all returns diagnostics that every read has.
func (e *explained) all(diags diag.Diagnostics) (once diag.Diagnostics) {
	for _, d := range diags {
		once.Append(e.first(d.Detail(), d))
	}
	return once
}

// first returns d the first time that a cause has it, and afterwards a line that points to d.
func (e *explained) first(cause string, d diag.Diagnostic) diag.Diagnostic {
	if _, again := e.causes.LoadOrStore(d.Summary()+"\n"+cause, true); !again {
		return d
	}
	return diag.NewErrorDiagnostic(d.Summary(), "Another error with this summary and cause says what to do.")
}

// origin is what failed.
type origin string

const (
	fromWait    origin = "wait"    // the read's time ran out
	fromService origin = "service" // the service responded
	fromSource  origin = "source"  // a source gave no credentials
	fromNetwork origin = "network" // the service or a source didn't respond
	fromProxy   origin = "proxy"   // a proxy on the way to one of them failed

	cancelled egress.Kind = "cancelled" // of a wait, because the read was cancelled
)

// message is the text about failures of one origin, kind and code. An empty one stands for any.
type message struct {
	from    origin
	kind    egress.Kind
	code    string
	summary string // what failed
	what    string // what happened, unless the cause says it
	do      string // what to do about it
}

// about reports whether m is about a failure. Messages of the network are also about a proxy.
func (m message) about(from origin, kind egress.Kind, code string) bool {
	return (m.from == "" || m.from == from || m.from == fromNetwork && from == fromProxy) &&
		(m.kind == "" || m.kind == kind) && (m.code == "" || m.code == code)
}

const (
	checkBetween = "Check for a proxy, a captive portal or a gateway on the path, and check the address."

	orNoProxy = " If the host needs no proxy, add it to NO_PROXY."

	checkProxy = "Check the proxy's URL in that variable: http://, unless it speaks TLS, as few do." + orNoProxy

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
	{fromSource, openapi.Clock, "", "This machine's clock is off", "", checkTime},
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
		"Install the package ca-certificates, which small images leave out, or correct SSL_CERT_FILE and SSL_CERT_DIR, " +
			"which replace the system's directories. On Windows and macOS, check that Terraform can read the system's store."},
	{fromNetwork, egress.InvalidProxy, "", "Invalid proxy", "",
		"Nothing was sent. Set the variable to a URL such as http://proxy.example.com:3128, with nothing before or after " +
			"it. In a user name or a password, write % as %25, and @, :, /, # and ? as %40, %3A, %2F, %23 and %3F."},
	{fromNetwork, egress.ProxyRefuses, "", "Proxy refused the request", "it refused the request",
		"Check user name and password in its URL, and whether it allows connections to this host." + orNoProxy},
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

// draft is a diagnostic before it is written.
type draft struct {
	message
	text  string   // what happened
	facts []string // lines for a bug report or a support case
	cause string   // equal for errors with the same remedy
}

// newDraft returns the draft about what failed, what the service said about it, and its cause.
func newDraft(from origin, said openapi.Report, failed string, cause error) draft {
	i := slices.IndexFunc(messages, func(m message) bool { return m.about(from, said.Kind, said.Code) })
	d := draft{message: messages[i], cause: fmt.Sprint(from, said.Kind, said.Status, said.Code, said.Denied, failed)}
	why := ""
	if cause != nil {
		why = clean(cause.Error())
	}
	if said.Code == "" && from != fromNetwork && from != fromProxy { // otherwise it may hold a request ID or a port
		d.cause += why
	}
	d.text = join(": ", clean(failed), d.what, why) + "."
	if said.Kind == openapi.Clock && said.Skew.Abs() >= time.Minute { // more than a response takes
		d.text += fmt.Sprintf(" Its clock and this machine's are %s apart.", said.Skew.Abs().Round(time.Second))
	}
	d.fact("HTTP status", said.Status)
	d.fact("Error code", said.Code)
	words := "Error message"
	if said.Code == "" {
		words = "Response begins"
	}
	d.fact(words, said.Message)
	d.fact("Request ID", said.RequestID)
	d.fact("About this error", said.Recommend)
	return d
}

// about describes an error of the client or of a source of credentials.
func about(err error) draft {
	if e, ok := errors.AsType[*cas.WaitError](err); ok {
		return aboutWait(e)
	}
	if e, ok := errors.AsType[*cas.Error](err); ok {
		return aboutCall(e)
	}
	if e, ok := errors.AsType[*credential.Error](err); ok {
		return aboutCredentials(e)
	}
	return newDraft("", openapi.Report{}, "", err)
}

// aboutWait describes a read that ended before a response came.
func aboutWait(e *cas.WaitError) draft {
	ended := fmt.Sprintf("The read ended after %s (attempts: %d), while it waited for %s",
		e.Elapsed.Round(time.Millisecond), e.Attempts, e.For)
	if e.Needs > 0 {
		ended += fmt.Sprintf(", which takes at least %s, more than is left", e.Needs.Round(time.Millisecond))
	}
	if errors.Is(e.Cause, context.Canceled) {
		return newDraft(fromWait, openapi.Report{Kind: cancelled}, ended, nil)
	}
	d := newDraft(fromWait, openapi.Report{}, ended, nil)
	d.cause = e.For
	switch {
	case e.Last != nil:
		last := about(e.Last)
		d.text += " The last attempt failed: " + last.text
		d.do += " " + last.do
		d.facts, d.cause = last.facts, d.cause+last.cause
	case e.Attempts > 0:
		d.do = "Check that no firewall or proxy drops packets to the endpoint. " + d.do
	}
	return d
}

// aboutCall describes a call that got no response, an error, or a response that can't be used.
func aboutCall(e *cas.Error) (d draft) {
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		d = aboutNetwork(unanswered)
	} else {
		d = newDraft(fromService, e.Report, "", e.Err)
		d.fact("Endpoint", e.Endpoint)
	}
	if _, ok := errors.AsType[cas.FieldError](e.Err); ok {
		d.do = "If this persists, look for a newer version of the provider, or report it with the request ID."
	}
	if e.Kind == openapi.NoPermission {
		d.deny(e.Denied) // RAM doesn't always name the identity and the action
	}
	d.fact("Credentials", e.Credentials)
	if e.Attempts > 1 {
		d.fact("Attempts", fmt.Sprintf("%d in %s", e.Attempts, e.Elapsed.Round(time.Millisecond)))
	}
	d.cause += e.Endpoint + e.Credentials
	return d
}

// deny says which action RAM denied to which identity, and by which kind of policy.
func (d *draft) deny(denied openapi.AccessDenied) {
	identity := map[string]string{
		"SubUser": "the RAM user", "AssumedRoleUser": "the assumed role", "Account": "the account",
	}[denied.AuthPrincipalType]
	d.text = clean(join(" ", "RAM denied", cmp.Or(denied.AuthAction, "yundun-cert:GetAssetCount"), "to",
		cmp.Or(identity, "the caller"), denied.AuthPrincipalDisplayName)) + "."
	if denied.NoPermissionType == "ExplicitDeny" {
		d.do = "First change the policy that denies this action explicitly, which no other can overrule. " + d.do
	}
	d.fact("Account", denied.AuthPrincipalOwnerID)
	d.fact("Denial", join(", ", denied.NoPermissionType, denied.PolicyType))
}

// aboutCredentials describes a source that gave no credentials, so that no call was made.
func aboutCredentials(e *credential.Error) (d draft) {
	none := "No credentials came from " + e.Source
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		d = aboutNetwork(unanswered)
		d.text = clean(none) + ". " + d.text
		d.cause += none
	} else {
		d = newDraft(fromSource, e.Report, none, e.Err)
	}
	for _, tried := range e.Tried {
		d.text += "\n" + indent + "- " + oneLine(fmt.Sprintf("%s: %s", tried.Source, tried.Err))
	}
	if e.Command != "" {
		d.do += " In a terminal, this command sets up the profile or signs in:\n\n" + indent + oneLine(e.Command)
	}
	return d
}

// aboutNetwork describes a request that got no response that can be used.
func aboutNetwork(e *egress.Error) draft {
	from, failed := fromNetwork, "The request to "+e.Address+" failed"
	switch {
	case e.Proxy != "":
		from = fromProxy
		failed += ", because of the proxy " + e.Proxy + " (" + e.Variable + ")"
	case e.Variable != "":
		failed += ", because " + e.Variable + " can't be used"
	}
	d := newDraft(from, openapi.Report{Kind: e.Kind, Status: e.Status}, failed, e.Err)
	if e.InHandshake {
		d.do += " If that happens in every TLS handshake, something on the path may drop or reset its first message, " +
			"which post-quantum key shares make larger than a packet: GODEBUG=tlsmlkem=0 in the environment leaves them out."
	}
	d.fact("Location", e.Location)
	if c := e.Certificate; c != nil {
		d.fact("Certificate of", c.Subject.String())
		d.fact("Issued by", c.Issuer.String())
		d.fact("Valid", c.NotBefore.UTC().Format(time.DateOnly)+" to "+c.NotAfter.UTC().Format(time.DateOnly))
	}
	return d
}

// fact adds a line that names a value, unless the value is empty or 0.
func (d *draft) fact(name string, value any) {
	if text := fmt.Sprint(value); text != "" && value != 0 {
		d.facts = append(d.facts, name+": "+oneLine(text))
	}
}

func (d draft) diagnostic() diag.Diagnostic {
	return diag.NewErrorDiagnostic(d.summary, join("\n\n", d.text, d.do, strings.Join(d.facts, "\n")))
}

// join joins the texts that aren't empty.
func join(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), separator)
}

// indent keeps Terraform from wrapping a line.
const indent = "  "

// oneLine makes text from outside safe to print.
func oneLine(s string) string { return egress.Printable(s, 4000) }

// clean makes text from outside safe to print within a sentence, which has a full stop of its own.
func clean(s string) string { return strings.TrimSuffix(oneLine(s), ".") }
