package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// Report is what a service's response says about the call, apart from its result. No text of it holds a secret, and each can be
// printed.
type Report struct {
	Failed bool        // the response reports an error, whatever its HTTP status
	Kind   egress.Kind // what the error means

	Code, Message, RequestID string
	Recommend                string        // where the service explains the code
	Denied                   *AccessDenied // what RAM says about a denied permission

	RetryAfter time.Duration // see [RetryAfter]
	Skew       time.Duration // see [Skew]
}

// AccessDenied is the detail that RAM gives for a denied permission.
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

// ReadReport reads a response that was received at now. Gateways send names that begin with a small letter, and encoding/json
// takes them in any case. It leaves out what isn't a report, and elements of another type.
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
		Message: said.Message, RequestID: said.RequestID, Recommend: said.Recommend,
		RetryAfter: RetryAfter(resp.Header, now), Skew: Skew(resp.Header, now),
	}
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

// Skew returns by how much now is ahead of the service's clock, as the header Date shows it. It is zero without one.
func Skew(header http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return now.Sub(date)
}
