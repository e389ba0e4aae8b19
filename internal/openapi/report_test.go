package openapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

func TestSkewIsByTheDateOfTheResponse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 6, 6, 33, 30, 0, time.UTC)
	for date, want := range map[string]time.Duration{
		"Tue, 06 Jan 2026 06:13:30 GMT": 20 * time.Minute, "Tue, 06 Jan 2026 07:33:31 GMT": -time.Hour - time.Second, "now": 0, "": 0,
	} {
		report := ReadReport(&egress.Response{Status: 400, Header: http.Header{"Date": {date}}}, now)
		if report.Skew != want {
			t.Errorf("%q: got %s, want %s", date, report.Skew, want)
		}
	}
}

func TestReportOfAFailure(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		``: false, `[]`: false, `{}`: false, `{"Code":"OK","Success":true}`: false, `{"code":200,"success":"True"}`: false,
		`{"Success":null,"Code":null}`: false, `{"Success":false}`: true, `{"success":"no"}`: true, `{"Success":0}`: true, `{"Code":"X"}`: true,
		`{"Code":404}`: true, `{"Code":{}}`: true,
	} {
		if got := ReadReport(&egress.Response{Status: 200, Body: []byte(body)}, time.Now()).Failed; got != want {
			t.Errorf("%s: got a failure: %t, want %t", body, got, want)
		}
	}
}
