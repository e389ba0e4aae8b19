package cas

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const date = "Thu, 01 Jan 2026 00:00:00 GMT"
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock that is half a day ahead of the service's
	for name, test := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"nothing":               {http.Header{}, 0},
		"milliseconds":          {http.Header{"X-Acs-Retry-After": {"1500"}}, 1500 * time.Millisecond},
		"spaces":                {http.Header{"X-Acs-Retry-After": {" 1500 "}}, 1500 * time.Millisecond},
		"zero gives way":        {http.Header{"X-Acs-Retry-After": {"0"}, "Retry-After": {"3"}}, 3 * time.Second},
		"garbage gives way":     {http.Header{"X-Acs-Retry-After": {"soon"}, "X-Ratelimit-User": {"TimeLeft:20"}}, 20 * time.Millisecond},
		"negative":              {http.Header{"Retry-After": {"-3"}}, 0},
		"fraction":              {http.Header{"Retry-After": {"1.5"}}, 0},
		"beyond 64 bits":        {http.Header{"X-Acs-Retry-After": {"99999999999999999999999"}}, maxRetryAfter},
		"beyond a duration":     {http.Header{"Retry-After": {"9223372036854775807"}}, maxRetryAfter},
		"limits in other order": {http.Header{"X-Ratelimit-User-Api": {"Reset:1, timeleft: 700 ,Limit:1"}}, 700 * time.Millisecond},
		"limits without a time": {http.Header{"X-Ratelimit-User": {"Limit:1,Remain:0"}}, 0},
		"limits that are empty": {http.Header{"X-Ratelimit-User": {",,:,TimeLeft"}}, 0},
		"date, service's clock": {http.Header{"Retry-After": {"Thu, 01 Jan 2026 00:00:30 GMT"}, "Date": {date}}, 30 * time.Second},
		"date, own clock":       {http.Header{"Retry-After": {"Thu, 01 Jan 2026 12:00:40 GMT"}}, 40 * time.Second},
		"date in the past":      {http.Header{"Retry-After": {"Wed, 31 Dec 2025 00:00:30 GMT"}, "Date": {date}}, 0},
		"date far away":         {http.Header{"Retry-After": {"Fri, 31 Dec 9999 00:00:30 GMT"}, "Date": {date}}, maxRetryAfter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := retryAfter(test.header, now); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
