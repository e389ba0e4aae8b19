package provider

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// callMessages describe each kind of answer that reports an error or can't be used.
var callMessages = map[egress.Kind]message{
	openapi.Throttled: {
		summary: "Throttled by Certificate Management Service",
		what:    "The service refused the call, because the account has used up its ten calls of this second.",
		do: "Other machines or tools of the same account are calling too: run fewer of them at once, or lower " +
			"requests_per_second in each, so that together they stay below ten.",
	},
	openapi.Temporary: {
		summary: "Certificate Management Service is temporarily unavailable",
		what:    "The endpoint answered HTTP {status}.",
		do:      "Try again later; raise max_retries if this happens often.",
	},
	openapi.Clock: {
		summary: "This machine's clock is off",
		what:    "The service refused the request for its date, which must be within 15 minutes of the service's own time.",
		do:      "Set this machine's clock, and synchronize it with a time server (NTP).",
	},
	openapi.BadKey: {
		summary: "Access key refused",
		what:    "The service doesn't know the access key, or the key is disabled.",
		do: "Check that the access key exists, is enabled and belongs to an account of this endpoint's site: " +
			"cas.aliyuncs.com serves the China site, cas.ap-southeast-1.aliyuncs.com the international site.",
	},
	openapi.BadToken: {
		summary: "Security token refused",
		what:    "The service refused the security token: it is missing, expired, revoked, malformed or not the one of this access key.",
		do: "Get new temporary credentials. Access key ID, access key secret and security token are issued together, " +
			"belong together and expire together.",
	},
	openapi.NoPermission: {
		summary: "Not allowed to read the certificate asset counts",
		what:    "RAM denied {action} to {principal}.",
		do:      "Attach the system policy AliyunYundunCertReadOnlyAccess, or a policy that allows this action.",
	},
	openapi.WrongPlace: {
		summary: "Endpoint doesn't know GetAssetCount",
		what:    "{endpoint} doesn't know the operation GetAssetCount of API version 2020-04-07.",
		do: "Check region and endpoints.cas: accounts of the China site use cas.aliyuncs.com (region cn-hangzhou), " +
			"those of the international site cas.ap-southeast-1.aliyuncs.com (region ap-southeast-1).",
	},
	egress.Malformed: {
		summary: "Unexpected answer",
		what:    "The endpoint answered HTTP {status}, and the answer can't be used: {cause}.",
		do:      checkBetween,
	},
	openapi.Rejected: {
		summary: "Certificate Management Service reported an error",
		what:    "The service answered HTTP {status}, with an error that the provider doesn't know.",
		do:      "See what the error code means in the service's documentation, or ask Alibaba Cloud's support with the request ID.",
	},
}

// codeMessages describe the error codes that say more than their kind does.
var codeMessages = map[string]message{
	"SignatureDoesNotMatch": {
		summary: "Access key refused",
		what:    "The service computed another signature for the request, so the access key secret doesn't belong to this access key ID.",
		do:      "Check that access key ID and secret belong together, and that both were copied without a character too many or too few.",
	},
	"IncompleteSignature": {
		summary: "Access key refused",
		what:    "Part of the request's signature was missing when the request reached the service.",
		do:      "Look for a proxy or a gateway between this machine and the service that removes or changes headers.",
	},
}

// principals are RAM's types of those whom it denies a permission.
var principals = map[string]string{"SubUser": "the RAM user", "AssumedRoleUser": "the assumed role", "Account": "the account"}

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
		m.fact("Attempts", fmt.Sprintf("%d in %s", e.Attempts, e.Elapsed.Round(time.Millisecond)))
	}
	return m
}

// aboutAnswer describes an answer that reports an error or can't be used.
func aboutAnswer(e *cas.Error) message {
	m, known := codeMessages[e.Code]
	if !known {
		m = callMessages[e.Kind]
	}
	cause := "it isn't the service's JSON"
	if e.Err != nil {
		cause = e.Err.Error()
	}
	if _, ok := errors.AsType[cas.FieldError](e.Err); ok {
		m.do = "If this persists, the API may have changed: look for a newer version of the provider, or report it with the request ID."
	}
	m.fill("{status}", strconv.Itoa(e.Status), "{endpoint}", e.Endpoint, "{cause}", cause)
	if e.Kind == openapi.NoPermission {
		m.addDenied(cmp.Or(e.Denied, &openapi.AccessDenied{})) // RAM doesn't always say who was denied what
	}
	if e.Kind == openapi.Clock {
		m.addSkew(e.Skew)
	}
	if e.Code == "" && e.Message != "" {
		m.what += " The answer begins: " + oneLine(e.Message)
	}
	return m
}

// addSkew adds by how much this machine's clock is off, if that is more than the time that a response takes.
func (m *message) addSkew(skew time.Duration) {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	if skew.Abs() >= time.Minute {
		m.what += fmt.Sprintf(" This machine's clock is %s %s the service's, by the Date of its response.", skew.Abs().Round(time.Second), direction)
	}
}

func (m *message) addDenied(d *openapi.AccessDenied) {
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
		m.do = "A policy denies this action explicitly, which no other policy can overrule: change that statement. " +
			"The action must be allowed as well, as by the system policy AliyunYundunCertReadOnlyAccess."
	}
	m.fill("{action}", cmp.Or(d.AuthAction, "yundun-cert:GetAssetCount"), "{principal}", principal)
}
