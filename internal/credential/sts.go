package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// AssumeRole is a RAM role to act as. Its JSON is what a profile of the CLI has.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole
type AssumeRole struct {
	RoleARN     string `json:"ram_role_arn"`
	SessionName string `json:"ram_session_name"` // empty means DefaultSessionName
	Policy      string `json:"policy"`           // JSON; narrows what the role may do
	ExternalID  string `json:"external_id"`
	Expiration  int    `json:"expired_seconds"` // 0 means 3600
}

// OIDC is a RAM role to act as with a token of an OIDC identity provider. It has no ExternalID.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc
type OIDC struct {
	AssumeRole
	ProviderARN string `json:"oidc_provider_arn"`
	Token       string `json:"oidc_token"`      // else TokenFile
	TokenFile   string `json:"oidc_token_file"` // read again for every fetch; a leading ~ is expanded
}

// STS says where roles are assumed. Its zero value means sts.aliyuncs.com.
type STS struct {
	Endpoint string // a host, with a port if it isn't 443; comes before the one of a profile
	Fallback string // likewise, but comes after the one of a profile
	Region   string // comes after the one of a profile
	VPC      bool   // whether it is the region's endpoint within a VPC
}

// host returns where to assume a role with the settings of a profile, which may be empty.
func (s STS) host(profile STS) (string, error) {
	host, region := cmp.Or(s.Endpoint, profile.Endpoint, s.Fallback), cmp.Or(profile.Region, s.Region)
	switch {
	case host != "":
	case region == "":
		host = "sts.aliyuncs.com"
	case profile.VPC || s.VPC:
		host = "sts-vpc." + region + ".aliyuncs.com"
	default:
		host = "sts." + region + ".aliyuncs.com"
	}
	u, err := egress.ParseAddress(host, "https")
	if err != nil || u.User != nil {
		return "", &Error{Kind: Invalid, Err: errors.New("the endpoint of STS isn't a host name, with a port where it isn't 443")}
	}
	return u.Host, nil
}

// sts returns where p assumes roles.
func (p profile) sts() STS {
	host := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(p.STSEndpoint), "http://"), "https://") // https is spoken anyway
	return STS{Endpoint: strings.TrimRight(host, "/"), Region: p.STSRegion, VPC: p.EnableVPC}
}

// roleOn is a role, assumed with the credentials of another source.
type roleOn struct {
	Source
	role AssumeRole
}

func (r roleOn) title(base string) string { return r.role.RoleARN + ", assumed with " + base }

func (r roleOn) String() string { return r.title(r.Source.String()) }

func (r roleOn) fetch(ctx context.Context, e *env) (Credentials, error) {
	c, err := e.assumeRole(ctx, r.Source, r.role, r.Site().sts)
	if c.source != "" {
		c.source = r.title(c.source)
	}
	return c, err
}

// assumeRole assumes a role with the credentials of another source, which those that it returns name.
func (e *env) assumeRole(ctx context.Context, base fetcher, role AssumeRole, profile STS) (Credentials, error) {
	as, err := e.get(ctx, base)
	if err != nil {
		return Credentials{}, err
	}
	builder := providers.NewRAMRoleARNCredentialsProviderBuilder().
		WithAccessKeyId(as.AccessKeyID).WithAccessKeySecret(as.AccessKeySecret).WithSecurityToken(as.SecurityToken).
		WithRoleArn(role.RoleARN).WithRoleSessionName(cmp.Or(role.SessionName, DefaultSessionName)).
		WithDurationSeconds(role.Expiration).WithPolicy(role.Policy).WithExternalId(role.ExternalID)
	c, err := e.issueSession(ctx, role, profile, func(host string) (*http.Request, error) {
		return composed(builder.WithStsEndpoint(host).Build())
	}, as.AccessKeySecret, as.SecurityToken)
	c.source = as.source
	return c, err
}

