package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// told holds the causes whose diagnostics this process has shown in full, so that if one cause
// makes many reads fail, only the first one explains it. It is safe for concurrent use.
type told struct{ causes sync.Map }

// all returns diagnostics that every read has.
func (t *told) all(diags diag.Diagnostics) (once diag.Diagnostics) {
	for _, d := range diags {
		once.Append(t.first(d.Detail(), d))
	}
	return once
}

// first returns the diagnostic of a cause, or else a line that points to it.
func (t *told) first(cause string, d diag.Diagnostic) diag.Diagnostic {
	if _, again := t.causes.LoadOrStore(d.Summary()+"\n"+cause, true); !again {
		return d
	}
	const elsewhere = "The cause is that of another error with this summary, which says what to do."
	return diag.NewErrorDiagnostic(d.Summary(), elsewhere)
}

// failure is an error as the messages see it.
type failure struct {
	from   origin
	kind   egress.Kind
	code   string
	status int // of HTTP; 0 if that says nothing

	subject string // how the text begins: what failed
	err     error  // why, if the message doesn't say that
}

// report is a diagnostic before it is written.
type report struct {
	message
	text  string   // what happened
	facts []string // lines for a bug report or a support case
	cause string   // equal for errors with the same remedy
}

// newReport returns the report of a failure. Its facts follow.
func newReport(f failure) report {
	m := messages[slices.IndexFunc(messages, func(m message) bool { return m.about(f) })]
	why := ""
	if f.err != nil {
		why = clean(f.err.Error())
	}
	r := report{message: m, text: join(": ", clean(f.subject), m.what, why) + "."}
	if f.status > 0 {
		r.fact("HTTP status", strconv.Itoa(f.status))
	}
	r.cause = fmt.Sprint(f.from, f.kind, f.code, f.status, f.subject)
	return r
}

// about describes an error of the client or of a source of credentials.
func about(err error) report {
	if e, ok := errors.AsType[*cas.WaitError](err); ok {
		return aboutWait(e)
	}
	if e, ok := errors.AsType[*cas.Error](err); ok {
		return aboutCall(e)
	}
	if e, ok := errors.AsType[*credential.Error](err); ok {
		return aboutCredentials(e)
	}
	return newReport(failure{err: err})
}

// aboutWait describes a read that ended before a response came.
func aboutWait(e *cas.WaitError) report {
	f := failure{from: fromWait, subject: fmt.Sprintf("The read ended after %s (attempts: %d), while it waited for %s",
		e.Elapsed.Round(time.Millisecond), e.Attempts, e.For)}
	if e.Needs > 0 {
		f.subject += fmt.Sprintf(", which takes at least %s, longer than the time that is left",
			e.Needs.Round(time.Millisecond))
	}
	if errors.Is(e.Cause, context.Canceled) {
		f.kind = cancelled
		return newReport(f)
	}
	r := newReport(f)
	r.cause = e.For
	switch {
	case e.Last != nil:
		last := about(e.Last)
		r.text += " The last attempt failed: " + last.text
		r.do += " " + last.do
		r.facts, r.cause = last.facts, r.cause+last.cause
	case e.Attempts > 0:
		r.do = "Check that no firewall or proxy drops packets to the endpoint. " + r.do
	}
	return r
}

// aboutCall describes a call that failed, with what the service said, the endpoint and the
// credentials.
func aboutCall(e *cas.Error) report {
	var r report
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		r = aboutNetwork(unanswered)
	} else {
		r = aboutResponse(e)
	}
	r.cause += e.Credentials
	r.fact("Error code", e.Code)
	if e.Code != "" { // otherwise the text quotes it
		r.fact("Error message", e.Message)
	}
	r.fact("Endpoint", e.Endpoint)
	r.fact("Credentials", e.Credentials)
	r.fact("Request ID", e.RequestID)
	r.fact("About this error", e.Recommend)
	if e.Attempts > 1 {
		r.fact("Attempts", fmt.Sprintf("%d in %s", e.Attempts, e.Elapsed.Round(time.Millisecond)))
	}
	return r
}

// aboutResponse describes a response that reports an error or can't be used.
func aboutResponse(e *cas.Error) report {
	r := newReport(failure{from: fromService, kind: e.Kind, code: e.Code, status: e.Status, err: e.Err})
	r.cause += fmt.Sprint(e.Endpoint, e.Err)
	if _, ok := errors.AsType[cas.FieldError](e.Err); ok {
		r.do = "If this persists, look for a newer version of the provider, or report it with the request ID."
	}
	if e.Kind == openapi.NoPermission {
		r.deny(e.Denied) // RAM doesn't always name the identity and the action
	}
	r.addSkew(e.Kind, e.Skew)
	if e.Code == "" && e.Message != "" {
		r.text += " The response begins: " + clean(e.Message)
	}
	return r
}

