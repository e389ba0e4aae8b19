package cas

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// golden is a response of which each number, and each sum of numbers, is there once, so that none
// can pass for another.
const golden = `{"Point":92,"LastPoint":-70,"PointRatio":3,"PointTime":1767681210879,` +
	`"BuyCertificateCount":2,"FreeCertificateCount":4,"UploadCertificateCount":8,` +
	`"AliyunAssetCount":16,"TencentAssetCount":32,"HuaweiAssetCount":64,"AwsAssetCount":128,` +
	`"DomainAssetCount":9007199254740993,"RequestId":"EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"}`

func goldenCount() *AssetCount {
	return &AssetCount{
		Point:                  new(int64(92)),
		LastPoint:              new(int64(-70)),
		PointRatio:             new(int64(3)),
		PointTime:              new(int64(1767681210879)),
		PointUpdatedAt:         new(time.Date(2026, 1, 6, 6, 33, 30, 0, time.UTC)),
		PointChange:            new(int64(162)),
		BuyCertificateCount:    new(int64(2)),
		FreeCertificateCount:   new(int64(4)),
		UploadCertificateCount: new(int64(8)),
		TotalCertificateCount:  new(int64(14)),
		AliyunAssetCount:       new(int64(16)),
		TencentAssetCount:      new(int64(32)),
		HuaweiAssetCount:       new(int64(64)),
		AwsAssetCount:          new(int64(128)),
		TotalCloudAssetCount:   new(int64(240)),
		DomainAssetCount:       new(int64(9007199254740993)),
		RequestID:              new("EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"),
	}
}

// goldenElements are the elements of the golden response, with all that is null where one of them
// is.
var goldenElements = map[string][]string{
	"Point":                  {"Point", "PointChange"},
	"LastPoint":              {"LastPoint", "PointChange"},
	"PointRatio":             {"PointRatio"},
	"PointTime":              {"PointTime", "PointUpdatedAt"},
	"BuyCertificateCount":    {"BuyCertificateCount", "TotalCertificateCount"},
	"FreeCertificateCount":   {"FreeCertificateCount", "TotalCertificateCount"},
	"UploadCertificateCount": {"UploadCertificateCount", "TotalCertificateCount"},
	"AliyunAssetCount":       {"AliyunAssetCount", "TotalCloudAssetCount"},
	"TencentAssetCount":      {"TencentAssetCount", "TotalCloudAssetCount"},
	"HuaweiAssetCount":       {"HuaweiAssetCount", "TotalCloudAssetCount"},
	"AwsAssetCount":          {"AwsAssetCount", "TotalCloudAssetCount"},
	"DomainAssetCount":       {"DomainAssetCount"},
	"RequestId":              {"RequestID"},
}

func expect(t *testing.T, body string, want *AssetCount) {
	t.Helper()
	got, err := decode([]byte(body))
	if err != nil {
		t.Fatalf("%s: got %v, want counts", body, err)
	}
	g, w := reflect.ValueOf(*got), reflect.ValueOf(*want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s: got %s %s, want %s", body, g.Type().Field(i).Name, deref(g.Field(i)), deref(w.Field(i)))
		}
	}
}

func deref(pointer reflect.Value) string {
	if pointer.IsNil() {
		return "nil"
	}
	return fmt.Sprint(pointer.Elem().Interface())
}

// without returns the golden response as it is when the elements of these names aren't sent.
func without(names ...string) *AssetCount {
	count := goldenCount()
	for _, name := range names {
		for _, field := range goldenElements[name] {
			reflect.ValueOf(count).Elem().FieldByName(field).SetZero()
		}
	}
	return count
}

func TestEveryElementIsRead(t *testing.T) {
	t.Parallel()
	expect(t, golden, goldenCount())
	expect(t, " \t\r\n{\"RequestId\" \t\r\n: \"R-1\"} ", &AssetCount{RequestID: new("R-1")})
	expect(t, strings.NewReplacer(",", " , ", ":", "\t:\r\n").Replace(golden), goldenCount())
	expect(t, `{"Extra":{"Point":1,"a":[{"RequestId":"x"}]},"Escapes":"\\\"},{",`+golden[1:], goldenCount())
	expect(t, strings.Replace(golden, `"Point"`, `"Po\u0069nt"`, 1), goldenCount())
	expect(t, `{"Other":1,"Others":2,"Point":3}`, &AssetCount{Point: new(int64(3))})
	for name := range goldenElements {
		before, rest, _ := strings.Cut(golden, `"`+name+`":`)
		end := strings.IndexAny(rest, ",}")
		expect(t, before+`"`+name+`":null`+rest[end:], without(name))
		expect(t, before+`"Other":0`+rest[end:], without(name))
		if name == "RequestId" {
			continue
		}
		zero, err := decode([]byte(`{"` + name + `":0}`))
		if err != nil {
			t.Fatal(err)
		}
		if field := reflect.ValueOf(zero).Elem().FieldByName(name); deref(field) != "0" {
			t.Errorf("got %s %s, want 0", name, deref(field))
		}
	}
}

