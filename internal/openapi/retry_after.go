package openapi

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// headerRetryAfter is the header by which a service says for how many milliseconds to wait.
const headerRetryAfter = "X-Acs-Retry-After"

// farOff limits what a header can ask for.
const farOff = 24 * time.Hour

// RetryAfter returns how long the service asks to wait, by the first of the headers that says it: x-acs-retry-after
// (milliseconds), the larger TimeLeft (milliseconds) of x-ratelimit-user-api and x-ratelimit-user, and Retry-After
// (seconds or a date, RFC 9110, section 10.2.3). It is zero if none does.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	return cmp.Or(
		scaled(header.Get(headerRetryAfter), time.Millisecond),
		max(timeLeft(header.Get("X-Ratelimit-User-Api")), timeLeft(header.Get("X-Ratelimit-User"))),
		scaled(header.Get("Retry-After"), time.Second),
		untilDate(header, now),
	)
}

// timeLeft reads "Limit:1,Remain:0,TimeLeft:2000,Reset:1234".
func timeLeft(limits string) time.Duration {
	_, rest, _ := strings.Cut(limits, "TimeLeft:")
	number, _, _ := strings.Cut(rest, ",")
	return scaled(number, time.Millisecond)
}

// untilDate reads Retry-After as a date, by the service's clock if that is known, because this machine's may be off.
func untilDate(header http.Header, now time.Time) time.Duration {
	until, _ := http.ParseTime(header.Get("Retry-After")) // what isn't a date is long past
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return min(max(until.Sub(now), 0), farOff)
}

func scaled(number string, unit time.Duration) time.Duration {
	// Without a number n is 0, and with one that is out of range it is the nearest that isn't.
	n, _ := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	return time.Duration(min(max(n, 0), int64(farOff/unit))) * unit
}
