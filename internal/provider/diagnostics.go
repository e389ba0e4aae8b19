package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// message holds the parts of a diagnostic. Only the summary is always there. Names in braces stand for values of the error.
type message struct {
	summary string   // what failed
	what    string   // what happened, and why
	do      string   // what to do about it
	facts   []string // lines for a bug report or a support case
}

// diagnose says what happened, why, and what to do about it.
func diagnose(err error) diag.Diagnostic {
	m := about(err)
	if m.summary == "" {
		m.summary = "Certificate asset counts not read"
		m.what = sentence("%s", err)
		m.do = "This is unexpected: please report it to the provider's maintainers."
	}
	return m.diagnostic()
}

// about describes an error of the client or of a source of credentials. There is no summary if it is none of these.
func about(err error) message {
	if e, ok := errors.AsType[*cas.WaitError](err); ok {
		return aboutWait(e)
	}
	if e, ok := errors.AsType[*cas.Error](err); ok {
		return aboutCall(e)
	}
	if e, ok := errors.AsType[*credential.Error](err); ok {
		return aboutCredentials(e)
	}
	return message{}
}

// aboutWait describes a read that ended before an answer came.
func aboutWait(e *cas.WaitError) message {
	after := fmt.Sprintf("after %s (attempts: %d)", e.Elapsed.Round(time.Millisecond), e.Attempts)
	if errors.Is(e.Cause, context.Canceled) {
		return message{
			summary: "Reading the certificate asset counts was cancelled",
			what:    sentence("The read was cancelled %s, while it waited for %s", after, e.For),
		}
	}
	m := message{
		summary: "Certificate asset counts not read in time",
		what:    sentence("The read ran out of time %s, while it waited for %s", after, e.For),
		do:      "Give the read more time in its timeouts block.",
	}
	if e.Needs > 0 {
		m.what = sentence("The read gave up %s: it would have to wait for %s for at least %s more, which is longer than the time that is left",
			after, e.For, e.Needs.Round(time.Millisecond))
	}
	if last := about(e.Last); last.summary != "" {
		m.what += " The last attempt failed: " + last.what
		m.do += " " + last.do
		m.facts = last.facts
	} else if e.Attempts > 0 {
		m.do = "Check that this machine reaches the endpoint: a firewall or a proxy may drop its packets. " + m.do
	}
	return m
}

func (m message) diagnostic() diag.Diagnostic {
	paragraphs := []string{m.what, m.do, strings.Join(m.facts, "\n")}
	paragraphs = slices.DeleteFunc(paragraphs, func(p string) bool { return p == "" })
	return diag.NewErrorDiagnostic(m.summary, strings.Join(paragraphs, "\n\n"))
}

// fill replaces names by values, which alternate as in [strings.NewReplacer]. Values may come from outside, and may end in a
// full stop that the sentence has already.
func (m *message) fill(pairs ...string) {
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = strings.TrimSuffix(oneLine(pairs[i]), ".")
	}
	values := strings.NewReplacer(pairs...)
	m.what, m.do = values.Replace(m.what), values.Replace(m.do)
}

// fact adds a line that names a value, unless the value is empty.
func (m *message) fact(name, value string) {
	if value != "" {
		m.facts = append(m.facts, name+": "+oneLine(value))
	}
}

// sentence formats text that may come from outside as one line that ends in a full stop.
func sentence(format string, args ...any) string {
	return strings.TrimSuffix(oneLine(fmt.Sprintf(format, args...)), ".") + "."
}

// oneLine makes text from outside safe to print.
func oneLine(s string) string { return egress.Printable(s, 4000) }
