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
)

// stsHost returns where to assume a role with the settings of a profile, which may be empty.
func (cfg Config) stsHost(p profile) (string, error) {
	host := strings.TrimPrefix(strings.TrimPrefix(p.STSEndpoint, "http://"), "https://") // as in the CLI; https is spoken anyway
	host = cmp.Or(cfg.STSEndpoint, strings.TrimRight(host, "/"))
	region := cmp.Or(p.STSRegion, cfg.STSRegion)
	switch {
	case host != "":
	case region == "":
		host = "sts.aliyuncs.com"
	case p.EnableVPC || cfg.STSVPC:
		host = "sts-vpc." + region + ".aliyuncs.com"
	default:
		host = "sts." + region + ".aliyuncs.com"
	}
	// The library takes anything for the beginning of a URL.
	u, err := egress.ParseAddress(host, "https")
	if err != nil || u.User != nil {
		return "", &Error{Kind: Invalid, Err: errors.New("the endpoint of STS isn't a host name, with a port where it isn't 443")}
	}
	return u.Host, nil
}

func oidc(cfg OIDC, host func() (string, error)) (fetcher, error) {
	f := fetcher{source: "OIDC, as " + cfg.RoleARN}
	switch {
	case cfg.ProviderARN == "":
		return f, errors.New("the OIDC provider ARN is empty")
	case cfg.Token == "" && cfg.TokenFile == "":
		return f, errors.New("there is neither an OIDC token nor a token file")
	}
	if err := checkRole(cfg.RoleARN, cfg.Expiration); err != nil {
		return f, err
	}
	f.fetch = func(context.Context) (Credentials, error) {
		// The library would prefer $ALIBABA_CLOUD_OIDC_TOKEN to the file.
		token, err := cfg.token()
		if err != nil {
			return Credentials{}, err
		}
		endpoint, err := host()
		if err != nil {
			return Credentials{}, err
		}
		options := timeouts
		p, err := providers.NewOIDCCredentialsProviderBuilder().
			WithOIDCToken(token).
			WithOIDCProviderARN(cfg.ProviderARN).
			WithRoleArn(cfg.RoleARN).
			WithRoleSessionName(cmp.Or(cfg.SessionName, DefaultSessionName)).
			WithPolicy(cfg.Policy).
			WithDurationSeconds(cfg.Expiration).
			WithSTSEndpoint(endpoint).
			WithHttpOptions(&options).
			Build()
		if err != nil {
			return Credentials{}, err
		}
		c, err := ask(p, token)
		c.account = account(cfg.RoleARN)
		return c, err
	}
	return f, nil
}

func (cfg OIDC) token() (string, error) {
	if cfg.Token != "" {
		return cfg.Token, nil
	}
	content, err := readFile(cfg.TokenFile)
	if err != nil {
		return "", &Error{Kind: fileKind(err), Err: fmt.Errorf("read OIDC token file: %w", ExplainTokenFile(err))}
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("the OIDC token file %s is empty", cfg.TokenFile)
	}
	return token, nil
}

// ExplainTokenFile adds to an error about an OIDC token file what lets the user of a pod read it.
func ExplainTokenFile(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w; in a pod, fsGroup in its securityContext lets its user read the token", err)
	}
	return err
}

func assumeRole(base fetcher, role AssumeRole, host func() (string, error)) (fetcher, error) {
	if err := checkRole(role.RoleARN, role.Expiration); err != nil {
		return base, err
	}
	name := role.RoleARN + ", assumed with " + base.source
	return fetcher{source: name, fetch: func(ctx context.Context) (Credentials, error) {
		as, err := base.get(ctx)
		if err != nil {
			return Credentials{}, err
		}
		endpoint, err := host()
		if err != nil {
			return Credentials{}, err
		}
		options := timeouts
		p, err := providers.NewRAMRoleARNCredentialsProviderBuilder().
			WithCredentialsProvider(caller{as}).
			WithRoleArn(role.RoleARN).
			WithRoleSessionName(cmp.Or(role.SessionName, DefaultSessionName)).
			WithPolicy(role.Policy).
			WithExternalId(role.ExternalID).
			WithDurationSeconds(role.Expiration).
			WithStsEndpoint(endpoint).
			WithHttpOptions(&options).
			Build()
		if err != nil {
			return Credentials{}, err
		}
		c, err := ask(p, as.AccessKeySecret, as.SecurityToken)
		c.account = account(role.RoleARN)
		c.source = role.RoleARN + ", assumed with " + as.source
		return c, err
	}}, nil
}

// account returns the account ID in a RAM role's ARN, acs:ram::ACCOUNT:role/NAME.
func account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}
