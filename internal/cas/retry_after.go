package cas

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const retryAfterMillis = "X-Acs-Retry-After"

// maxRetryAfter is longer than any read lasts, and short enough not to overflow.
const maxRetryAfter = 24 * time.Hour

// retryAfter is how long the service asks to wait, by the first of the headers that says it: x-acs-retry-after
// (milliseconds), the larger TimeLeft (milliseconds) of x-ratelimit-user-api and x-ratelimit-user, and Retry-After
// (seconds or a date, RFC 9110, section 10.2.3). It is zero where none does.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if wait := scaled(header.Get(retryAfterMillis), time.Millisecond); wait > 0 {
		return wait
	}
	if wait := max(timeLeft(header.Get("X-Ratelimit-User-Api")), timeLeft(header.Get("X-Ratelimit-User"))); wait > 0 {
		return wait
	}
	value := header.Get("Retry-After")
	if wait := scaled(value, time.Second); wait > 0 {
		return wait
	}
	if until, err := http.ParseTime(value); err == nil {
		if date, err := http.ParseTime(header.Get("Date")); err == nil {
			now = date // now only the service's clock counts
		}
		return min(max(until.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// timeLeft reads "Limit:1,Remain:0,TimeLeft:2000,Reset:1234".
func timeLeft(limits string) time.Duration {
	for part := range strings.SplitSeq(limits, ",") {
		if name, value, _ := strings.Cut(part, ":"); strings.EqualFold(strings.TrimSpace(name), "TimeLeft") {
			return scaled(value, time.Millisecond)
		}
	}
	return 0
}

func scaled(number string, unit time.Duration) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(max(n, 0), int64(maxRetryAfter/unit))) * unit
}
