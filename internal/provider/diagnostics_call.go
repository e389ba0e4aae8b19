package provider

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// readOnlyPolicy is the system policy that allows to read what Certificate Management Service knows.
const readOnlyPolicy = "AliyunYundunCertReadOnlyAccess"

// aboutCall is about a call that failed.
func aboutCall(e *cas.Error) message {
	m := aboutKind(e)
	m.facts = append(m.facts, factsOf(e)...)
	if e.Attempts > 1 {
		m.facts = append(m.facts, fact("Attempts", fmt.Sprintf("%d in %s", e.Attempts, round(e.Elapsed)))...)
	}
	return m
}

func aboutKind(e *cas.Error) message {
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		return notReached(unanswered)
	}
	switch e.Kind {
	case cas.Throttled:
		return throttled()
	case cas.Temporary:
		return unavailable(e)
	case cas.Clock:
		return clockOff(e)
	case cas.BadKey:
		return keyRefused(e)
	case cas.BadToken:
		return tokenRefused(e)
	case cas.NoPermission:
		return notAllowed(e)
	case cas.WrongPlace:
		return wrongPlace(e)
	case cas.Malformed:
		return malformed(e)
	}
	return rejected(e)
}

// factsOf is what the service said, and who was asked by whom.
func factsOf(e *cas.Error) (facts []string) {
	facts = append(facts, fact("Error code", e.Code)...)
	if e.Code != "" { // else it is quoted where it matters
		facts = append(facts, fact("Error message", e.Message)...)
	}
	facts = append(facts, fact("Endpoint", e.Endpoint)...)
	facts = append(facts, fact("Credentials", e.Credentials)...)
	facts = append(facts, fact("Request ID", e.RequestID)...)
	return append(facts, fact("About this error", e.Recommend)...)
}

func throttled() message {
	return message{
		summary: "Throttled by Certificate Management Service",
		what:    "The service refused the call, because the account's ten calls of this second were spent.",
		do: "Other machines or tools of the same account are calling too: run fewer of them at once, or lower " +
			"requests_per_second in each, so that together they stay below ten.",
	}
}

func unavailable(e *cas.Error) message {
	return message{
		summary: "Certificate Management Service is temporarily unavailable",
		what:    fmt.Sprintf("The endpoint answered HTTP %d.%s", e.Status, firstWords(e)),
		do:      "Try again later; raise max_retries if this happens often.",
	}
}

func clockOff(e *cas.Error) message {
	m := message{
		summary: "This machine's clock is off",
		what:    "The service refused the request for its date, which must be within 15 minutes of the service's own time.",
		do:      "Set this machine's clock, and let it follow a time server (NTP).",
	}
	switch {
	case !e.HasSkew || e.Skew.Abs() < time.Minute: // an answer's date is no more exact than its way was short
	case e.Skew > 0:
		m.what += fmt.Sprintf(" This machine's clock is %s ahead of it.", round(e.Skew))
	default:
		m.what += fmt.Sprintf(" This machine's clock is %s behind it.", round(-e.Skew))
	}
	return m
}

func keyRefused(e *cas.Error) message {
	m := message{
		summary: "Access key refused",
		what:    "The service doesn't know the access key, or it is disabled.",
		do: "Check that the access key exists, is enabled and belongs to an account of this endpoint's site: " +
			"cas.aliyuncs.com serves the China site, cas.ap-southeast-1.aliyuncs.com the international site.",
	}
	switch e.Code {
	case "SignatureDoesNotMatch":
		m.what = "The service computed another signature for the request, so the access key secret isn't the one of this access key ID."
		m.do = "Check that access key ID and secret belong together, and that nothing was cut off or added when they were copied."
	case "IncompleteSignature":
		m.what = "The service found something of the request's signature missing."
		m.do = "Look for a proxy or a gateway between this machine and the service that removes or changes headers."
	}
	return m
}

func tokenRefused(e *cas.Error) message {
	what := "The service refused the security token: it is expired, revoked, malformed or not the one of this access key."
	if e.Code == "MissingSecurityToken" {
		what = "The access key is a temporary one, and no security token came with it."
	}
	return message{
		summary: "Security token refused",
		what:    what,
		do: "Get new temporary credentials. Access key ID, access key secret and security token are issued together, " +
			"belong together and expire together.",
	}
}

func notAllowed(e *cas.Error) message {
	action, principal, policy := "yundun-cert:GetAssetCount", "the caller", ""
	m := message{
		summary: "Not allowed to read the certificate asset counts",
		do:      "Attach the system policy " + readOnlyPolicy + ", or a policy that allows this action.",
	}
	if d := e.Denied; d != nil {
		if d.AuthAction != "" {
			action = d.AuthAction
		}
		if d.AuthPrincipalDisplayName != "" {
			principal = principalType(d.AuthPrincipalType) + " " + d.AuthPrincipalDisplayName
		}
		if d.AuthPrincipalOwnerID != "" {
			principal += " of account " + d.AuthPrincipalOwnerID
		}
		if d.NoPermissionType != "" {
			policy = " (" + strings.TrimSuffix(d.NoPermissionType+", "+d.PolicyType, ", ") + ")"
		}
		if d.NoPermissionType == "ExplicitDeny" {
			m.do = "A policy denies this action explicitly, which no other policy can overrule: change that statement. " +
				"The action must be allowed as well, as by the system policy " + readOnlyPolicy + "."
		}
	}
	m.what = sentence("RAM denied %s to %s%s", action, principal, policy)
	return m
}

func principalType(t string) string {
	switch t {
	case "SubUser":
		return "the RAM user"
	case "AssumedRoleUser":
		return "the assumed role"
	case "Account":
		return "the account"
	}
	return "the principal"
}

func wrongPlace(e *cas.Error) message {
	return message{
		summary: "Endpoint doesn't know GetAssetCount",
		what:    sentence("%s doesn't know the operation GetAssetCount of API version 2020-04-07", e.Endpoint),
		do: "Check region and endpoints.cas: accounts of the China site use cas.aliyuncs.com (region cn-hangzhou), " +
			"those of the international site cas.ap-southeast-1.aliyuncs.com (region ap-southeast-1).",
	}
}

func malformed(e *cas.Error) message {
	m := message{summary: "Unexpected answer", do: inBetween}
	switch {
	case e.Field != "":
		m.what = sentence("In the service's answer %s %s", e.Field, e.Err) + " Nothing of this answer is used."
		m.do = "If it stays so, the API may have changed: look for a newer version of the provider, or report it with the request ID."
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		m.what = fmt.Sprintf("The endpoint's answer, HTTP %d, is empty or breaks off.", e.Status) + firstWords(e)
	case e.Err != nil:
		m.what = sentence("The endpoint answered HTTP %d with something other than the service's JSON: %s", e.Status, e.Err) + firstWords(e)
	default:
		m.what = fmt.Sprintf("The endpoint answered HTTP %d with something other than the service's JSON.", e.Status) + firstWords(e)
	}
	return m
}

func rejected(e *cas.Error) message {
	return message{
		summary: "Certificate Management Service reported an error",
		what:    fmt.Sprintf("The service answered HTTP %d, with an error that the provider knows nothing about.", e.Status),
		do:      "See what the error code means in the service's documentation, or ask Alibaba Cloud's support with the request ID.",
	}
}

// firstWords quotes an answer that wasn't the service's.
func firstWords(e *cas.Error) string {
	if e.Code != "" || e.Message == "" {
		return ""
	}
	return " It begins: " + oneLine(e.Message)
}