// principals are RAM's types of identity.
var principals = map[string]string{
	"SubUser": "the RAM user", "AssumedRoleUser": "the assumed role", "Account": "the account",
}

// deny says which action RAM denied to which identity.
func (r *report) deny(d openapi.AccessDenied) {
	principal := "the caller"
	if d.AuthPrincipalDisplayName != "" {
		principal = cmp.Or(principals[d.AuthPrincipalType], "the principal") + " " + d.AuthPrincipalDisplayName
	}
	if d.AuthPrincipalOwnerID != "" {
		principal += " of account " + d.AuthPrincipalOwnerID
	}
	if d.NoPermissionType != "" {
		principal += " (" + strings.TrimSuffix(d.NoPermissionType+", "+d.PolicyType, ", ") + ")"
	}
	if d.NoPermissionType == "ExplicitDeny" {
		r.do = "Change the policy that denies this action explicitly: no other policy can overrule it. Another policy " +
			"must allow the action, such as the system policy AliyunYundunCertReadOnlyAccess."
	}
	action := cmp.Or(d.AuthAction, "yundun-cert:GetAssetCount")
	r.text = fmt.Sprintf("RAM denied %s to %s.", clean(action), clean(principal))
	r.cause += r.text
}

// addSkew adds how far apart the clocks are, if that may be the cause and is more than a response
// takes.
func (r *report) addSkew(kind egress.Kind, skew time.Duration) {
	if kind == openapi.Clock && skew.Abs() >= time.Minute {
		r.text += fmt.Sprintf(" Its clock and this machine's are %s apart.", skew.Abs().Round(time.Second))
	}
}

// aboutCredentials describes a source that gave no credentials, so that no call was made.
func aboutCredentials(e *credential.Error) report {
	var r report
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		r = aboutNetwork(unanswered)
		r.text = "No credentials came from " + clean(e.Source) + ". " + r.text
		r.cause += e.Source
	} else {
		r = newReport(failure{from: fromSource, kind: e.Kind, code: e.Code, err: e.Err,
			subject: "No credentials came from " + e.Source})
		if e.Code == "" { // otherwise the text may hold a request ID
			r.cause += fmt.Sprint(e.Err)
		}
	}
	r.addSkew(e.Kind, e.Skew)
	for _, tried := range e.Tried {
		r.text += "\n" + indent + "- " + oneLine(fmt.Sprintf("%s: %s", tried.Source, tried.Err))
	}
	if e.Command != "" {
		r.do += " In a terminal, this command sets up the profile or signs in:\n\n" + indent + oneLine(e.Command)
	}
	r.fact("Error code", e.Code)
	r.fact("Error message", e.Message)
	r.fact("Request ID", e.RequestID)
	return r
}

// aboutNetwork describes a request that got no response that can be used.
func aboutNetwork(e *egress.Error) report {
	f := failure{from: fromNetwork, kind: e.Kind, status: e.Status, err: e.Err,
		subject: "The request to " + e.Address + " failed"}
	switch {
	case e.Proxy != "":
		f.from = fromProxy
		f.subject += ", because of the proxy " + e.Proxy + " (" + e.Variable + ")"
	case e.Variable != "":
		f.subject += ", because " + e.Variable + " can't be used"
	}
	r := newReport(f)
	if e.InHandshake {
		r.do += " If that happens in every TLS handshake, something on the path may drop or reset its first message, " +
			"which post-quantum key shares make larger than a packet: GODEBUG=tlsmlkem=0 in the environment leaves them out."
	}
	r.fact("Location", e.Location)
	if c := e.Certificate; c != nil {
		r.fact("Certificate of", c.Subject.String())
		r.fact("Issued by", c.Issuer.String())
		r.fact("Valid", c.NotBefore.UTC().Format(time.DateOnly)+" to "+c.NotAfter.UTC().Format(time.DateOnly))
	}
	return r
}

// fact adds a line that names a value, unless the value is empty.
func (r *report) fact(name, value string) {
	if value != "" {
		r.facts = append(r.facts, name+": "+oneLine(value))
	}
}

func (r report) diagnostic() diag.Diagnostic {
	return diag.NewErrorDiagnostic(r.summary, join("\n\n", r.text, r.do, strings.Join(r.facts, "\n")))
}

// join joins the texts that aren't empty.
func join(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), separator)
}

// indent keeps Terraform from wrapping a line.
const indent = "  "

// oneLine makes text from outside safe to print.
func oneLine(s string) string { return egress.Printable(s, 4000) }

// clean makes text from outside safe to print within a sentence, which ends in a full stop of its
// own.
func clean(s string) string { return strings.TrimSuffix(oneLine(s), ".") }
