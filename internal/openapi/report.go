package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

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
	Recommend                string        // where the service explains the code
	Denied                   *AccessDenied // what RAM says about a denied permission

	RetryAfter time.Duration // the wait that the service requests; 0 if none
	Skew       time.Duration // how far this clock is ahead of the service's, by Date; 0 without one
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
	r := Report{Status: resp.Status, Message: said.Message, RequestID: said.RequestID, Recommend: said.Recommend}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.Skew = now.Sub(date)
	}
	r.RetryAfter = retryAfter(resp.Header, now.Add(-r.Skew))
	if said.Code != nil {
		r.Code = fmt.Sprint(said.Code)
	}
	r.Failed = resp.Status/100 != 2 || !slices.Contains([]string{"", "200", "OK", "SUCCESS"}, strings.ToUpper(r.Code)) ||
		said.Success != nil && !strings.EqualFold(fmt.Sprint(said.Success), "true")
	d := &said.AccessDeniedDetail
	for _, text := range []*string{
		&r.Code, &r.Message, &r.RequestID, &r.Recommend, &d.AuthAction, &d.AuthPrincipalType, &d.AuthPrincipalOwnerID,
		&d.AuthPrincipalDisplayName, &d.NoPermissionType, &d.PolicyType,
	} {
		*text = egress.Quote(*text, 1000, secrets...)
	}
	if *d != (AccessDenied{}) {
		r.Denied = d
	}
	r.Kind = KindOf(resp.Status, r.Code)
	if resp.Status >= http.StatusBadRequest && resp.Header.Get(headerRetryAfter) != "" {
		r.Kind = Throttled
	}
	return r
}

// retryAfter returns the wait that the service requests, by the first of these headers that has
// one: x-acs-retry-after (milliseconds), the larger TimeLeft (milliseconds) of x-ratelimit-user-api
// and x-ratelimit-user, and Retry-After (seconds or a date, RFC 9110, section 10.2.3). It is zero
// if none does. The time is now by the service's clock.
func retryAfter(header http.Header, now time.Time) time.Duration {
	until, _ := http.ParseTime(header.Get("Retry-After")) // a value that isn't a date counts as long past
	return cmp.Or(
		scaled(header.Get(headerRetryAfter), time.Millisecond),
		max(timeLeft(header.Get("X-Ratelimit-User-Api")), timeLeft(header.Get("X-Ratelimit-User"))),
		scaled(header.Get("Retry-After"), time.Second),
		min(max(until.Sub(now), 0), farOff),
	)
}

// timeLeft reads "Limit:1,Remain:0,TimeLeft:2000,Reset:1234".
func timeLeft(limits string) time.Duration {
	_, rest, _ := strings.Cut(limits, "TimeLeft:")
	number, _, _ := strings.Cut(rest, ",")
	return scaled(number, time.Millisecond)
}

// scaled reads a number of units: an empty text as 0, what is out of range as the nearest in range.
func scaled(number string, unit time.Duration) time.Duration {
	n, _ := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	return time.Duration(min(max(n, 0), int64(farOff/unit))) * unit
}
