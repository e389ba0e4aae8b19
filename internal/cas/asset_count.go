package cas

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// AssetCount is the result of GetAssetCount. What the service left out, or sent as null, is nil.
//
// Source: Certificate Management Service documentation, api-cas-2020-04-07-getassetcount.
type AssetCount struct {
	Point      *int64 // health score
	LastPoint  *int64 // previous health score
	PointRatio *int64 // health score ratio; the service documents no scale
	PointTime  *int64 // when the score was updated, Unix time as the service sends it

	// PointUpdatedAt is PointTime in whole seconds, UTC; nil if it is, or RFC 3339 has no such year.
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

	TotalCloudAssetCount *int64 // the sum of the clouds' resources; nil if any of them is
	DomainAssetCount     *int64 // domain name resources

	RequestID *string // unique for each call
}

// errCutShort is the error of a response that ends too early.
var errCutShort = errors.New("it is empty or breaks off")

// FieldError says what is wrong with an element of a response, or with a figure from several.
type FieldError string

func (e FieldError) Error() string { return string(e) }

func fieldError(format string, args ...any) error { return FieldError(fmt.Sprintf(format, args...)) }

// foreignError says why an object isn't the service's. No value of such an object is shown.
type foreignError string

func (e foreignError) Error() string { return string(e) }

// decode reads a success: an object with a documented element, or with a RequestId alone.
func decode(text []byte) (*AssetCount, error) {
	members, err := readObject(text)
	if err != nil {
		return nil, err
	}
	a, documented := new(AssetCount), false
	for _, element := range []struct {
		name  string
		value **int64
	}{
		{"Point", &a.Point},
		{"LastPoint", &a.LastPoint},
		{"PointRatio", &a.PointRatio},
		{"PointTime", &a.PointTime},
		{"BuyCertificateCount", &a.BuyCertificateCount},
		{"FreeCertificateCount", &a.FreeCertificateCount},
		{"UploadCertificateCount", &a.UploadCertificateCount},
		{"AliyunAssetCount", &a.AliyunAssetCount},
		{"TencentAssetCount", &a.TencentAssetCount},
		{"HuaweiAssetCount", &a.HuaweiAssetCount},
		{"AwsAssetCount", &a.AwsAssetCount},
		{"DomainAssetCount", &a.DomainAssetCount},
	} {
		if *element.value, err = wholeNumber(element.name, members[element.name]); err != nil {
			return nil, err
		}
		documented = documented || members[element.name] != nil
	}
	if a.RequestID, err = requestID(members["RequestId"]); err != nil {
		return nil, err
	}
	if !documented && (a.RequestID == nil || len(members) > 1) {
		names := strings.Join(slices.Sorted(maps.Keys(members)), ", ")
		return nil, foreignError("the response has none of the documented elements; it has " + cmp.Or(names, "none at all"))
	}
	a.PointUpdatedAt = instant(a.PointTime)
	var errs [3]error
	a.PointChange, errs[0] = total("Point less LastPoint", -1, a.Point, a.LastPoint)
	a.TotalCertificateCount, errs[1] = total("the sum of the certificate counts", 1,
		a.BuyCertificateCount, a.FreeCertificateCount, a.UploadCertificateCount)
	a.TotalCloudAssetCount, errs[2] = total("the sum of the clouds' counts", 1,
		a.AliyunAssetCount, a.TencentAssetCount, a.HuaweiAssetCount, a.AwsAssetCount)
	return a, cmp.Or(errs[:]...)
}

