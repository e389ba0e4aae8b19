package openapi

import (
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

func TestKindOfEachCodeAndStatus(t *testing.T) {
	t.Parallel()
	type answer struct {
		status int
		code   string
	}
	for want, answers := range map[egress.Kind][]answer{
		Throttled: {
			{503, "Throttling"}, {400, "Throttling.User"}, {200, "Throttling.Api"}, {400, "Rejected.Throttling"}, {429, ""},
		},
		Temporary: {
			{400, "ServiceUnavailable"}, {400, "ServiceUnavailableTemporary"}, {200, "InternalError"}, {400, "InternalError.Foo"},
			{400, "SignatureNonceUsed"}, {500, "Oops"}, {408, ""}, {500, ""}, {504, ""}, {529, ""},
		},
		Clock: {{400, "InvalidTimeStamp.Expired"}, {400, "InvalidTimeStamp.Format"}},
		BadKey: {
			{404, "InvalidAccessKeyId.NotFound"}, {403, "InvalidAccessKeyId.Inactive"}, {400, "SignatureDoesNotMatch"},
			{400, "IncompleteSignature"},
		},
		BadToken: {
			{400, "InvalidSecurityToken.Expired"}, {400, "InvalidSecurityToken.MismatchWithAccessKey"}, {400, "MissingSecurityToken"},
		},
		NoPermission:     {{403, "Forbidden"}, {403, "Forbidden.RAM.NotAuthorized"}, {200, "Forbidden"}, {403, "NoPermission"}},
		WrongPlace:       {{404, "InvalidApi.NotFound"}, {404, "InvalidAction.NotFound"}, {400, "InvalidVersion"}},
		Rejected:         {{400, "MyForbidden"}, {400, "InternalErrors"}, {400, "InvalidApi"}, {200, "Oops"}, {404, "OK"}},
		egress.Malformed: {{403, ""}, {501, ""}, {200, ""}},
	} {
		for _, a := range answers {
			if got := KindOf(a.status, a.code); got != want {
				t.Errorf("HTTP %d, code %q: got %q, want %q", a.status, a.code, got, want)
			}
		}
	}
}
