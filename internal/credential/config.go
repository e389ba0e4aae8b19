package credential

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential/quiet"
)

// DefaultSessionName names the sessions of assumed roles where nothing else does.
const DefaultSessionName = "terraform"

// How long the session of an assumed role may live, in seconds.
const (
	MinSessionExpiration = 900
	MaxSessionExpiration = 43200
)

// Config says where credentials come from. At most one of the access key, the profile, the URI, the ECS role and OIDC may
// be set; none of them, be it by the user or by the environment, means the rest of the default chain: the CLI's current
// profile, the INI file and the ECS metadata service. AssumeRole works on top of each.
type Config struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string

	// Profile is a profile of the CLI's configuration file. With SharedCredentialsFile set it may be empty: the file's
	// current profile.
	Profile string
	// SharedCredentialsFile is the CLI's JSON file; a leading ~ is expanded. Empty means $ALIBABA_CLOUD_CONFIG_FILE, else
	// ~/.aliyun/config.json.
	SharedCredentialsFile string

	CredentialsURI string
	ECSRoleName    string
	OIDC           *OIDC

	AssumeRole *AssumeRole

	// STSEndpoint is a host, with a port where it isn't 443. Empty means what the profile or $ALIBABA_CLOUD_STS_REGION says,
	// else sts.aliyuncs.com.
	STSEndpoint string

	// SetBy is who asked for this source, for messages: "access_key in the provider block", "ALIBABA_CLOUD_PROFILE".
	SetBy string

	Logger *slog.Logger
}

// AssumeRole is a RAM role to act as.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole
type AssumeRole struct {
	RoleARN     string
	SessionName string // empty means DefaultSessionName
	Policy      string // JSON; narrows what the role may do
	ExternalID  string
	Expiration  int // seconds, MinSessionExpiration to MaxSessionExpiration; 0 means 3600
}

// OIDC is a RAM role to act as with a token of an OIDC identity provider.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc
type OIDC struct {
	ProviderARN string
	RoleARN     string
	Token       string // else TokenFile
	TokenFile   string // read anew for every fetch; a leading ~ is expanded
	SessionName string // empty means DefaultSessionName
	Policy      string
	Expiration  int // seconds, MinSessionExpiration to MaxSessionExpiration; 0 means 3600
}

// New returns the source that cfg describes. It touches neither the network nor the file system. An error is an [*Error]
// of [Invalid].
func New(cfg Config) (*Source, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if quiet.Silenced {
		cfg.Logger.Warn("DEBUG=credential is ignored: what credentials-go would print holds tokens")
	}
	o, err := cfg.base()
	if err != nil {
		return nil, &Error{Source: o.source, Kind: Invalid, Err: err}
	}
	if role := cfg.AssumeRole; role != nil {
		if err := checkRole(role.RoleARN, role.Expiration); err != nil {
			return nil, &Error{Source: o.source, Kind: Invalid, Err: fmt.Errorf("assume role: %w", err)}
		}
		o = assumeRole(o, *role, sts{endpoint: cfg.STSEndpoint})
	}
	return &Source{fetcher: o, name: o.source, askedBy: cfg.SetBy, logger: cfg.Logger}, nil
}

func (cfg Config) base() (fetcher, error) {
	var set []string
	for _, source := range []struct {
		name  string
		given bool
	}{
		{"access key", cfg.AccessKeyID+cfg.AccessKeySecret+cfg.SecurityToken != ""},
		{"profile", cfg.Profile+cfg.SharedCredentialsFile != ""},
		{"credentials URI", cfg.CredentialsURI != ""},
		{"ECS RAM role", cfg.ECSRoleName != ""},
		{"OIDC", cfg.OIDC != nil},
	} {
		if source.given {
			set = append(set, source.name)
		}
	}
	if len(set) > 1 {
		return fetcher{source: strings.Join(set, ", ")}, errors.New("only one source can be used at a time")
	}
	if len(set) == 0 {
		return defaultChain(cfg), nil
	}
	switch set[0] {
	case "access key":
		return accessKey(cfg.AccessKeyID, cfg.AccessKeySecret, cfg.SecurityToken)
	case "profile":
		return cliProfile(cfg.SharedCredentialsFile, cfg.Profile, cfg), nil
	case "credentials URI":
		return credentialsURI(cfg.CredentialsURI)
	case "ECS RAM role":
		return ecsRole(cfg.ECSRoleName), nil
	default:
		return oidc(*cfg.OIDC, sts{endpoint: cfg.STSEndpoint})
	}
}

func checkRole(arn string, expiration int) error {
	if arn == "" {
		return errors.New("the role ARN is empty")
	}
	if expiration != 0 && (expiration < MinSessionExpiration || expiration > MaxSessionExpiration) {
		return fmt.Errorf("the session expiration is %d, not between %d and %d seconds", expiration, MinSessionExpiration, MaxSessionExpiration)
	}
	return nil
}
