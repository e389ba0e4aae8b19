package credential

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

// A session that has expired is a matter of this machine's clock, unless it has expired by the service's as well.
func TestExpiredSession(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, test := range map[string]struct {
		expires time.Duration // from now
		date    string
		kind    egress.Kind // none for success
		skew    time.Duration
	}{
		"holds":             {expires: time.Hour, date: now.UTC().Format(http.TimeFormat)},
		"clock ahead":       {expires: -time.Hour, date: now.Add(-2 * time.Hour).UTC().Format(http.TimeFormat), kind: openapi.Clock, skew: 2 * time.Hour},
		"no date":           {expires: -time.Hour, kind: openapi.Clock},
		"not a date":        {expires: -time.Hour, date: "now", kind: openapi.Clock},
		"expired for both":  {expires: -time.Hour, date: now.UTC().Format(http.TimeFormat), kind: egress.Malformed},
		"holds by one only": {expires: time.Hour, date: now.Add(9 * time.Hour).UTC().Format(http.TimeFormat)},
	} {
		_, err := parseIssued(&egress.Response{
			Status: http.StatusOK, Header: http.Header{"Date": {test.date}},
			Body: []byte(`{"AccessKeyId": "a", "AccessKeySecret": "b", "Expiration": "` + now.Add(test.expires).UTC().Format(time.RFC3339) + `"}`),
		})
		var got Error
		if e, ok := errors.AsType[*Error](err); ok {
			got = *e
		}
		if got.Kind != test.kind || got.Skew.Round(time.Minute) != test.skew {
			t.Errorf("%s: got kind %q and a clock that is %s ahead (%v), want %q and %s", name, got.Kind, got.Skew, err, test.kind, test.skew)
		}
	}
}
