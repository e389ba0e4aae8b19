package provider

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// credentialMessages describe each kind of failure of a source of credentials.
var credentialMessages = map[egress.Kind]message{
	openapi.Temporary: {
		summary: "Source of Alibaba Cloud credentials not available",
		do:      "The source may be busy. Try again later.",
	},
	credential.Nowhere: {
		summary: "No Alibaba Cloud credentials",
		do: "Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, and ALIBABA_CLOUD_SECURITY_TOKEN if they are temporary; " +
			"or name a source in the provider block, such as profile for a profile of the aliyun CLI.",
	},
	credential.NotFound: {
		summary: "Alibaba Cloud credentials not found",
		do:      "Check what the provider block or the environment names: the file, the profile, the role.",
	},
	credential.Invalid: {
		summary: "Alibaba Cloud credentials can't be used",
		do:      "Correct this, or use another source of credentials.",
	},
	credential.Login: {
		summary: "Sign-in to Alibaba Cloud needed",
		do:      "Terraform can't open a browser: sign in first, then run Terraform again.",
	},
	openapi.Rejected: {
		summary: "Alibaba Cloud credentials refused",
		what:    "No credentials came from {source}: the service refused the request.",
		do: "Check the key, the token or the sign-in that the request was made with. Where a role is assumed, check that it " +
			"exists, that its trust policy names the caller, and that the caller is allowed sts:AssumeRole.",
	},
	egress.Malformed: {
		summary: "Unexpected answer",
		do:      "Look at what answers there: another service, a proxy, or a command that prints more than it should.",
	},
	credential.NotAKey: {
		summary: "Invalid access key",
		what:    "What came from {source} can't be a key: {cause}, which isn't part of any key or token. Nothing was sent with it.",
		do:      "Remove it: it was probably added when the value was copied, or printed by a command.",
	},
	openapi.Clock: {
		summary: callMessages[openapi.Clock].summary,
		do:      callMessages[openapi.Clock].do,
	},
	openapi.Throttled: {
		summary: "Throttled by the source of Alibaba Cloud credentials",
		do:      "Other machines or tools of the same account ask for credentials too: run fewer of them at once.",
	},
}

// indent keeps Terraform from wrapping a line.
const indent = "  "

// aboutCredentials describes a source that gave no credentials, so that no call was made.
func aboutCredentials(e *credential.Error) message {
	m, known := credentialMessages[e.Kind]
	if !known {
		m = credentialMessages[openapi.Rejected]
	}
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		m = aboutUnanswered(unanswered)
		m.what = sentence("No credentials came from %s", e.Source) + " " + m.what
	} else {
		m.what = cmp.Or(m.what, "No credentials came from {source}: {cause}.")
		m.fill("{source}", e.Source, "{cause}", fmt.Sprint(e.Err))
	}
	if e.Kind == openapi.Clock {
		m.addSkew(e.Skew)
	}
	for _, tried := range e.Tried {
		m.what += "\n" + indent + "- " + oneLine(fmt.Sprintf("%s: %s", tried.Source, tried.Err))
	}
	if e.Command != "" {
		m.do += " In a terminal, this command sets up the profile or signs in:\n\n" + indent + oneLine(e.Command)
	}
	m.fact("Error code", e.Code)
	m.fact("Error message", e.Message)
	m.fact("Request ID", e.RequestID)
	return m
}
