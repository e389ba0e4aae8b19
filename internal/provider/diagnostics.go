package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// message is a diagnostic in parts, each of which may be empty but the summary.
type message struct {
	summary string   // what failed
	what    string   // happened, and why
	do      string   // what to do about it
	facts   []string // one a line, for a bug report or a support case
}

// diagnose says what happened, why, and what to do about it.
func diagnose(err error) diag.Diagnostic {
	if e, ok := errors.AsType[*cas.WaitError](err); ok {
		return aboutWait(e).diagnostic()
	}
	if e, ok := errors.AsType[*cas.Error](err); ok {
		return aboutCall(e).diagnostic()
	}
	if e, ok := errors.AsType[*credential.Error](err); ok {
		return aboutCredentials(e).diagnostic()
	}
	return message{
		summary: "Certificate asset counts not read",
		what:    sentence("%s", err),
		do:      "This is unexpected: please report it to the provider's maintainers.",
	}.diagnostic()
}

// aboutWait is about a read that ended before an answer came.
func aboutWait(e *cas.WaitError) message {
	after := fmt.Sprintf("after %s and %s", round(e.Elapsed), plural(e.Attempts, "attempt"))
	if errors.Is(e.Cause, context.Canceled) {
		return message{
			summary: "Reading the certificate asset counts was cancelled",
			what:    sentence("The read was cancelled %s, while it waited for %s", after, e.For),
		}
	}
	m := message{
		summary: "Certificate asset counts not read in time",
		what:    sentence("The read's time was up %s, while it waited for %s", after, e.For),
		do:      "Give the read more time in its timeouts block.",
	}
	if e.Needs > 0 {
		m.what = sentence("The read gave up %s: it has to wait for %s for at least %s more, and its time is up before that",
			after, e.For, round(e.Needs))
	}
	if last, ok := errors.AsType[*cas.Error](e.Last); ok {
		cause := aboutKind(last)
		m.what += " The last attempt failed: " + cause.what
		m.do += " " + cause.do
		m.facts = append(cause.facts, factsOf(last)...)
	} else if last, ok := errors.AsType[*credential.Error](e.Last); ok {
		cause := aboutCredentials(last)
		m.what += " The last attempt failed: " + cause.what
		m.do += " " + cause.do
		m.facts = cause.facts
	} else if e.Attempts > 0 {
		m.do = "Check that this machine reaches the endpoint: a firewall that drops what it doesn't allow, or a proxy, shows in this way. " + m.do
	}
	return m
}

func (m message) diagnostic() diag.Diagnostic {
	var paragraphs []string
	for _, p := range []string{m.what, m.do, strings.Join(m.facts, "\n")} {
		if p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	return diag.NewErrorDiagnostic(m.summary, strings.Join(paragraphs, "\n\n"))
}

// fact is a line that names a value; there is none for an empty one.
func fact(name, value string) []string {
	if value == "" {
		return nil
	}
	return []string{name + ": " + oneLine(value)}
}

// sentence formats text from outside, too: in one line, and with a full stop.
func sentence(format string, args ...any) string {
	return strings.TrimSuffix(oneLine(fmt.Sprintf(format, args...)), ".") + "."
}

// oneLine makes text from outside safe to print.
func oneLine(s string) string { return egress.Printable(s, 4000) }

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
