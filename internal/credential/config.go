package credential

import "log/slog"

// DefaultSessionName names the sessions of assumed roles if nothing else does.
const DefaultSessionName = "terraform"

// Config says where credentials come from. At most one of the access key, the profile or file, the URI, the ECS role and
// OIDC may be set. None of them means the rest of the default chain: the CLI's current profile, the INI file and the ECS
// metadata service. AssumeRole works on top of each. Nothing is taken from the environment but what Config holds, and the
// switches of the metadata service.
type Config struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string

	// Profile is a profile of the CLI's file, or else a section of the INI file.
	Profile string
	// SharedCredentialsFile is the only file to look into: the CLI's if it is a JSON object, else an INI file. Without a
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

	// STSEndpoint is a host, with a port if it isn't 443. Empty means what the profile says, else STSRegion's endpoint,
	// within a VPC if STSVPC says so, else sts.aliyuncs.com.
	STSEndpoint string
	STSRegion   string
	STSVPC      bool

	// SetBy names the setting that asked for this source, for messages: "access_key in the provider block", "ALIBABA_CLOUD_PROFILE".
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

// New returns the source that cfg describes. It touches neither the network nor the file system.
func New(cfg Config) *Source {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := cfg.fetcher()
	if role := cfg.AssumeRole; role != nil {
		f = assumeRole(f, *role, func() (string, error) { return cfg.stsHost(cfg.profileInUse()) })
	}
	return &Source{fetcher: f, name: f.source, setBy: cfg.SetBy, logger: cfg.Logger}
}

func (cfg Config) fetcher() fetcher {
	switch {
	case cfg.AccessKeyID+cfg.AccessKeySecret+cfg.SecurityToken != "":
		f := accessKey(cfg.AccessKeyID, cfg.AccessKeySecret, cfg.SecurityToken)
		f.source = "access key " + Shorten(cfg.AccessKeyID)
		return f
	case cfg.SharedCredentialsFile != "" || cfg.Profile != "" && cfg.NoCLIFile == "":
		return namedProfile(cfg)
	case cfg.CredentialsURI != "":
		return credentialsURI(cfg.CredentialsURI)
	case cfg.ECSRoleName != "":
		return ecsRole(cfg.ECSRoleName)
	case cfg.OIDC != nil:
		return oidc(*cfg.OIDC, func() (string, error) { return cfg.stsHost(profile{}) })
	}
	return defaultChain(cfg)
}
