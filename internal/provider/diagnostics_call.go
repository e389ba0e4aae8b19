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
)

// callMessages describe each kind of answer that reports an error or can't be used.
var callMessages = map[egress.Kind]message{
	egress.Throttled: {
		summary: "Throttled by Certificate Management Service",
		what:    "The service refused the call, because the account has used up its ten calls of this second.",
		do: "Other machines or tools of the same account are calling too: run fewer of them at once, or lower " +
			"requests_per_second in each, so that together they stay below ten.",
	},
	egress.Temporary: {
		summary: "Certificate Management Service is temporarily unavailable",
		what:    "The endpoint answered HTTP {status}.",
		do:      "Try again later; raise max_retries if this happens often.",
	},
	egress.Clock: {
		summary: "This machine's clock is off",
		what:    "The service refused the request for its date, which must be within 15 minutes of the service's own time.",
		do:      "Set this machine's clock, and synchronize it with a time server (NTP).",
	},
	egress.BadKey: {
		summary: "Access key refused",
		what:    "The service doesn't know the access key, the key is disabled, or the request wasn't signed with its secret.",
		do: "Check that access key ID and secret belong together and were copied completely, and that the key is enabled and belongs " +
			"to an account of this endpoint's site: cas.aliyuncs.com serves the China site, cas.ap-southeast-1.aliyuncs.com the " +
			"international site. If all that is right, look for a proxy that changes headers.",
	},
	egress.BadToken: {
		summary: "Security token refused",
		what:    "The service refused the security token: it is missing, expired, revoked, malformed or not the one of this access key.",
		do: "Get new temporary credentials. Access key ID, access key secret and security token are issued together, " +
			"belong together and expire together.",
	},
	egress.NoPermission: {
		summary: "Not allowed to read the certificate asset counts",
		what:    "RAM denied {action} to {principal} ({denial}).",
		do: "With ImplicitDeny, no policy allows the action: attach the system policy AliyunYundunCertReadOnlyAccess, or a policy that " +
			"allows yundun-cert:GetAssetCount. With ExplicitDeny, a policy denies it, which no other policy can overrule: change that " +
			"statement.",
	},
	egress.WrongPlace: {
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
	egress.Rejected: {
		summary: "Certificate Management Service reported an error",
		what:    "The service answered HTTP {status}, with an error that the provider doesn't know.",
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
		m.fact("Attempts", fmt.Sprintf("%d in %s", e.Attempts, e.Elapsed.Round(time.Millisecond)))
	}
	return m
}

// aboutAnswer describes an answer that reports an error or can't be used.
func aboutAnswer(e *cas.Error) message {
	m, cause := callMessages[e.Kind], "it isn't the service's JSON"
	if e.Err != nil {
		cause = strings.TrimSpace(e.Field + " " + e.Err.Error())
	}
	if e.Field != "" {
		m.do = "If this persists, the API may have changed: look for a newer version of the provider, or report it with the request ID."
	}
	denied := cmp.Or(e.Denied, &cas.AccessDenied{})
	m.fill("{status}", strconv.Itoa(e.Status), "{endpoint}", e.Endpoint, "{cause}", cause,
		"{action}", cmp.Or(denied.AuthAction, "yundun-cert:GetAssetCount"),
		"{principal}", cmp.Or(strings.TrimSpace(denied.AuthPrincipalType+" "+denied.AuthPrincipalDisplayName), "the caller"),
		"{denial}", cmp.Or(strings.TrimSpace(denied.NoPermissionType+" "+denied.PolicyType), "it didn't say why"))
	m.fact("Account", denied.AuthPrincipalOwnerID)
	if e.Kind == egress.Clock && e.Skew.Abs() >= time.Minute { // an answer's date is old by the time that the answer took
		m.what += fmt.Sprintf(" This machine's clock is off by %s.", e.Skew.Abs().Round(time.Second))
	}
	if e.Code == "" && e.Message != "" {
		m.what += " The answer begins: " + oneLine(e.Message)
	}
	return m
}