// readObject returns the members of a JSON object by name. Unmarshal would take "point" for Point,
// the last of two Points, and replacement characters for what isn't UTF-8.
func readObject(text []byte) (map[string]json.RawMessage, error) {
	text = bytes.Trim(text, " \t\r\n")
	decoder := json.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(new(json.RawMessage)); {
	case len(text) == 0, errors.Is(err, io.ErrUnexpectedEOF) && text[0] == '{':
		return nil, errCutShort
	case err != nil:
		return nil, errors.New("it isn't JSON")
	case text[0] != '{':
		return nil, errors.New("it isn't a JSON object")
	case !utf8.Valid(text):
		return nil, errors.New("it isn't valid UTF-8")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	members, seen := map[string]json.RawMessage{}, map[string]bool{}
	decoder = json.NewDecoder(bytes.NewReader(text)) // the object is valid, so no token is an error
	_, _ = decoder.Token()
	for decoder.More() {
		var value json.RawMessage
		token, _ := decoder.Token()
		_ = decoder.Decode(&value)
		name := fmt.Sprint(token)
		folded := strings.ToLower(name) // the elements of an error may begin with a small letter
		if seen[folded] {
			return nil, foreignError(name + " is there twice")
		}
		members[name], seen[folded] = value, true
	}
	return members, nil
}

// number matches a JSON number, in parts: its sign, whole part, fraction and exponent.
var number = regexp.MustCompile(`^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$`)

// wholeNumber reads an element, which other services of the vendor also send as 50.0, 5e1 or "50".
// It is nil if the element isn't there or is null, and never rounded.
func wholeNumber(name string, value json.RawMessage) (*int64, error) {
	text := string(value)
	if text == "" || text == "null" {
		return nil, nil
	}
	if text[0] == '"' {
		_ = json.Unmarshal([]byte(text), &text) // it is a JSON string
	}
	parts := number.FindStringSubmatch(text)
	if parts == nil {
		return nil, fieldError("%s isn't a whole number", name)
	}
	// As digits and the number of zeros that follow them, so that an exponent costs nothing.
	digits := strings.TrimRight(parts[2]+parts[3], "0")
	zeros, _ := strconv.ParseInt(parts[4], 10, 32) // an exponent that is out of range becomes the nearest one in range
	zeros += int64(len(parts[2]) - len(digits))
	switch {
	case digits == "":
		return new(int64), nil
	case zeros < 0:
		return nil, fieldError("%s isn't a whole number", name)
	}
	n, err := strconv.ParseInt(parts[1]+digits+strings.Repeat("0", int(min(zeros, 20))), 10, 64)
	switch {
	case err != nil:
		return nil, fieldError("%s is a whole number that 64 bits don't hold", name)
	case n < 0 && strings.HasSuffix(name, "Count"):
		return nil, fieldError("%s is %d, and a count can't be negative", name, n)
	}
	return &n, nil
}

func requestID(value json.RawMessage) (id *string, err error) {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	switch {
	case value == nil:
	case json.Unmarshal(value, &id) != nil:
		return nil, fieldError("RequestId isn't a string")
	case id != nil && strings.ContainsFunc(*id, unprintable):
		return nil, fieldError("RequestId holds a character that can't be printed")
	}
	return id, nil
}

// total adds up elements, those after the first one with this sign. It is nil if one of them is.
func total(what string, sign int64, elements ...*int64) (*int64, error) {
	sum := new(big.Int)
	for i, element := range elements {
		if element == nil {
			return nil, nil
		}
		term := big.NewInt(*element)
		if i > 0 {
			term.Mul(term, big.NewInt(sign))
		}
		sum.Add(sum, term)
	}
	if !sum.IsInt64() {
		return nil, fieldError("%s is out of range", what)
	}
	return new(sum.Int64()), nil
}

// instant reads PointTime. The vendor's documentation shows milliseconds and a comment in its SDK
// says seconds, so the size decides: 1e11 is the year 5138 in seconds, and 1973 in milliseconds.
func instant(pointTime *int64) *time.Time {
	if pointTime == nil {
		return nil
	}
	seconds := *pointTime
	if seconds >= 1e11 {
		seconds /= 1000
	}
	t := time.Unix(seconds, 0).UTC()
	if year := t.Year(); year < 0 || year > 9999 {
		return nil
	}
	return &t
}
