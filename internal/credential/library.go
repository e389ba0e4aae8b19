package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// Credentials sign requests.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string

	// Expiration is zero where the source doesn't say.
	Expiration time.Time

	origin  string // which source they came from, where that isn't known beforehand
	account string // what stands for the account, where something does
	given   bool   // they were configured as they are, not issued
}

// String is for those who print credentials by mistake.
func (c Credentials) String() string { return Shorten(c.AccessKeyID) }

// GoString does for %#v what String does for %v.
func (c Credentials) GoString() string { return c.String() }

// origin is a place where credentials come from. Each fetch builds the library's
// provider anew, so that nothing is left of one that failed: the cache is Source's.
type origin struct {
	name  string
	fixed bool // gives the same credentials every time
	fetch func(context.Context) (Credentials, error)
}

// get fetches. Whatever goes wrong, a panic too, becomes an error that names o or
// something closer, and so does what comes back.
func (o origin) get(ctx context.Context) (c Credentials, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &Error{Source: o.name, Kind: Malformed, Err: errors.New(newScrubber().text(
				fmt.Sprintf("panic, as credentials-go does on an answer that lacks a field: %v", cause)))}
		}
	}()
	c, err = o.fetch(ctx)
	if err != nil {
		e := *explain(err, newScrubber())
		e.Source = cmp.Or(e.Source, o.name)
		return Credentials{}, &e
	}
	c.origin = cmp.Or(c.origin, o.name)
	return c, nil
}

// over http, a credential server may only be on this machine or its own link.
var errPlainURI = errors.New("http is only allowed for a loopback or link-local address; use https")

// CheckURI says whether credentials may be asked for at uri. The error never
// quotes it, as its query or user information may hold a secret.
func CheckURI(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return errors.New("it isn't an absolute URL")
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast()) {
			return nil
		}
		return errPlainURI
	}
	return fmt.Errorf("its scheme is %q, not https", u.Scheme)
}

// patience is for services on the internet: the library's 5 s to connect is too little from afar.
var patience = providers.HttpOptions{ConnectTimeout: 10_000, ReadTimeout: 10_000}

func accessKey(id, secret, token string) (origin, error) {
	o := origin{name: "access key " + Shorten(id), fixed: true}
	switch {
	case id == "" && secret == "":
		return o, errors.New("there is a security token, but no access key")
	case id == "":
		return o, errors.New("there is an access key secret, but no access key ID")
	case secret == "":
		return o, errors.New("there is an access key ID, but no access key secret")
	}
	c := Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token, account: id, given: true}
	o.fetch = func(context.Context) (Credentials, error) { return c, nil }
	return o, nil
}

func credentialsURI(uri string) (origin, error) {
	o := origin{name: "credentials URI " + withoutQuery(uri)}
	if err := CheckURI(uri); err != nil {
		return o, fmt.Errorf("the URI can't be used: %w", err)
	}
	o.fetch = func(context.Context) (Credentials, error) {
		options := patience
		p, err := providers.NewURLCredentialsProviderBuilder().WithUrl(uri).WithHttpOptions(&options).Build()
		if err != nil {
			return Credentials{}, err
		}
		return ask(p, newScrubber(uri))
	}
	return o, nil
}

func ecsRole(role string) origin {
	name := "ECS metadata service"
	if role != "" {
		name = "ECS RAM role " + role
	}
	return origin{name: name, fetch: func(context.Context) (Credentials, error) {
		p, err := providers.NewECSRAMRoleCredentialsProviderBuilder().WithRoleName(role).Build()
		if err != nil { // only ALIBABA_CLOUD_ECS_METADATA_DISABLED does that
			return Credentials{}, &Error{Kind: NotFound, Err: errors.New("switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED")}
		}
		c, err := ask(p, newScrubber())
		if e, ok := errors.AsType[*Error](err); ok && e.Kind == Malformed {
			e.Kind = Unavailable // the library makes a text of the transport's error here
		}
		return c, err
	}}
}

// sts is where to assume roles.
type sts struct {
	endpoint string // host[:port]; the rest only matters where it is empty
	region   string
	vpc      bool
}

