package cas

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// AssetCount is what GetAssetCount answers. What the service left out, or sent as null, is nil; zero is zero.
//
// Source: Certificate Management Service documentation, api-cas-2020-04-07-getassetcount.
type AssetCount struct {
	Point      *int64 // health score
	LastPoint  *int64 // previous health score
	PointRatio *int64 // health score ratio; the service documents no scale
	PointTime  *int64 // when the score was updated, Unix time as the service sends it

	// PointUpdatedAt is PointTime in whole seconds, UTC: 1e11 and more is milliseconds, less is seconds. It is nil if
	// PointTime is, and outside of the years 0 to 9999, which RFC 3339 can't write.
	PointUpdatedAt *time.Time
	PointChange    *int64 // Point − LastPoint; nil if either is

	BuyCertificateCount    *int64 // paid certificates
	FreeCertificateCount   *int64 // free certificates
	UploadCertificateCount *int64 // uploaded certificates
	TotalCertificateCount  *int64 // the sum of the three; nil if any of them is

	AliyunAssetCount  *int64 // Alibaba Cloud resources
	TencentAssetCount *int64 // Tencent Cloud resources
	HuaweiAssetCount  *int64 // Huawei Cloud resources
	AwsAssetCount     *int64 // AWS resources

	TotalCloudAssetCount *int64 // the sum of the four clouds' resources; nil if any of them is
	DomainAssetCount     *int64 // domain name resources

	RequestID *string // unique for each call
}

// decode reads a successful answer.
func decode(text []byte) (*AssetCount, error) {
	a := new(AssetCount)
	fields := map[string]any{
		"Point":                  &a.Point,
		"LastPoint":              &a.LastPoint,
		"PointRatio":             &a.PointRatio,
		"PointTime":              &a.PointTime,
		"BuyCertificateCount":    &a.BuyCertificateCount,
		"FreeCertificateCount":   &a.FreeCertificateCount,
		"UploadCertificateCount": &a.UploadCertificateCount,
		"AliyunAssetCount":       &a.AliyunAssetCount,
		"TencentAssetCount":      &a.TencentAssetCount,
		"HuaweiAssetCount":       &a.HuaweiAssetCount,
		"AwsAssetCount":          &a.AwsAssetCount,
		"DomainAssetCount":       &a.DomainAssetCount,
		"RequestId":              &a.RequestID,
	}
	if err := readObject(text, fields); err != nil {
		return nil, err
	}
	for name, field := range fields {
		n, isNumber := field.(**int64)
		if isNumber && *n != nil && **n < 0 && strings.HasSuffix(name, "Count") {
			return nil, fieldError("%s is %d, and a count can't be negative", name, **n)
		}
	}
	if id := a.RequestID; id != nil && strings.ContainsFunc(*id, unprintable) {
		return nil, fieldError("RequestId holds a character that can't be printed")
	}
	a.PointUpdatedAt = instant(a.PointTime)
	var fits [3]bool
	a.PointChange, fits[0] = difference(a.Point, a.LastPoint)
	a.TotalCertificateCount, fits[1] = sum(a.BuyCertificateCount, a.FreeCertificateCount, a.UploadCertificateCount)
	a.TotalCloudAssetCount, fits[2] = sum(a.AliyunAssetCount, a.TencentAssetCount, a.HuaweiAssetCount, a.AwsAssetCount)
	for i, what := range []string{"Point less LastPoint", "the sum of the certificate counts", "the sum of the four clouds' counts"} {
		if !fits[i] {
			return nil, fieldError("%s is out of range", what)
		}
	}
	return a, nil
}

// unprintable reports whether r could take over the terminal of whoever prints it, or is utf8.RuneError, which encoding/json
// puts for half of a surrogate pair.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

// difference is nil if a or b is. It reports whether 64 bits hold it.
func difference(a, b *int64) (d *int64, fits bool) {
	if a == nil || b == nil {
		return nil, true
	}
	d = new(*a - *b)
	return d, (*d < *a) == (*b > 0)
}

// sum adds up counts, none of which is negative. It is nil if one of them is, and reports whether 64 bits hold it.
func sum(counts ...*int64) (total *int64, fits bool) {
	total, fits = new(int64), true
	for _, count := range counts {
		if count == nil {
			return nil, true
		}
		*total += *count
		fits = fits && *total >= 0
	}
	return total, fits
}

// maxSeconds separates the units of PointTime: as seconds it is the year 5138, as milliseconds 1973.
const maxSeconds = 1e11

// instant reads PointTime. The vendor's documentation shows milliseconds and a comment in its SDK says seconds, so the
// size decides.
func instant(pointTime *int64) *time.Time {
	if pointTime == nil {
		return nil
	}
	t := time.Unix(*pointTime, 0)
	if *pointTime >= maxSeconds {
		t = time.UnixMilli(*pointTime)
	}
	t = t.UTC().Truncate(time.Second)
	if year := t.Year(); year < 0 || year > 9999 {
		return nil
	}
	return &t
}
