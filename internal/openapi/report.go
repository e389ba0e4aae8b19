package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
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

// codes has the kinds of the documented error codes; see [KindOf] for the others.
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

const (
	headerRetryAfter = "X-Acs-Retry-After"
	farOff           = 24 * time.Hour // limits the wait that a header can request
)

// Report is what a response says about a call, in texts that can be printed and hold no secret.
type Report struct {
	Failed bool        // the response reports an error, whatever its HTTP status
	Kind   egress.Kind // what the error means
	Status int         // HTTP status

	Code, Message, RequestID string
	Recommend                string       // where the service explains the code
	Denied                   AccessDenied // what RAM says about a denied permission, which may be nothing

	RetryAfter time.Duration // the wait that the service requests; 0 if none
	Skew       time.Duration // how far this clock is ahead of the service's, by Date; 0 without one
}

// Temporary reports whether another try may succeed though nothing is changed: by the cause if that
// is an [*egress.Error], because no response came, and else by the kind.
func (r Report) Temporary(cause error) bool {
	if unanswered, ok := errors.AsType[*egress.Error](cause); ok {
		return unanswered.Temporary()
	}
	return r.Kind == Throttled || r.Kind == Temporary
}

// AccessDenied is RAM's detail of a denied permission.
//
// See https://www.alibabacloud.com/help/en/ram/user-guide/how-do-i-troubleshoot-access-denied-errors.
type AccessDenied struct {
	AuthAction               string // as in "yundun-cert:GetAssetCount"
	AuthPrincipalType        string // as in "SubUser" or "AssumedRoleUser"
	AuthPrincipalOwnerID     string
	AuthPrincipalDisplayName string
	NoPermissionType         string // ImplicitDeny (nothing allows it) or ExplicitDeny (a statement forbids it)
	PolicyType               string // as in "AccountLevelIdentityBasedPolicy"
}

// ReadReport reads a response that was received at now. It takes names in any case, because
// gateways send small letters, and leaves out elements of another type.
func ReadReport(resp *egress.Response, now time.Time, secrets ...string) Report {
	var said struct {
		Code, Success                 any // strings, and sometimes a number and a boolean
		Message, RequestID, Recommend string
		AccessDeniedDetail            AccessDenied
	}
	decoder := json.NewDecoder(bytes.NewReader(resp.Body))
	decoder.UseNumber()
	_ = decoder.Decode(&said)
	r := Report{
		Status: resp.Status, Message: said.Message, RequestID: said.RequestID, Recommend: said.Recommend,
		Denied: said.AccessDeniedDetail,
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.Skew = now.Sub(date)
	}
	r.RetryAfter = retryAfter(resp.Header, now.Add(-r.Skew))
	if said.Code != nil {
		r.Code = fmt.Sprint(said.Code)
	}
	r.Failed = resp.Status/100 != 2 || !slices.Contains([]string{"", "200", "OK", "SUCCESS"}, strings.ToUpper(r.Code)) ||
		said.Success != nil && !strings.EqualFold(fmt.Sprint(said.Success), "true")
	d := &r.Denied
	for _, text := range []*string{
		&r.Code, &r.Message, &r.RequestID, &r.Recommend, &d.AuthAction, &d.AuthPrincipalType, &d.AuthPrincipalOwnerID,
		&d.AuthPrincipalDisplayName, &d.NoPermissionType, &d.PolicyType,
	} {
		*text = egress.Quote(*text, 1000, secrets...)
	}
	r.Kind = KindOf(resp.Status, r.Code)
	if resp.Status >= http.StatusBadRequest && resp.Header.Get(headerRetryAfter) != "" {
		r.Kind = Throttled
	}
	return r
}

// KindOf returns the kind of an error by its code, else by its HTTP status. A code counts like the
// known one that it begins with if a period or a capital letter follows; one of throttling may have
// the word anywhere. With neither a code nor a temporary status, the kind is [egress.Malformed].
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

// retryAfter returns the wait that the service requests, by the first of these headers that has
// one: x-acs-retry-after (milliseconds), the larger TimeLeft (milliseconds) of x-ratelimit-user-api
// and x-ratelimit-user, and Retry-After (seconds or a date, RFC 9110, section 10.2.3). It is zero
// if none does. The time is now by the service's clock.
func retryAfter(header http.Header, now time.Time) time.Duration {
	until, _ := http.ParseTime(header.Get("Retry-After")) // a value that isn't a date counts as long past
	return cmp.Or(
		number(header, headerRetryAfter, "", time.Millisecond),
		max(number(header, "X-Ratelimit-User-Api", "TimeLeft:", time.Millisecond),
			number(header, "X-Ratelimit-User", "TimeLeft:", time.Millisecond)),
		number(header, "Retry-After", "", time.Second),
		min(max(until.Sub(now), 0), farOff),
	)
}

// number reads a number of units after a word, as in "Limit:1,Remain:0,TimeLeft:2000,Reset:1234":
// what is out of range as the nearest in range, and anything else as 0.
func number(header http.Header, name, after string, unit time.Duration) time.Duration {
	_, text, _ := strings.Cut(header.Get(name), after)
	text, _, _ = strings.Cut(text, ",")
	n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return time.Duration(min(max(n, 0), int64(farOff/unit))) * unit
}
