package cas

import (
	"errors"
	"fmt"
	"math"
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

	// PointUpdatedAt is PointTime in whole seconds, UTC: 1e11 and more is milliseconds, less is seconds. It is nil where
	// PointTime is, and outside of the years 0 to 9999, which RFC 3339 can't write.
	PointUpdatedAt *time.Time
	PointChange    *int64 // Point − LastPoint; nil where either is

	BuyCertificateCount    *int64 // paid certificates
	FreeCertificateCount   *int64 // free certificates
	UploadCertificateCount *int64 // uploaded certificates
	TotalCertificateCount  *int64 // the sum of the three; nil where any of them is

	AliyunAssetCount  *int64 // Alibaba Cloud resources
	TencentAssetCount *int64 // Tencent Cloud resources
	HuaweiAssetCount  *int64 // Huawei Cloud resources
	AwsAssetCount     *int64 // AWS resources

	TotalCloudAssetCount *int64 // the sum of the four clouds' resources; nil where any of them is
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
			return nil, &fieldError{name, fmt.Errorf("is %d, and a count can't be negative", **n)}
		}
	}
	if id := a.RequestID; id != nil && strings.ContainsFunc(*id, unprintable) {
		return nil, &fieldError{"RequestId", errors.New("holds a character that can't be printed")}
	}
	a.PointUpdatedAt = instant(a.PointTime)
	var change, certificates, assets error
	a.PointChange, change = difference(a.Point, a.LastPoint)
	a.TotalCertificateCount, certificates = sum(a.BuyCertificateCount, a.FreeCertificateCount, a.UploadCertificateCount)
	a.TotalCloudAssetCount, assets = sum(a.AliyunAssetCount, a.TencentAssetCount, a.HuaweiAssetCount, a.AwsAssetCount)
	switch {
	case change != nil:
		return nil, &fieldError{"Point less LastPoint", change}
	case certificates != nil:
		return nil, &fieldError{"The sum of the certificate counts", certificates}
	case assets != nil:
		return nil, &fieldError{"The sum of the four clouds' counts", assets}
	}
	return a, nil
}

// unprintable reports whether r could take over the terminal of whoever prints it, or is utf8.RuneError, which encoding/json
// puts for half of a surrogate pair.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

var errOverflow = errors.New("is out of range")

func difference(a, b *int64) (*int64, error) {
	if a == nil || b == nil {
		return nil, nil
	}
	d := *a - *b
	if (d < *a) != (*b > 0) {
		return nil, errOverflow
	}
	return &d, nil
}

// sum adds up counts, none of which is negative.
func sum(counts ...*int64) (*int64, error) {
	var total int64
	for _, count := range counts {
		switch {
		case count == nil:
			return nil, nil
		case *count > math.MaxInt64-total:
			return nil, errOverflow
		}
		total += *count
	}
	return &total, nil
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
