package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// defaultChain asks the places where every Alibaba Cloud tool looks, in order.
//
// Where credentials were found once, later fetches ask only there: the same run
// must not go on as someone else because a refresh failed.
func defaultChain(cfg Config) origin {
	var found *origin // Source fetches one at a time
	links := []origin{
		environment(),
		environmentOIDC(cfg),
		chainProfile(cfg),
		iniFile(),
		ecsRole(os.Getenv("ALIBABA_CLOUD_ECS_METADATA")),
		environmentURI(),
	}
	return origin{name: "the default chain", fetch: func(ctx context.Context) (Credentials, error) {
		if found != nil {
			return found.get(ctx)
		}
		nothing := &Error{Kind: NotFound, Err: errors.New("none of its sources had any")}
		for _, link := range links {
			c, err := link.get(ctx)
			if err == nil {
				found = &link
				return c, nil
			}
			e := explain(err, newScrubber())
			cfg.Logger.DebugContext(ctx, "no credentials here", "source", e.Source, "reason", e.Err)
			nothing.Tried = append(nothing.Tried, e)
		}
		return Credentials{}, nothing
	}}
}

func environment() origin {
	const id, secret = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	return origin{name: "environment", fetch: func(ctx context.Context) (Credentials, error) {
		if err := unset(id, secret); err != nil {
			return Credentials{}, err
		}
		o, err := accessKey(os.Getenv(id), os.Getenv(secret), os.Getenv("ALIBABA_CLOUD_SECURITY_TOKEN"))
		if err != nil {
			return Credentials{}, err
		}
		return o.fetch(ctx)
	}}
}

func environmentOIDC(cfg Config) origin {
	const provider, role, token, file = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_ROLE_ARN",
		"ALIBABA_CLOUD_OIDC_TOKEN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
	return origin{name: "OIDC environment", fetch: func(ctx context.Context) (Credentials, error) {
		needed := []string{provider, role}
		if os.Getenv(token) == "" {
			needed = append(needed, file)
		}
		if err := unset(needed...); err != nil {
			return Credentials{}, err
		}
		o, err := oidc(OIDC{
			ProviderARN: os.Getenv(provider), RoleARN: os.Getenv(role),
			Token: os.Getenv(token), TokenFile: os.Getenv(file),
			SessionName: os.Getenv("ALIBABA_CLOUD_ROLE_SESSION_NAME"),
		}, sts{endpoint: cfg.STSEndpoint})
		if err != nil {
			return Credentials{}, &Error{Kind: Invalid, Err: err}
		}
		return o.fetch(ctx)
	}}
}

func chainProfile(cfg Config) origin {
	o := cliProfile("", os.Getenv("ALIBABA_CLOUD_PROFILE"), cfg)
	if strings.EqualFold(os.Getenv("ALIBABA_CLOUD_CLI_PROFILE_DISABLED"), "true") {
		o.fetch = func(context.Context) (Credentials, error) {
			return Credentials{}, &Error{Kind: NotFound, Err: errors.New("switched off by ALIBABA_CLOUD_CLI_PROFILE_DISABLED")}
		}
	}
	return o
}

func iniFile() origin {
	path := os.Getenv("ALIBABA_CLOUD_CREDENTIALS_FILE")
	shown := path
	if path == "" {
		shown = filepath.Join("~", ".alibabacloud", "credentials")
	}
	return origin{name: "file " + shown, fetch: func(context.Context) (Credentials, error) {
		if _, err := os.Stat(ExpandHome(shown)); err != nil {
			return Credentials{}, &Error{Kind: fileKind(err), Err: err}
		}
		p, err := providers.NewProfileCredentialsProviderBuilder().Build()
		if err != nil {
			return Credentials{}, err
		}
		return ask(p, newScrubber())
	}}
}

func environmentURI() origin {
	const uri = "ALIBABA_CLOUD_CREDENTIALS_URI"
	return origin{name: "credentials URI", fetch: func(ctx context.Context) (Credentials, error) {
		if err := unset(uri); err != nil {
			return Credentials{}, err
		}
		o, err := credentialsURI(os.Getenv(uri))
		if err != nil {
			return Credentials{}, &Error{Kind: Invalid, Err: err}
		}
		return o.fetch(ctx)
	}}
}

// unset says which of the variables are, if any.
func unset(variables ...string) error {
	var missing []string
	for _, name := range variables {
		if os.Getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &Error{Kind: NotFound, Err: fmt.Errorf("%s not set", strings.Join(missing, ", "))}
}
