package cas

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
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

// maxSeconds separates the units of PointTime: as seconds it is the year 5138, as milliseconds 1973.
const maxSeconds = 1e11

// derive works out the figures that the service doesn't send.
func (a *AssetCount) derive() error {
	a.PointUpdatedAt = instant(a.PointTime)
	var err error
	if a.PointChange, err = difference(a.Point, a.LastPoint); err != nil {
		return &fieldError{"Point", fmt.Errorf("less LastPoint %w", err)}
	}
	if a.TotalCertificateCount, err = sum(a.BuyCertificateCount, a.FreeCertificateCount, a.UploadCertificateCount); err != nil {
		return &fieldError{"BuyCertificateCount", fmt.Errorf("and the other certificate counts: their sum %w", err)}
	}
	if a.TotalCloudAssetCount, err = sum(a.AliyunAssetCount, a.TencentAssetCount, a.HuaweiAssetCount, a.AwsAssetCount); err != nil {
		return &fieldError{"AliyunAssetCount", fmt.Errorf("and the other clouds' counts: their sum %w", err)}
	}
	return nil
}

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
		if count == nil {
			return nil, nil
		}
		if total > math.MaxInt64-*count {
			return nil, errOverflow
		}
		total += *count
	}
	return &total, nil
}

// fields lists the numbers of an answer by the service's names. A count can't be negative; a score may be.
func (a *AssetCount) fields() map[string]field {
	const count, score = true, false
	return map[string]field{
		"Point":                  {score, &a.Point},
		"LastPoint":              {score, &a.LastPoint},
		"PointRatio":             {score, &a.PointRatio},
		"PointTime":              {score, &a.PointTime},
		"BuyCertificateCount":    {count, &a.BuyCertificateCount},
		"FreeCertificateCount":   {count, &a.FreeCertificateCount},
		"UploadCertificateCount": {count, &a.UploadCertificateCount},
		"AliyunAssetCount":       {count, &a.AliyunAssetCount},
		"TencentAssetCount":      {count, &a.TencentAssetCount},
		"HuaweiAssetCount":       {count, &a.HuaweiAssetCount},
		"AwsAssetCount":          {count, &a.AwsAssetCount},
		"DomainAssetCount":       {count, &a.DomainAssetCount},
	}
}

type field struct {
	count bool
	value **int64
}

// fieldError is an element of an answer that isn't what the service documents.
type fieldError struct {
	name string
	err  error
}

func (e *fieldError) Error() string { return e.name + " " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

// decode reads a JSON object that holds a successful answer. A name that is there twice is an error, and so is a text that
// isn't UTF-8, for which encoding/json would put replacement characters.
func decode(object []byte) (*AssetCount, error) {
	a := new(AssetCount)
	fields, seen := a.fields(), map[string]bool{}
	for name, value := range members(object) {
		number, isNumber := fields[name]
		if !isNumber && name != "RequestId" {
			continue
		}
		if seen[name] {
			return nil, &fieldError{name, errors.New("is there twice")}
		}
		seen[name] = true
		var err error
		if isNumber {
			*number.value, err = integer(value, number.count)
		} else {
			a.RequestID, err = text(value)
		}
		if err != nil {
			return nil, &fieldError{name, err}
		}
	}
	if err := a.derive(); err != nil {
		return nil, err
	}
	return a, nil
}

// integer reads a whole number or null from a valid JSON value.
func integer(value []byte, count bool) (*int64, error) {
	switch c := value[0]; {
	case c == 'n':
		return nil, nil
	case c != '-' && (c < '0' || c > '9'):
		return nil, fmt.Errorf("is %s instead of a number", jsonType(c))
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return nil, fmt.Errorf("is %s, which is out of range", egress.Printable(string(value), 40))
	case err != nil:
		return nil, fmt.Errorf("is %s, which isn't a whole number", egress.Printable(string(value), 40))
	case count && n < 0:
		return nil, fmt.Errorf("is %d, and a count can't be negative", n)
	}
	return &n, nil
}

// text reads a string or null from a valid JSON value. Control characters could take over the terminal of whoever
// prints it, so they are refused.
func text(value []byte) (*string, error) {
	switch c := value[0]; {
	case c == 'n':
		return nil, nil
	case c != '"':
		return nil, fmt.Errorf("is %s instead of a string", jsonType(c))
	case !utf8.Valid(value):
		return nil, errors.New("isn't valid UTF-8")
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return nil, err
	}
	for _, r := range s {
		// utf8.RuneError stands for half of a surrogate pair, too.
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return nil, fmt.Errorf("holds the character %U, which can't be printed", r)
		}
	}
	return &s, nil
}