func oidc(cfg OIDC, at sts) (origin, error) {
	o := origin{name: "OIDC, as " + cfg.RoleARN}
	switch {
	case cfg.ProviderARN == "":
		return o, errors.New("the OIDC provider ARN is empty")
	case cfg.Token == "" && cfg.TokenFile == "":
		return o, errors.New("there is neither an OIDC token nor a token file")
	}
	if err := checkRole(cfg.RoleARN, cfg.Expiration); err != nil {
		return o, err
	}
	o.fetch = func(context.Context) (Credentials, error) {
		// The library would prefer $ALIBABA_CLOUD_OIDC_TOKEN to the file.
		token, err := cfg.token()
		if err != nil {
			return Credentials{}, err
		}
		options := patience
		p, err := providers.NewOIDCCredentialsProviderBuilder().
			WithOIDCToken(token).
			WithOIDCProviderARN(cfg.ProviderARN).
			WithRoleArn(cfg.RoleARN).
			WithRoleSessionName(cmp.Or(cfg.SessionName, DefaultSessionName)).
			WithPolicy(cfg.Policy).
			WithDurationSeconds(cfg.Expiration).
			WithSTSEndpoint(at.endpoint).
			WithStsRegionId(at.region).
			WithEnableVpc(at.vpc).
			WithHttpOptions(&options).
			Build()
		if err != nil {
			return Credentials{}, err
		}
		c, err := ask(p, newScrubber(token))
		c.account = account(cfg.RoleARN)
		return c, err
	}
	return o, nil
}

func (cfg OIDC) token() (string, error) {
	if cfg.Token != "" {
		return cfg.Token, nil
	}
	content, err := os.ReadFile(ExpandHome(cfg.TokenFile))
	if err != nil {
		return "", &Error{Kind: fileKind(err), Err: fmt.Errorf("read OIDC token file: %w", err)}
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", &Error{Kind: Invalid, Err: fmt.Errorf("the OIDC token file %s is empty", cfg.TokenFile)}
	}
	return token, nil
}

func assumeRole(base origin, role AssumeRole, at sts) origin {
	name := role.RoleARN + ", assumed with " + base.name
	return origin{name: name, fetch: func(ctx context.Context) (Credentials, error) {
		as, err := base.get(ctx)
		if err != nil {
			return Credentials{}, err
		}
		options := patience
		p, err := providers.NewRAMRoleARNCredentialsProviderBuilder().
			WithCredentialsProvider(caller{as}).
			WithRoleArn(role.RoleARN).
			WithRoleSessionName(cmp.Or(role.SessionName, DefaultSessionName)).
			WithPolicy(role.Policy).
			WithExternalId(role.ExternalID).
			WithDurationSeconds(role.Expiration).
			WithStsEndpoint(at.endpoint).
			WithStsRegionId(at.region).
			WithEnableVpc(at.vpc).
			WithHttpOptions(&options).
			Build()
		if err != nil {
			return Credentials{}, err
		}
		c, err := ask(p, newScrubber(as.AccessKeySecret, as.SecurityToken))
		c.account = account(role.RoleARN)
		c.origin = role.RoleARN + ", assumed with " + as.origin
		return c, err
	}}
}

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

// ask has the library fetch. It panics on answers that lack a field; Source recovers.
func ask(p providers.CredentialsProvider, scrub scrubber) (Credentials, error) {
	got, err := p.GetCredentials()
	if err != nil {
		return Credentials{}, explain(err, scrub)
	}
	c := Credentials{AccessKeyID: got.AccessKeyId, AccessKeySecret: got.AccessKeySecret, SecurityToken: got.SecurityToken}
	if c.AccessKeyID == "" || c.AccessKeySecret == "" {
		return Credentials{}, &Error{Kind: Malformed, Err: errors.New("the answer has an empty access key ID or secret")}
	}
	c.Expiration = expiration(reflect.ValueOf(p))
	return c, nil
}

// expiration is what the library knows and doesn't tell: its providers keep it,
// in seconds since 1970, in a field that isn't exported. Without one it is zero.
func expiration(p reflect.Value) time.Time {
	for p.Kind() == reflect.Pointer || p.Kind() == reflect.Interface {
		p = p.Elem()
	}
	if p.Kind() != reflect.Struct {
		return time.Time{}
	}
	if inner := p.FieldByName("innerProvider"); inner.IsValid() {
		return expiration(inner)
	}
	if at := p.FieldByName("expirationTimestamp"); at.IsValid() && at.CanInt() && at.Int() > 0 {
		return time.Unix(at.Int(), 0)
	}
	return time.Time{}
}

// account is the account ID in a RAM role's ARN, acs:ram::ACCOUNT:role/NAME.
func account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// ExpandHome replaces a leading ~ of a path by the user's home directory.
func ExpandHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, rest)
}

func fileKind(err error) Kind {
	if errors.Is(err, os.ErrNotExist) {
		return NotFound
	}
	return Invalid
}
