package provider

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// aboutCredentials is about credentials that couldn't be had, so that no call was made.
func aboutCredentials(e *credential.Error) message {
	m := aboutCredentialKind(e)
	if e.Command != "" {
		m.do += " In a terminal, this sets up the profile or signs in:\n\n" + indent + oneLine(e.Command)
	}
	m.facts = append(m.facts, fact("Error code", e.Code)...)
	m.facts = append(m.facts, fact("Error message", e.Message)...)
	m.facts = append(m.facts, fact("Request ID", e.RequestID)...)
	return m
}

func aboutCredentialKind(e *credential.Error) message {
	if len(e.Tried) > 0 {
		return foundNowhere(e)
	}
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		m := notReached(unanswered)
		m.what = sentence("No credentials came from %s", e.Source) + " " + m.what
		return m
	}
	m := message{what: sentence("No credentials came from %s: %s", e.Source, e.Err)}
	switch e.Kind {
	case credential.NotFound:
		m.summary = "Alibaba Cloud credentials not found"
		m.do = "Check what the provider block or the environment names: the file, the profile, the role."
	case credential.Invalid:
		m.summary = "Alibaba Cloud credentials can't be used"
		m.do = "Correct this, or use another source of credentials."
	case credential.Login:
		m.summary = "Sign-in to Alibaba Cloud needed"
		m.do = "Terraform can't open a browser: sign in first, then run Terraform again."
	case credential.Refused:
		m.summary = "Alibaba Cloud credentials refused"
		m.what = sentence("No credentials came from %s: the service refused the request", e.Source)
		m.do = "Check the key, the token or the sign-in that it was asked with. Where a role is assumed, check that it " +
			"exists, that its trust policy names the caller, and that the caller is allowed sts:AssumeRole."
	case credential.Malformed:
		m.summary = "Unexpected answer"
		m.do = "Look at what answers there: another service, a proxy, or a command that prints more than it should."
	case credential.NotAKey:
		m.summary = "Invalid access key"
		m.what = sentence("What came from %s can't be a key: %s, which isn't part of any key or token", e.Source, e.Err) + " " +
			"Nothing was sent with it."
		m.do = "It was probably added when the value was copied, or printed by a command: take it out."
	case credential.Throttled:
		m.summary = "Throttled by the source of Alibaba Cloud credentials"
		m.do = "Other machines or tools of the same account ask for credentials too: run fewer of them at once."
	default: // credential.Unavailable
		m.summary = "Source of Alibaba Cloud credentials not available"
		m.do = "The source may be busy. Try again later."
	}
	return m
}

// indent keeps Terraform from wrapping a line.
const indent = "  "

func foundNowhere(e *credential.Error) message {
	m := message{
		summary: "No Alibaba Cloud credentials",
		what:    "The provider block and the environment name no source of credentials, and none was found where they are looked for then:\n",
		do: "Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, and ALIBABA_CLOUD_SECURITY_TOKEN if they are temporary; " +
			"or name a source in the provider block, such as profile for a profile of the aliyun CLI.",
	}
	for _, tried := range e.Tried {
		m.what += "\n" + indent + "- " + oneLine(fmt.Sprintf("%s: %s", tried.Source, tried.Err))
	}
	return m
}

// unsaved is about a sign-in that was renewed and is lost for the next run. It is empty where e is nil.
func unsaved(e *credential.Error) diag.Diagnostics {
	if e == nil {
		return nil
	}
	about := message{
		summary: "Sign-in to Alibaba Cloud not saved",
		what:    sentence("The sign-in of %s was renewed, but couldn't be saved: %s", e.Source, e.Err),
		do: "The token that renews it works once, so the next run and the aliyun CLI can't renew it again. Check that this user " +
			"may write the file, and that no other program keeps it open. In a terminal, this signs in again:\n\n" + indent + oneLine(e.Command),
	}.diagnostic()
	return diag.Diagnostics{diag.NewWarningDiagnostic(about.Summary(), about.Detail())}
}