func TestWholeNumbersAreExact(t *testing.T) {
	t.Parallel()
	const none, large = "Point isn't a whole number", "Point is a whole number that 64 bits don't hold"
	for text, want := range map[string]string{
		`50`: "50", `50.0`: "50", `5e1`: "50", `5E+01`: "50", `500e-1`: "50", `0.05e3`: "50",
		`"50"`: "50", `"5e1"`: "50", `"\u0035"`: "5", `-0.0`: "0", `0e9`: "0",
		`1.767681210879E12`: "1767681210879", `9223372036854775807`: "9223372036854775807", `-9223372036854775808`: "-9223372036854775808",
		`9007199254740993.00`: "9007199254740993", `0e999999999999999999999`: "0", `1` + strings.Repeat("0", 999) + `e-999`: "1",
		`50.5`: none, `5e-1`: none, `1e-999999999999999999999`: none, `"abc"`: none, `""`: none, `" 50"`: none, `"50\n"`: none, `"+50"`: none,
		`"050"`: none, `"0x32"`: none, `"5_0"`: none, `"100/2"`: none, `"Inf"`: none, `"null"`: none, `"\"50\""`: none,
		`true`: none, `{}`: none, `[50]`: none,
		`9223372036854775808`: large, `-9223372036854775809`: large, `1e19`: large, `1e999999999999999999999`: large,
		strings.Repeat("9", 500): large,
	} {
		var got string
		count, err := decode([]byte(`{"Point":` + text + `}`))
		if err == nil {
			got = fmt.Sprint(*count.Point)
		} else if _, ok := errors.AsType[FieldError](err); ok {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.50s: got %v (%v), want %v", text, got, err, want)
		}
	}
}

// Of several errors, the first in the documented order is reported.
func TestFirstFlawIsReported(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`{"AwsAssetCount":-1,"DomainAssetCount":"x","FreeCertificateCount":-2}`: `FreeCertificateCount is -2, and a count can't be negative`,
		`{"RequestId":7}`:                              `RequestId isn't a string`,
		`{"Point":1,"RequestId":"a\u001b[2Jb"}`:        `RequestId holds a character that can't be printed`,
		`{"Point":1,"RequestId":"a\nb"}`:               `RequestId holds a character that can't be printed`,
		`{"Point":1,"RequestId":"a` + "\u202e" + `b"}`: `RequestId holds a character that can't be printed`,
		`{"Point":1,"RequestId":"\ud800"}`:             `RequestId holds a character that can't be printed`,
	}
	for name := range goldenElements {
		if strings.HasSuffix(name, "Count") {
			tests[`{"`+name+`":-1}`] = name + ` is -1, and a count can't be negative`
		}
		if name != "RequestId" {
			tests[`{"`+name+`":1.5}`] = name + ` isn't a whole number`
		}
	}
	for body, want := range tests {
		_, err := decode([]byte(body))
		if _, ok := errors.AsType[FieldError](err); !ok || err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestPointTimeIsReadInEitherUnit(t *testing.T) {
	t.Parallel()
	for pointTime, want := range map[int64]string{
		0:              "1970-01-01T00:00:00Z",
		1767681210:     "2026-01-06T06:33:30Z",
		1767681210879:  "2026-01-06T06:33:30Z", // not rounded up
		1e11 - 1:       "5138-11-16T09:46:39Z",
		1e11:           "1973-03-03T09:46:40Z",
		-1:             "1969-12-31T23:59:59Z",
		-62167219200:   "0000-01-01T00:00:00Z",
		-62167219201:   "",
		253402300799e3: "9999-12-31T23:59:59Z",
		253402300800e3: "",
		math.MaxInt64:  "",
		math.MinInt64:  "",
	} {
		got := ""
		if at := instant(&pointTime); at != nil {
			got = at.Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%d: got %q, want %q", pointTime, got, want)
		}
	}
	expect(t, `{"PointTime":9223372036854775807}`, &AssetCount{PointTime: new(int64(math.MaxInt64))})
}

func TestFiguresOutOfRange(t *testing.T) {
	t.Parallel()
	clouds := strings.Trim(strings.Replace(golden, `"AwsAssetCount":128`, `"AwsAssetCount":MAX`, 1), "{}")
	for body, figure := range map[string]string{
		`"Point":9223372036854775807,"LastPoint":-1`:                                      "Point less LastPoint",
		`"Point":-9223372036854775808,"LastPoint":1`:                                      "Point less LastPoint",
		`"BuyCertificateCount":9,"FreeCertificateCount":0,"UploadCertificateCount":MAX`:   "the sum of the certificate counts",
		`"BuyCertificateCount":MAX,"FreeCertificateCount":MAX,"UploadCertificateCount":2`: "the sum of the certificate counts",
		clouds: "the sum of the clouds' counts",
	} {
		_, err := decode([]byte("{" + strings.ReplaceAll(body, "MAX", "9223372036854775807") + "}"))
		if want := figure + " is out of range"; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestLargestAndSmallestFigures(t *testing.T) {
	t.Parallel()
	const maximum, minimum = math.MaxInt64, math.MinInt64
	expect(t, `{"Point":9223372036854775807,"LastPoint":0}`,
		&AssetCount{Point: new(int64(maximum)), LastPoint: new(int64(0)), PointChange: new(int64(maximum))})
	expect(t, `{"Point":-9223372036854775808,"LastPoint":-9223372036854775808}`,
		&AssetCount{Point: new(int64(minimum)), LastPoint: new(int64(minimum)), PointChange: new(int64(0))})
	expect(t, `{"BuyCertificateCount":9223372036854775807,"FreeCertificateCount":0,"UploadCertificateCount":-0}`,
		&AssetCount{
			BuyCertificateCount: new(int64(maximum)), FreeCertificateCount: new(int64(0)),
			UploadCertificateCount: new(int64(0)), TotalCertificateCount: new(int64(maximum)),
		})
}
