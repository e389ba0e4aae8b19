package openapi

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// The kinds of an error that a service reports.
const (
	Throttled    egress.Kind = "throttled"               // the account's calls of this second are spent
	Temporary    egress.Kind = "temporarily unavailable" // the service or a gateway reports a temporary failure
	Clock        egress.Kind = "clock is off"            // the machine's clock is more than 15 minutes off
	BadKey       egress.Kind = "access key refused"      // the access key is unknown or inactive, or its secret is wrong
	BadToken     egress.Kind = "security token refused"  // the token is expired, revoked or not the key's
	NoPermission egress.Kind = "permission denied"       // RAM doesn't allow the action
	WrongPlace   egress.Kind = "unknown operation"       // the endpoint doesn't know the operation
	Rejected     egress.Kind = "rejected"                // any other error that the service reported
)

// codes are the documented error codes about which the user can do something specific.
var codes = map[string]egress.Kind{
	"ServiceUnavailable":     Temporary,
	"InternalError":          Temporary,
	"SignatureNonceUsed":     Temporary,
	"InvalidTimeStamp":       Clock,
	"InvalidAccessKeyId":     BadKey,
	"SignatureDoesNotMatch":  BadKey,
	"IncompleteSignature":    BadKey,
	"InvalidSecurityToken":   BadToken,
	"MissingSecurityToken":   BadToken,
	"Forbidden":              NoPermission,
	"NoPermission":           NoPermission,
	"InvalidApi.NotFound":    WrongPlace,
	"InvalidAction.NotFound": WrongPlace,
	"InvalidVersion":         WrongPlace,
}

// KindOf returns the kind of an error by its code, else by its HTTP status. A code counts like the
// known one that it begins with if a period or a capital letter follows; one of throttling may have
// the word anywhere. The kind is [egress.Malformed] without a code and a temporary status.
func KindOf(status int, code string) egress.Kind {
	if strings.Contains(code, "Throttling") {
		return Throttled
	}
	ends := func(r rune) bool { return r == '.' || unicode.IsUpper(r) }
	for end := len(code); end > 0; end = strings.LastIndexFunc(code[:end], ends) {
		if kind, known := codes[code[:end]]; known {
			return kind
		}
	}
	switch {
	case status == http.StatusTooManyRequests:
		return Throttled
	case egress.TemporaryStatus(status):
		return Temporary
	case code == "":
		return egress.Malformed
	}
	return Rejected
}
