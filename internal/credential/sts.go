package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/userfile"
)

// AssumeRole is a RAM role to assume. Its JSON is what a profile of the CLI has.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole
type AssumeRole struct {
	RoleARN     string `json:"ram_role_arn"`
	SessionName string `json:"ram_session_name"` // empty means DefaultSessionName
	Policy      string `json:"policy"`           // JSON; narrows what the role may do
	ExternalID  string `json:"external_id"`
	Expiration  int    `json:"expired_seconds"` // 0 means 3600

	STS // of the profile that it is for
}

// OIDC is a RAM role to assume with a token of an OIDC identity provider. It has no ExternalID.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc
type OIDC struct {
	AssumeRole
	ProviderARN string `json:"oidc_provider_arn"`
	Token       string `json:"oidc_token"`      // else TokenFile
	TokenFile   string `json:"oidc_token_file"` // read again for every fetch; a leading ~ is expanded
}

// STS says where roles are assumed. Its zero value means sts.aliyuncs.com. Its JSON is a profile's.
type STS struct {
	Endpoint string `json:"sts_endpoint"` // a host, with a port if it isn't 443; comes before the one of a profile
	Fallback string `json:"-"`            // likewise, but comes after the one of a profile
	Region   string `json:"sts_region"`   // comes after the one of a profile
	VPC      bool   `json:"enable_vpc"`   // whether it is the region's endpoint within a VPC
}

// host returns where to assume a role with the settings of a profile, which may be empty.
func (s STS) host(profile STS) (string, error) {
	host := cmp.Or(s.Endpoint, strings.TrimSpace(profile.Endpoint), s.Fallback)
	if region := cmp.Or(profile.Region, s.Region); host == "" && region != "" {
		host = "sts." + region + ".aliyuncs.com"
		if profile.VPC || s.VPC {
			host = "sts-vpc." + region + ".aliyuncs.com"
		}
	}
	u, err := egress.ParseAddress(cmp.Or(host, "sts.aliyuncs.com"), "https", "http") // requests use https anyway
	if err != nil || u.User != nil {
		return "", errors.New("the endpoint of STS isn't a host name, with a port where it isn't 443")
	}
	return u.Host, nil
}

// roleOn is a role, assumed with the credentials of another source.
type roleOn struct {
	Source
	role AssumeRole
}

func (r roleOn) String() string { return r.on(r.Source.String()) }

func (r roleOn) on(source string) string { return r.role.RoleARN + ", assumed with " + source }

func (r roleOn) fetch(ctx context.Context, f *fetcher) (Credentials, error) {
	as, err := f.get(ctx, r.Source)
	if err != nil {
		return Credentials{}, err
	}
	r.role.STS = as.sts
	c, err := r.role.assume(ctx, f, as)
	c.source = r.on(as.source)
	return c, err
}

// assume assumes the role with credentials.
func (a AssumeRole) assume(ctx context.Context, f *fetcher, as Credentials) (Credentials, error) {
	builder := providers.NewRAMRoleARNCredentialsProviderBuilder().
		WithAccessKeyId(as.AccessKeyID).WithAccessKeySecret(as.AccessKeySecret).WithSecurityToken(as.SecurityToken).
		WithRoleArn(a.RoleARN).WithRoleSessionName(cmp.Or(a.SessionName, DefaultSessionName)).
		WithDurationSeconds(a.Expiration).WithPolicy(a.Policy).WithExternalId(a.ExternalID)
	return a.issue(ctx, f, func(host string) (providers.CredentialsProvider, error) {
		return builder.WithStsEndpoint(host).Build()
	}, as.AccessKeySecret, as.SecurityToken)
}

func (o OIDC) String() string { return "OIDC, as " + o.RoleARN }

func (o OIDC) fetch(ctx context.Context, f *fetcher) (Credentials, error) {
	if o.ProviderARN == "" {
		return Credentials{}, errors.New("the OIDC provider ARN is empty")
	}
	token, err := o.token()
	if err != nil {
		return Credentials{}, err
	}
	builder := providers.NewOIDCCredentialsProviderBuilder().WithOIDCProviderARN(o.ProviderARN).WithOIDCToken(token).
		WithRoleArn(o.RoleARN).WithRoleSessionName(cmp.Or(o.SessionName, DefaultSessionName)).
		WithDurationSeconds(o.Expiration).WithPolicy(o.Policy)
	return o.issue(ctx, f, func(host string) (providers.CredentialsProvider, error) {
		return builder.WithSTSEndpoint(host).Build()
	}, token)
}

// issue sends the request that the vendor's library composes for a host and, because of
// [egress.Intercept], returns in an error. Its other errors may hold secrets. It completes empty
// fields with environment variables, so none may be empty that it has a variable for.
func (a AssumeRole) issue(ctx context.Context, f *fetcher,
	library func(host string) (providers.CredentialsProvider, error), secrets ...string,
) (Credentials, error) {
	switch {
	case a.RoleARN == "":
		return Credentials{}, errors.New("the role ARN is empty")
	case a.Expiration != 0 && a.Expiration < 900:
		return Credentials{}, fmt.Errorf("a session of %d seconds is too short: STS allows 900 and more", a.Expiration)
	}
	host, err := f.STS.host(a.STS)
	if err != nil {
		return Credentials{}, err
	}
	composer, err := library(host)
	if err == nil {
		_, err = composer.GetCredentials()
	}
	unsent, composed := errors.AsType[egress.Unsent](err)
	switch {
	case err == nil:
		return Credentials{}, errors.New("credentials-go sent a request by itself, so what it returned isn't used")
	case !composed:
		return Credentials{}, errors.New("credentials-go composed no request (why is left out, as that may quote secrets)")
	}
	req := unsent.WithContext(ctx)
	req.Body, _ = req.GetBody() // it is in memory
	req.Close = true
	req.Header.Set("User-Agent", userAgent)
	c, err := f.issue(req, true, secrets...)
	if parts := strings.Split(a.RoleARN, ":"); len(parts) > 3 { // acs:ram::ACCOUNT:role/NAME
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
	content, err := userfile.Read(o.TokenFile)
	token := strings.TrimSpace(string(content))
	switch flaw := KeyFlaw(token); {
	case errors.Is(err, os.ErrPermission):
		const hint = "in a pod, fsGroup in its securityContext lets its user read the token"
		return "", fmt.Errorf("read OIDC token file: %w; %s", err, hint)
	case err != nil:
		return "", fmt.Errorf("read OIDC token file: %w", err)
	case token == "":
		return "", fmt.Errorf("the OIDC token file %s is empty", o.TokenFile)
	case flaw != "":
		return "", newError(NotAKey, "the token in the OIDC token file %s %s", o.TokenFile, flaw)
	}
	return token, nil
}
