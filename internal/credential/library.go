package credential

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// patience is for services on the internet: the library's 5 s to connect is too little from afar.
var patience = providers.HttpOptions{ConnectTimeout: 10_000, ReadTimeout: 10_000}

// caller hands credentials to the library without its look into the environment.
type caller struct{ Credentials }

func (c caller) GetCredentials() (*providers.Credentials, error) {
	return &providers.Credentials{
		AccessKeyId:     c.AccessKeyID,
		AccessKeySecret: c.AccessKeySecret,
		SecurityToken:   c.SecurityToken,
		ProviderName:    c.GetProviderName(),
	}, nil
}

func (caller) GetProviderName() string { return "static_sts" }

// ask has the library fetch. The library knows no context: when ctx ends, its call is left to end by itself. It panics on
// answers that lack a field, which becomes an error.
func ask(ctx context.Context, p providers.CredentialsProvider, scrub scrubber) (Credentials, error) {
	type answer struct {
		*providers.Credentials
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if cause := recover(); cause != nil {
				a.err = fmt.Errorf("panic, as credentials-go does on an answer that lacks a field: %v", cause)
			}
			answers <- a
		}()
		a.Credentials, a.err = p.GetCredentials()
	}()
	var got answer
	select {
	case got = <-answers:
	case <-ctx.Done():
		return Credentials{}, context.Cause(ctx)
	}
	if got.err != nil {
		return Credentials{}, explain(got.err, scrub)
	}
	c := Credentials{AccessKeyID: got.AccessKeyId, AccessKeySecret: got.AccessKeySecret, SecurityToken: got.SecurityToken}
	if c.AccessKeyID == "" || c.AccessKeySecret == "" {
		return Credentials{}, &Error{Kind: Malformed, Err: errors.New("the answer has an empty access key ID or secret")}
	}
	c.Expiration = expiration(p)
	return c, nil
}

// expiration is what the library knows and doesn't tell: its providers keep it, in seconds since 1970, in a field that
// isn't exported. Without one it is zero.
func expiration(p providers.CredentialsProvider) time.Time {
	at := reflect.Indirect(reflect.ValueOf(p)).FieldByName("expirationTimestamp")
	if at.IsValid() && at.CanInt() && at.Int() > 0 {
		return time.Unix(at.Int(), 0)
	}
	return time.Time{}
}