func (o OIDC) String() string { return "OIDC, as " + o.RoleARN }

// GoString returns the same as String, for %#v.
func (o OIDC) GoString() string { return o.String() }

// Site returns Site{}.
func (o OIDC) Site() Site { return Site{} }

func (o OIDC) fetch(ctx context.Context, e *env) (Credentials, error) {
	return e.assumeRoleWithOIDC(ctx, o, STS{})
}

func (e *env) assumeRoleWithOIDC(ctx context.Context, role OIDC, profile STS) (Credentials, error) {
	if role.ProviderARN == "" {
		return Credentials{}, errors.New("the OIDC provider ARN is empty")
	}
	token, err := role.token()
	if err != nil {
		return Credentials{}, err
	}
	builder := providers.NewOIDCCredentialsProviderBuilder().WithOIDCProviderARN(role.ProviderARN).WithOIDCToken(token).
		WithRoleArn(role.RoleARN).WithRoleSessionName(cmp.Or(role.SessionName, DefaultSessionName)).
		WithDurationSeconds(role.Expiration).WithPolicy(role.Policy)
	return e.issueSession(ctx, role.AssumeRole, profile, func(host string) (*http.Request, error) {
		return composed(builder.WithSTSEndpoint(host).Build())
	}, token)
}

// composed returns the request that the vendor's library would send, instead of which [egress.Intercept] returns it. The
// library completes empty fields with environment variables, so that none may be empty that it has a variable for. What else
// it says is never quoted, because it may hold secrets.
func composed(library providers.CredentialsProvider, err error) (*http.Request, error) {
	if err == nil {
		_, err = library.GetCredentials()
	}
	unsent, ok := errors.AsType[egress.Unsent](err)
	switch {
	case err == nil:
		return nil, errors.New("credentials-go sent a request by itself, so what it returned isn't used")
	case !ok:
		return nil, errors.New("credentials-go composed no request (why is left out, as that may quote secrets)")
	}
	return unsent.Request, nil
}

// issueSession assumes a role at the host of STS, for which compose returns the request.
func (e *env) issueSession(
	ctx context.Context, role AssumeRole, profile STS, compose func(host string) (*http.Request, error), secrets ...string,
) (Credentials, error) {
	const shortest = 900
	switch {
	case role.RoleARN == "":
		return Credentials{}, errors.New("the role ARN is empty")
	case role.Expiration != 0 && role.Expiration < shortest:
		return Credentials{}, fmt.Errorf("a session of %d seconds is too short: STS allows %d and more", role.Expiration, shortest)
	}
	host, err := e.sts.host(profile)
	if err != nil {
		return Credentials{}, err
	}
	req, err := compose(host)
	if err != nil {
		return Credentials{}, err
	}
	if req.Body, err = req.GetBody(); err != nil {
		return Credentials{}, err
	}
	req.Close = true
	req.Header.Set("User-Agent", userAgent)
	c, err := issue(req.WithContext(ctx), true, secrets...)
	if parts := strings.Split(role.RoleARN, ":"); len(parts) > 3 { // acs:ram::ACCOUNT:role/NAME
		c.account = parts[3]
	}
	return c, err
}

func (o OIDC) token() (string, error) {
	switch {
	case o.Token != "":
		return o.Token, nil
	case o.TokenFile == "":
		return "", errors.New("there is neither an OIDC token nor a token file")
	}
	content, err := readFile(o.TokenFile)
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w; in a pod, fsGroup in its securityContext lets its user read the token", err)
	}
	if err != nil {
		return "", fmt.Errorf("read OIDC token file: %w", err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("the OIDC token file %s is empty", o.TokenFile)
	}
	if flaw := KeyFlaw(token); flaw != "" {
		return "", &Error{Kind: NotAKey, Err: fmt.Errorf("the token in the OIDC token file %s %s", o.TokenFile, flaw)}
	}
	return token, nil
}
