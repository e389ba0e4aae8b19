package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// sts is where to assume roles.
type sts struct {
	endpoint string // host[:port]; the rest only matters where it is empty
	region   string
	vpc      bool
}

func oidc(cfg OIDC, at sts) (fetcher, error) {
	o := fetcher{source: "OIDC, as " + cfg.RoleARN}
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

func assumeRole(base fetcher, role AssumeRole, at sts) fetcher {
	name := role.RoleARN + ", assumed with " + base.source
	return fetcher{source: name, fetch: func(ctx context.Context) (Credentials, error) {
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
		c.source = role.RoleARN + ", assumed with " + as.source
		return c, err
	}}
}

// account is the account ID in a RAM role's ARN, acs:ram::ACCOUNT:role/NAME.
func account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}
