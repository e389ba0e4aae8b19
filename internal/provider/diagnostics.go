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

// report is a diagnostic before it is written.
type report struct {
	message
	text  string   // what happened
	facts []string // lines for a bug report or a support case
	cause string   // equal for errors with the same remedy
}

// newReport returns the report of what failed, of what was said about it, and of its cause.
func newReport(from origin, said openapi.Report, failed string, cause error) report {
	i := slices.IndexFunc(messages, func(m message) bool { return m.about(from, said.Kind, said.Code) })
	r := report{message: messages[i], cause: fmt.Sprint(from, said.Kind, said.Status, said.Code, said.Denied, failed)}
	why := ""
	if cause != nil {
		why = clean(cause.Error())
	}
	if said.Code == "" && from != fromNetwork && from != fromProxy { // otherwise it may hold a request ID or a port
		r.cause += why
	}
	r.text = join(": ", clean(failed), r.what, why) + "."
	if said.Kind == openapi.Clock && said.Skew.Abs() >= time.Minute { // more than a response takes
		r.text += fmt.Sprintf(" Its clock and this machine's are %s apart.", said.Skew.Abs().Round(time.Second))
	}
	if said.Status > 0 {
		r.fact("HTTP status", strconv.Itoa(said.Status))
	}
	r.fact("Error code", said.Code)
	if said.Code != "" {
		r.fact("Error message", said.Message)
	} else {
		r.fact("Response begins", said.Message)
	}
	r.fact("Request ID", said.RequestID)
	r.fact("About this error", said.Recommend)
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
	return newReport("", openapi.Report{}, "", err)
}

// aboutWait describes a read that ended before a response came.
func aboutWait(e *cas.WaitError) report {
	ended := fmt.Sprintf("The read ended after %s (attempts: %d), while it waited for %s",
		e.Elapsed.Round(time.Millisecond), e.Attempts, e.For)
	if e.Needs > 0 {
		ended += fmt.Sprintf(", which takes at least %s, longer than the time that is left",
			e.Needs.Round(time.Millisecond))
	}
	if errors.Is(e.Cause, context.Canceled) {
		return newReport(fromWait, openapi.Report{Kind: cancelled}, ended, nil)
	}
	r := newReport(fromWait, openapi.Report{}, ended, nil)
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

// aboutCall describes a call that got no response, an error, or a response that can't be used.
func aboutCall(e *cas.Error) (r report) {
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		r = aboutNetwork(unanswered)
	} else {
		r = newReport(fromService, e.Report, "", e.Err)
		r.fact("Endpoint", e.Endpoint)
	}
	if _, ok := errors.AsType[cas.FieldError](e.Err); ok {
		r.do = "If this persists, look for a newer version of the provider, or report it with the request ID."
	}
	if e.Kind == openapi.NoPermission {
		r.deny(e.Denied) // RAM doesn't always name the identity and the action
	}
	r.fact("Credentials", e.Credentials)
	if e.Attempts > 1 {
		r.fact("Attempts", fmt.Sprintf("%d in %s", e.Attempts, e.Elapsed.Round(time.Millisecond)))
	}
	r.cause += e.Endpoint + e.Credentials
	return r
}

// principals are RAM's types of identity.
var principals = map[string]string{
	"SubUser": "the RAM user", "AssumedRoleUser": "the assumed role", "Account": "the account",
}

// deny says which action RAM denied to which identity, and by which kind of policy.
func (r *report) deny(d openapi.AccessDenied) {
	r.text = clean(join(" ", "RAM denied", cmp.Or(d.AuthAction, "yundun-cert:GetAssetCount"), "to",
		cmp.Or(principals[d.AuthPrincipalType], "the caller"), d.AuthPrincipalDisplayName)) + "."
	if d.NoPermissionType == "ExplicitDeny" {
		r.do = "Change the policy that denies this action explicitly: no other policy can overrule it. Another policy " +
			"must allow the action, such as the system policy AliyunYundunCertReadOnlyAccess."
	}
	r.fact("Account", d.AuthPrincipalOwnerID)
	r.fact("Denied by", join(", ", d.NoPermissionType, d.PolicyType))
}

// aboutCredentials describes a source that gave no credentials, so that no call was made.
func aboutCredentials(e *credential.Error) (r report) {
	none := "No credentials came from " + e.Source
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		r = aboutNetwork(unanswered)
		r.text = clean(none) + ". " + r.text
		r.cause += none
	} else {
		r = newReport(fromSource, e.Report, none, e.Err)
	}
	for _, tried := range e.Tried {
		r.text += "\n" + indent + "- " + oneLine(fmt.Sprintf("%s: %s", tried.Source, tried.Err))
	}
	if e.Command != "" {
		r.do += " In a terminal, this command sets up the profile or signs in:\n\n" + indent + oneLine(e.Command)
	}
	return r
}

// aboutNetwork describes a request that got no response that can be used.
func aboutNetwork(e *egress.Error) report {
	from, failed := fromNetwork, "The request to "+e.Address+" failed"
	switch {
	case e.Proxy != "":
		from = fromProxy
		failed += ", because of the proxy " + e.Proxy + " (" + e.Variable + ")"
	case e.Variable != "":
		failed += ", because " + e.Variable + " can't be used"
	}
	r := newReport(from, openapi.Report{Kind: e.Kind, Status: e.Status}, failed, e.Err)
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
