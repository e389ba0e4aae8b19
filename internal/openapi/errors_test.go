package openapi

import (
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		code   string
		want   egress.Kind
	}{
		"the code first":      {status: 503, code: "Throttling.User", want: Throttled},
		"a capital follows":   {status: 400, code: "ServiceUnavailableTemporary", want: Temporary},
		"a period follows":    {status: 400, code: "InternalError.Foo", want: Temporary},
		"both follow":         {status: 403, code: "Forbidden.RAM.NotAuthorized", want: NoPermission},
		"throttled, anywhere": {status: 400, code: "Rejected.Throttling", want: Throttled},
		"not within a code":   {status: 400, code: "MyForbidden", want: Rejected},
		"a small one follows": {status: 400, code: "InternalErrors", want: Rejected},
		"half of a code":      {status: 400, code: "InvalidApi", want: Rejected},
		"an unknown code":     {status: 400, code: "Oops", want: Rejected},
		"unknown, but a 500":  {status: 500, code: "Oops", want: Temporary},
		"429":                 {status: 429, want: Throttled},
		"529":                 {status: 529, want: Temporary},
		"no code, nothing":    {status: 403, want: egress.Malformed},
		"STS says no":         {status: 403, code: "NoPermission", want: NoPermission},
		"a token that's over": {status: 400, code: "InvalidSecurityToken.Expired", want: BadToken},
	} {
		if got := KindOf(test.status, test.code); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
