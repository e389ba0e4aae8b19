package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
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
	account string // what stands for the account in every run, where something does
	given   bool   // they were configured as they are, not issued
}

// String is for those who print credentials by mistake.
func (c Credentials) String() string { return Shorten(c.AccessKeyID) }

// GoString does for %#v what String does for %v.
func (c Credentials) GoString() string { return c.String() }

// origin is a place where credentials come from. Each fetch builds the library's provider anew, so that nothing is left of
// one that failed: the cache is Source's. A fetch ends soon after its context.
type origin struct {
	name  string
	fetch func(context.Context) (Credentials, error)
}

// get fetches. An error names o or something closer, and so does what comes back.
func (o origin) get(ctx context.Context) (Credentials, error) {
	c, err := o.fetch(ctx)
	if err != nil {
		e := *explain(err, newScrubber())
		e.Source = cmp.Or(e.Source, o.name)
		return Credentials{}, &e
	}
	c.origin = cmp.Or(c.origin, o.name)
	return c, nil
}

// patience is for services on the internet: the library's 5 s to connect is too little from afar.
var patience = providers.HttpOptions{ConnectTimeout: 10_000, ReadTimeout: 10_000}

func accessKey(id, secret, token string) (origin, error) {
	o := origin{name: "access key " + Shorten(id)}
	switch {
	case id == "" && secret == "":
		return o, errors.New("there is a security token, but no access key")
	case id == "":
		return o, errors.New("there is an access key secret, but no access key ID")
	case secret == "":
		return o, errors.New("there is an access key ID, but no access key secret")
	}
	c := Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token, given: true}
	if token == "" {
		c.account = id
	}
	o.fetch = func(context.Context) (Credentials, error) { return c, nil }
	return o, nil
}

func ecsRole(role string) origin {
	name := "ECS metadata service"
	if role != "" {
		name = "ECS RAM role " + role
	}
	return origin{name: name, fetch: func(ctx context.Context) (Credentials, error) {
		p, err := providers.NewECSRAMRoleCredentialsProviderBuilder().WithRoleName(role).Build()
		if err != nil { // only ALIBABA_CLOUD_ECS_METADATA_DISABLED does that
			return Credentials{}, &Error{Kind: NotFound, Err: errors.New("switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED")}
		}
		c, err := ask(ctx, p, newScrubber())
		return c, aboutMetadata(role, err)
	}}
}

// aboutMetadata says what an error of the metadata service means. No answer at all is final: it means that there is no
// such service, which takes seconds to find out, and trying again would only take as long again.
func aboutMetadata(role string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	text := e.Err.Error()
	switch status := status(text); {
	case status == http.StatusNotFound:
		e.Kind, e.Err = NotFound, errors.New("the instance has no RAM role "+role)
		if role == "" {
			e.Err = errors.New("the instance has no RAM role")
		}
	case status >= 500, status == http.StatusTooManyRequests:
		e.Kind = Unavailable
	case strings.Contains(text, `"http://100.100.100.200`) && !strings.Contains(text, malformedAnswer): // a transport's error
		e.Kind, e.Err = NotFound, fmt.Errorf("%w; is this an ECS instance?", e.Err)
	}
	return e
}

// status is the HTTP status in an error text of the library, where it has no other trace of it, or 0.
func status(text string) int {
	if _, after, ok := strings.Cut(text, "httpStatus: "); ok {
		text, _, _ = strings.Cut(after, ",")
	}
	status, _ := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	return status
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
	o.fetch = func(ctx context.Context) (Credentials, error) {
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
		c, err := ask(ctx, p, newScrubber(token))
		c.account = account(cfg.RoleARN)
		return c, err
	}
	return o, nil
}

func (cfg OIDC) token() (string, error) {
	if cfg.Token != "" {
		return cfg.Token, nil
	}
	content, err := readFile(cfg.TokenFile)
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
		c, err := ask(ctx, p, newScrubber(as.AccessKeySecret, as.SecurityToken))
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

// account is the account ID in a RAM role's ARN, acs:ram::ACCOUNT:role/NAME.
func account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// ExpandHome replaces a leading ~ of a path by the user's home directory. It is an error if that isn't known: the path
// would mean something in the working directory then.
func ExpandHome(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", fmt.Errorf("%s: %w", path, errNoHome)
	}
	return filepath.Join(home, rest), nil
}

var errNoHome = errors.New("no home directory is known")

// readFile reads a file whose path may begin with ~.
func readFile(path string) ([]byte, error) {
	path, err := ExpandHome(path)
	if err != nil {
		return nil, err
	}
	return readBounded(path)
}

// maxInput is how much of a file or of a command's output is read, in bytes, lest one that never ends use up the memory.
const maxInput = 1 << 20

var errTooLarge = errors.New("it is larger than 1 MiB")

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxInput+1))
	if err == nil && len(content) > maxInput {
		err = fmt.Errorf("read %s: %w", path, errTooLarge)
	}
	return content, err
}

func fileKind(err error) Kind {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, errNoHome) {
		return NotFound
	}
	return Invalid
}
