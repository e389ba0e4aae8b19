package credential

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// requestTimeout bounds each request for credentials, from connecting to the end of the answer.
const requestTimeout = 20 * time.Second

// transport is for every request of this package.
var transport http.RoundTripper = egress.NewTransport()

// The library sends each request with a copy of [http.DefaultTransport], which is its only seam. Nothing else in the provider
// uses that.
func init() { http.DefaultTransport = egress.Bridge(transport, requestTimeout) }

// timeouts add up to the time after which the library gives up: more than requestTimeout, so that it never gives up first.
var timeouts = providers.HttpOptions{ConnectTimeout: 15_000, ReadTimeout: 15_000}

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

// ask has the library fetch, with the secrets that it needs for that. It panics on answers that lack a field, which becomes
// an error.
func ask(p providers.CredentialsProvider, secrets ...string) (c Credentials, err error) {
	defer func() {
		if recover() != nil {
			c, err = Credentials{}, notCredentials()
		}
	}()
	got, err := p.GetCredentials()
	switch {
	case err != nil:
		for _, token := range []string{"accessToken", "refreshToken"} { // which OAuth may have renewed meanwhile
			if v := unexported(p, token); v.IsValid() {
				secrets = append(secrets, v.String())
			}
		}
		return Credentials{}, explain(err, secrets)
	case got.AccessKeyId == "" || got.AccessKeySecret == "":
		return Credentials{}, notCredentials()
	}
	return Credentials{
		AccessKeyID: got.AccessKeyId, AccessKeySecret: got.AccessKeySecret, SecurityToken: got.SecurityToken, Expiration: expiration(p),
	}, nil
}

// notCredentials stands for all that the library says about an answer that it can't use, since it quotes the answer.
func notCredentials() *Error {
	return malformed("it answered HTTP 200 with something other than credentials")
}

// explain turns an error of the library into one that can be shown: what [egress.Bridge] gave it, or none of its words.
func explain(err error, secrets []string) error {
	if refusal, ok := errors.AsType[*egress.Refusal](err); ok {
		return refused(refusal.Answer, secrets)
	}
	if unanswered, ok := errors.AsType[*egress.Error](err); ok {
		return unanswered // without what wraps it, which quotes the signed address
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return errors.New("its address or its token has something in it that can't be sent")
	}
	return notCredentials()
}

// expiration is what the library knows and doesn't tell: its providers keep it, in seconds since 1970, in a field that
// isn't exported. Without one it is zero.
func expiration(p providers.CredentialsProvider) time.Time {
	at := unexported(p, "expirationTimestamp")
	if at.IsValid() && at.CanInt() && at.Int() > 0 {
		return time.Unix(at.Int(), 0)
	}
	return time.Time{}
}

// unexported returns a field in which the library keeps what it doesn't tell. It isn't valid where p has no such field.
func unexported(p providers.CredentialsProvider, name string) reflect.Value {
	return reflect.Indirect(reflect.ValueOf(p)).FieldByName(name)
}
