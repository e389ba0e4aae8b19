package credential

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential/quiet"
)

// DefaultSessionName names the sessions of assumed roles where nothing else does.
const DefaultSessionName = "terraform"

// How long the session of an assumed role may live, in seconds.
const (
	MinSessionExpiration = 900
	MaxSessionExpiration = 43200
)

// Config says where credentials come from. At most one of the access key, the profile or file, the URI, the ECS role and
// OIDC may be set. None of them means the rest of the default chain: the CLI's current profile, the INI file and the ECS
// metadata service. AssumeRole works on top of each. Nothing is taken from the environment but what Config holds.
type Config struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string

	// Profile is a profile of the CLI's file, or else a section of the INI file.
	Profile string
	// SharedCredentialsFile is the only file to look into: the CLI's where it is a JSON object, else an INI file. Without a
	// Profile it means the current profile, or the section [default].
	SharedCredentialsFile string

	CredentialsURI string
	ECSRoleName    string
	OIDC           *OIDC

	AssumeRole *AssumeRole

	// CLIFile and INIFile are where profiles are looked for without a SharedCredentialsFile. Empty means
	// ~/.aliyun/config.json and ~/.alibabacloud/credentials.
	CLIFile, INIFile string

	// NoCLIFile and NoExternal are the variables that switch off the CLI's file, and its profiles that run a command or ask a
	// URI. Empty means that they are on. With NoCLIFile set, Profile is only a section for the default chain.
	NoCLIFile, NoExternal string

	// STSEndpoint is a host, with a port where it isn't 443. Empty means what the profile says, else STSRegion's endpoint,
	// within a VPC where STSVPC says so, else sts.aliyuncs.com.
	STSEndpoint string
	STSRegion   string
	STSVPC      bool

	// SetBy is who asked for this source, for messages: "access_key in the provider block", "ALIBABA_CLOUD_PROFILE".
	SetBy string

	Logger *slog.Logger
}

// AssumeRole is a RAM role to act as. Its JSON is what a profile of the CLI has.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole
type AssumeRole struct {
	RoleARN     string `json:"ram_role_arn"`
	SessionName string `json:"ram_session_name"` // empty means DefaultSessionName
	Policy      string `json:"policy"`           // JSON; narrows what the role may do
	ExternalID  string `json:"external_id"`
	Expiration  int    `json:"expired_seconds"` // MinSessionExpiration to MaxSessionExpiration; 0 means 3600
}

// OIDC is a RAM role to act as with a token of an OIDC identity provider.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc
type OIDC struct {
	ProviderARN string
	RoleARN     string
	Token       string // else TokenFile
	TokenFile   string // read again for every fetch; a leading ~ is expanded
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
	s := &Source{askedBy: cfg.SetBy, logger: cfg.Logger}
	f, err := cfg.base()
	if role := cfg.AssumeRole; role != nil && err == nil {
		f, err = assumeRole(f, *role, func() (string, error) { return cfg.stsHost(cfg.profileInUse()) })
	}
	if err != nil {
		return nil, &Error{Source: f.source, Kind: Invalid, Err: err}
	}
	s.fetcher, s.name = f, f.source
	return s, nil
}

func (cfg Config) base() (fetcher, error) {
	key := cfg.AccessKeyID+cfg.AccessKeySecret+cfg.SecurityToken != ""
	named := cfg.SharedCredentialsFile != "" || cfg.Profile != "" && cfg.NoCLIFile == ""
	uri, role := cfg.CredentialsURI != "", cfg.ECSRoleName != ""
	sources := 0
	for _, isSet := range []bool{key, named, uri, role, cfg.OIDC != nil} {
		if isSet {
			sources++
		}
	}
	switch {
	case sources > 1:
		return fetcher{source: "several sources"}, errors.New("only one source can be used at a time")
	case key:
		return accessKey(cfg.AccessKeyID, cfg.AccessKeySecret, cfg.SecurityToken)
	case named:
		return namedProfile(cfg), nil
	case uri:
		return credentialsURI(cfg.CredentialsURI)
	case role:
		return ecsRole(cfg.ECSRoleName), nil
	case cfg.OIDC != nil:
		return oidc(*cfg.OIDC, func() (string, error) { return cfg.stsHost(profile{}) })
	}
	return defaultChain(cfg), nil
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
