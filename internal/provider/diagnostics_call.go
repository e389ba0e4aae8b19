package provider

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// readOnlyPolicy is the system policy that allows reading from Certificate Management Service.
const readOnlyPolicy = "AliyunYundunCertReadOnlyAccess"

// callMessages describe each kind of answer that reports an error. The part that is empty depends on the answer.
var callMessages = map[egress.Kind]message{
	egress.Throttled: {
		summary: "Throttled by Certificate Management Service",
		what:    "The service refused the call, because the account has used up its ten calls of this second.",
		do: "Other machines or tools of the same account are calling too: run fewer of them at once, or lower " +
			"requests_per_second in each, so that together they stay below ten.",
	},
	egress.Temporary: {
		summary: "Certificate Management Service is temporarily unavailable",
		do:      "Try again later; raise max_retries if this happens often.",
	},
	egress.Clock: {
		summary: "This machine's clock is off",
		what:    "The service refused the request for its date, which must be within 15 minutes of the service's own time.",
		do:      "Set this machine's clock, and synchronize it with a time server (NTP).",
	},
	egress.BadKey: {
		summary: "Access key refused",
		what:    "The service doesn't know the access key, or the key is disabled.",
		do: "Check that the access key exists, is enabled and belongs to an account of this endpoint's site: " +
			"cas.aliyuncs.com serves the China site, cas.ap-southeast-1.aliyuncs.com the international site.",
	},
	egress.BadToken: {
		summary: "Security token refused",
		what:    "The service refused the security token: it is expired, revoked, malformed or not the one of this access key.",
		do: "Get new temporary credentials. Access key ID, access key secret and security token are issued together, " +
			"belong together and expire together.",
	},
	egress.NoPermission: {
		summary: "Not allowed to read the certificate asset counts",
		do:      "Attach the system policy " + readOnlyPolicy + ", or a policy that allows this action.",
	},
	egress.WrongPlace: {
		summary: "Endpoint doesn't know GetAssetCount",
		do: "Check region and endpoints.cas: accounts of the China site use cas.aliyuncs.com (region cn-hangzhou), " +
			"those of the international site cas.ap-southeast-1.aliyuncs.com (region ap-southeast-1).",
	},
	egress.Malformed: {summary: "Unexpected answer", do: checkBetween},
	egress.Rejected: {
		summary: "Certificate Management Service reported an error",
		do:      "See what the error code means in the service's documentation, or ask Alibaba Cloud's support with the request ID.",
	},
}

// aboutCall describes a call that failed, with what the service said, and who was asked by whom.
func aboutCall(e *cas.Error) message {
	var m message
	if unanswered, ok := errors.AsType[*egress.Error](e.Err); ok {
		m = aboutUnanswered(unanswered)
	} else {
		m = aboutAnswer(e)
	}
	m.fact("Error code", e.Code)
	if e.Code != "" { // else it is quoted where it matters
		m.fact("Error message", e.Message)
	}
	m.fact("Endpoint", e.Endpoint)
	m.fact("Credentials", e.Credentials)
	m.fact("Request ID", e.RequestID)
	m.fact("About this error", e.Recommend)
	if e.Attempts > 1 {
		m.fact("Attempts", fmt.Sprintf("%d in %s", e.Attempts, round(e.Elapsed)))
	}
	return m
}

// aboutAnswer describes an answer that reports an error or can't be used.
func aboutAnswer(e *cas.Error) message {
	m, known := callMessages[e.Kind]
	if !known {
		m = callMessages[egress.Rejected]
	}
	switch e.Kind {
	case egress.Throttled:
	case egress.Temporary:
		m.what = fmt.Sprintf("The endpoint answered HTTP %d.", e.Status) + firstWords(e)
	case egress.Clock:
		if e.HasSkew && e.Skew.Abs() >= time.Minute { // an answer's date is old by the time that the answer took
			direction := "ahead of"
			if e.Skew < 0 {
				direction = "behind"
			}
			m.what += fmt.Sprintf(" This machine's clock is %s %s it.", round(e.Skew.Abs()), direction)
		}
	case egress.BadKey, egress.BadToken:
		m.addCode(e.Code)
	case egress.NoPermission:
		m.addDenied(e.Denied)
	case egress.WrongPlace:
		m.what = sentence("%s doesn't know the operation GetAssetCount of API version 2020-04-07", e.Endpoint)
	case egress.Malformed:
		m.addMalformed(e)
	default:
		m.what = fmt.Sprintf("The service answered HTTP %d, with an error that the provider doesn't know.", e.Status)
	}
	return m
}

// addCode describes the error codes of a refused key or token that say more than their kind.
func (m *message) addCode(code string) {
	switch code {
	case "SignatureDoesNotMatch":
		m.what = "The service computed another signature for the request, so the access key secret doesn't belong to this access key ID."
		m.do = "Check that access key ID and secret belong together, and that both were copied without a character too many or too few."
	case "IncompleteSignature":
		m.what = "Part of the request's signature was missing when the request reached the service."
		m.do = "Look for a proxy or a gateway between this machine and the service that removes or changes headers."
	case "MissingSecurityToken":
		m.what = "The access key is a temporary one, and no security token came with it."
	}
}

// principals are RAM's types of those whom it denies a permission.
var principals = map[string]string{"SubUser": "the RAM user", "AssumedRoleUser": "the assumed role", "Account": "the account"}

// addDenied describes a denied permission. RAM doesn't always say who was denied what, and then denied is nil.
func (m *message) addDenied(denied *cas.AccessDenied) {
	action, principal, policy := "yundun-cert:GetAssetCount", "the caller", ""
	if d := denied; d != nil {
		action = cmp.Or(d.AuthAction, action)
		if d.AuthPrincipalDisplayName != "" {
			principal = cmp.Or(principals[d.AuthPrincipalType], "the principal") + " " + d.AuthPrincipalDisplayName
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
}

func (m *message) addMalformed(e *cas.Error) {
	switch {
	case e.Field != "":
		m.what = sentence("In the service's answer, %s %s", e.Field, e.Err) + " Nothing of this answer is used."
		m.do = "If this persists, the API may have changed: look for a newer version of the provider, or report it with the request ID."
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		m.what = fmt.Sprintf("The endpoint answered HTTP %d, and the answer is empty or breaks off.", e.Status) + firstWords(e)
	default:
		reason := ""
		if e.Err != nil {
			reason = ": " + e.Err.Error()
		}
		m.what = sentence("The endpoint answered HTTP %d with something other than the service's JSON%s", e.Status, reason) + firstWords(e)
	}
}

// firstWords quotes an answer that wasn't the service's.
func firstWords(e *cas.Error) string {
	if e.Code != "" || e.Message == "" {
		return ""
	}
	return " It begins: " + oneLine(e.Message)
}
