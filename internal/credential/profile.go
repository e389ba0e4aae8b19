package credential

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// The library reads the CLI's file too, but quotes it whole when it is malformed, follows a cycle of source_profile
// until the stack overflows, and drops the fields it doesn't know when it writes the file. So the file is read here.

// profile is an entry of the CLI's configuration file.
//
// https://github.com/aliyun/aliyun-cli/blob/master/config/profile.go
type profile struct {
	Name string `json:"name"`
	Mode string `json:"mode"`

	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	SecurityToken   string `json:"sts_token"`

	AssumeRole
	RoleName      string `json:"ram_role_name"`
	SourceProfile string `json:"source_profile"`
	RegionID      string `json:"region_id"`
	STSEndpoint   string `json:"sts_endpoint"`
	STSRegion     string `json:"sts_region"`
	EnableVPC     bool   `json:"enable_vpc"`

	OIDCProviderARN string `json:"oidc_provider_arn"`
	OIDCTokenFile   string `json:"oidc_token_file"`
	OIDCToken       string `json:"oidc_token"`

	CredentialsURI string `json:"credentials_uri"`
	ProcessCommand string `json:"process_command"`

	SignInURL         string `json:"cloud_sso_sign_in_url"`
	AccountID         string `json:"cloud_sso_account_id"`
	AccessConfig      string `json:"cloud_sso_access_config"`
	AccessToken       string `json:"access_token"`
	AccessTokenExpire int64  `json:"cloud_sso_access_token_expire"`

	OAuthSite              string `json:"oauth_site_type"`
	OAuthRefreshToken      string `json:"oauth_refresh_token"`
	OAuthAccessToken       string `json:"oauth_access_token"`
	OAuthAccessTokenExpire int64  `json:"oauth_access_token_expire"`
}

// cliFile is the CLI's configuration file, with what the provider block adds to it.
type cliFile struct {
	Current  string    `json:"current"`
	Profiles []profile `json:"profiles"`

	path string
	cfg  Config
}

// namedProfile gets credentials from what the user has named, looked for as other tools do: a profile of the file, or of the
// CLI's file, or else a section of the INI file.
func namedProfile(cfg Config) fetcher {
	cli, ini := cliProfile(cfg), iniFile(cfg)
	return fetcher{source: cli.source, fetch: func(ctx context.Context) (Credentials, error) {
		if content, err := readRegular(cfg.SharedCredentialsFile); err == nil && !isObject(content) {
			return ini.get(ctx)
		}
		c, err := cli.get(ctx)
		notThere, ok := errors.AsType[*Error](err)
		if !ok || !notThere.unused || cfg.SharedCredentialsFile != "" {
			return c, err
		}
		c, err = ini.get(ctx)
		if e, ok := errors.AsType[*Error](err); ok && e.unused {
			return c, &Error{Kind: NotFound, Err: fmt.Errorf("%w; and %s: %w", notThere.Err, e.Source, e.Err)}
		}
		return c, err
	}}
}

func (cfg Config) cliPath() string {
	return cmp.Or(cfg.SharedCredentialsFile, cfg.CLIFile, "~/.aliyun/config.json")
}

// cliProfile is a profile of the CLI's file, which is read again for every fetch so that a new sign-in is seen.
func cliProfile(cfg Config) fetcher {
	path := cfg.cliPath()
	title := func(name string) string { return "profile " + name + " of " + path }
	f := fetcher{source: "the current profile of " + path}
	if cfg.Profile != "" {
		f.source = title(cfg.Profile)
	}
	f.fetch = func(ctx context.Context) (Credentials, error) {
		if cfg.NoCLIFile != "" {
			return Credentials{}, unused(errors.New("switched off by " + cfg.NoCLIFile))
		}
		file, err := readCLIFile(cfg, readFile)
		if err != nil {
			return Credentials{}, err
		}
		name := file.chosen()
		inner, err := file.fetcher(name, nil)
		if err != nil {
			return Credentials{}, err
		}
		c, err := inner.fetch(ctx)
		c.source = title(name)
		return c, err
	}
	return f
}

// Region is the region of the CLI's profile in use, empty where there is none.
func (cfg Config) Region() string { return cfg.profileInUse().RegionID }

// profileInUse is the CLI's profile that cfg means, or an empty one. What is wrong with the file is for the fetch of
// credentials to say.
func (cfg Config) profileInUse() profile {
	if cfg.AccessKeyID+cfg.CredentialsURI+cfg.ECSRoleName != "" || cfg.OIDC != nil || cfg.NoCLIFile != "" {
		return profile{}
	}
	file, err := readCLIFile(cfg, readRegular)
	if err != nil {
		return profile{}
	}
	if p := file.find(file.chosen()); p != nil && !p.unset() {
		return *p
	}
	return profile{}
}

func readCLIFile(cfg Config, read func(path string) ([]byte, error)) (cliFile, error) {
	content, err := read(cfg.cliPath())
	if err != nil {
		return cliFile{}, fileError(err, cfg.SharedCredentialsFile+cfg.CLIFile == "")
	}
	file, err := parseCLIFile(content)
	file.cfg = cfg
	file.path, _ = ExpandHome(cfg.cliPath()) // it was read
	return file, err
}

// parseCLIFile never quotes content: it holds secrets.
func parseCLIFile(content []byte) (cliFile, error) {
	var file cliFile
	err := json.Unmarshal(content, &file)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%s has the wrong type", wrong.Field)
	}
	if err != nil {
		return cliFile{}, &Error{Kind: Invalid, Err: fmt.Errorf("not the CLI's configuration: %w", err)}
	}
	if len(file.Profiles) == 0 {
		return cliFile{}, unused(errors.New("it has no profiles"))
	}
	return file, nil
}

// chosen is the name of the profile that is meant.
func (f cliFile) chosen() string { return cmp.Or(f.cfg.Profile, f.Current, "default") }

// fetcher is how the profile called name gets credentials; via are the profiles that led to it.
func (f cliFile) fetcher(name string, via []string) (fetcher, error) {
	if slices.Contains(via, name) {
		return fetcher{}, &Error{Kind: Invalid, Err: fmt.Errorf("source_profile has a cycle: %s",
			strings.Join(append(via, name), " → "))}
	}
	p := f.find(name)
	switch {
	case p == nil:
		err := fmt.Errorf("%s has no profile %q, only %s", f.path, name, f.names())
		return fetcher{}, &Error{Kind: NotFound, Err: err, unused: len(via) == 0}
	case p.unset():
		err := fmt.Errorf("profile %s has no access key", name)
		if f.cfg.Profile == "" && len(via) == 0 {
			return fetcher{}, unused(err)
		}
		return fetcher{}, &Error{Kind: Invalid, Err: err, Command: p.configure()}
	}
	fetch, err := f.mode(*p, append(via, name))
	if _, ok := errors.AsType[*Error](err); err != nil && !ok {
		err = &Error{Kind: Invalid, Err: fmt.Errorf("profile %s: %w", name, err), Command: p.configure()}
	}
	return fetch, err
}

func (f cliFile) find(name string) *profile {
	if i := slices.IndexFunc(f.Profiles, func(p profile) bool { return p.Name == name }); i >= 0 {
		return &f.Profiles[i]
	}
	return nil
}

// unset reports whether nobody has set p up: its mode needs an access key, and it has nothing of that. The CLI makes such a
// profile by itself.
func (p profile) unset() bool {
	key := p.AccessKeyID + p.AccessKeySecret + p.SecurityToken
	switch strings.ToLower(p.usedMode()) {
	case "":
		return true
	case "ak", "ststoken":
		return key == ""
	case "ramrolearn":
		return key+p.RoleARN == ""
	}
	return false
}

// usedMode is p's mode, or else the one that the CLI takes its fields for.
func (p profile) usedMode() string {
	switch {
	case p.Mode != "":
		return p.Mode
	case p.AccessKeyID+p.AccessKeySecret != "" && p.SecurityToken != "":
		return "StsToken"
	case p.AccessKeyID+p.AccessKeySecret != "" && p.RoleARN != "":
		return "RamRoleArn"
	case p.AccessKeyID+p.AccessKeySecret != "":
		return "AK"
	case p.RoleName != "":
		return "EcsRamRole"
	case p.ProcessCommand != "":
		return "External"
	case p.OIDCProviderARN != "":
		return "OIDC"
	case p.SignInURL != "":
		return "CloudSSO"
	}
	return ""
}

func (f cliFile) mode(p profile, via []string) (fetcher, error) {
	host := func() (string, error) { return f.cfg.stsHost(p) }
	switch mode := strings.ToLower(p.usedMode()); mode {
	case "external", "credentialsuri":
		if f.cfg.NoExternal != "" {
			return fetcher{}, fmt.Errorf("profiles of the mode %s are switched off by %s", p.usedMode(), f.cfg.NoExternal)
		}
		if mode == "external" {
			return external(p.ProcessCommand)
		}
		return credentialsURI(p.CredentialsURI)
	case "ak":
		return accessKey(p.AccessKeyID, p.AccessKeySecret, "")
	case "ststoken":
		if p.SecurityToken == "" {
			return fetcher{}, errors.New("there is no security token")
		}
		return accessKey(p.AccessKeyID, p.AccessKeySecret, p.SecurityToken)
	case "ramrolearn":
		base, err := accessKey(p.AccessKeyID, p.AccessKeySecret, p.SecurityToken)
		if err != nil {
			return fetcher{}, err
		}
		return assumeRole(base, p.AssumeRole, host)
	case "chainableramrolearn":
		base, err := f.fetcher(p.SourceProfile, via)
		if err != nil {
			return fetcher{}, err
		}
		return assumeRole(base, p.AssumeRole, host)
	case "ramrolearnwithrolename":
		return assumeRole(ecsRole(p.RoleName), p.AssumeRole, host)
	case "ecsramrole":
		return ecsRole(p.RoleName), nil
	case "oidc":
		return oidc(OIDC{
			ProviderARN: p.OIDCProviderARN, RoleARN: p.RoleARN, Token: p.OIDCToken, TokenFile: p.OIDCTokenFile,
			SessionName: p.SessionName, Policy: p.Policy, Expiration: p.Expiration,
		}, host)
	case "cloudsso":
		return p.cloudSSO()
	case "oauth":
		return f.oauth(p), nil
	}
	return fetcher{}, fmt.Errorf("its mode %q isn't supported: AK, StsToken, RamRoleArn, ChainableRamRoleArn, EcsRamRole, "+
		"RamRoleArnWithRoleName, OIDC, CredentialsURI, CloudSSO, OAuth and External are", typeName(p.Mode))
}

func (p profile) cloudSSO() (fetcher, error) {
	if p.AccessToken == "" || p.AccessTokenExpire <= time.Now().Unix() {
		return fetcher{}, p.signInNeeded()
	}
	if err := CheckURI(p.SignInURL); err != nil {
		return fetcher{}, fmt.Errorf("cloud_sso_sign_in_url can't be used: %w", err)
	}
	options := timeouts
	provider, err := providers.NewCloudSSOCredentialsProviderBuilder().
		WithSignInUrl(p.SignInURL).
		WithAccountId(p.AccountID).
		WithAccessConfig(p.AccessConfig).
		WithAccessToken(p.AccessToken).
		WithAccessTokenExpire(p.AccessTokenExpire).
		WithHttpOptions(&options).
		Build()
	if err != nil {
		return fetcher{}, errors.New("cloud_sso_account_id or cloud_sso_access_config is empty")
	}
	return fetcher{fetch: func(context.Context) (Credentials, error) {
		c, err := ask(provider, p.AccessToken)
		c.account = p.AccountID
		return c, p.suggestLogin(err)
	}}, nil
}

func (p profile) signInNeeded() *Error {
	return &Error{Kind: Login, Command: p.configure(), Err: fmt.Errorf("the sign-in of profile %s has expired or was never made", p.Name)}
}

// suggestLogin adds how to sign in again to an error that came from an answer.
func (p profile) suggestLogin(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && !e.Temporary() {
		e.Command = p.configure()
	}
	return err
}

// plainName matches a name that a shell takes as it is.
var plainName = regexp.MustCompile(`^[\pL\p{Nd}_.@-]+$`)

// configure is the CLI's command that sets p up, or signs in again.
func (p profile) configure() string {
	command := "aliyun configure"
	if p.Mode != "" && typeName(p.Mode) == p.Mode {
		command += " --mode " + p.Mode
	}
	if site := strings.ToUpper(p.OAuthSite); strings.EqualFold(p.Mode, "OAuth") && (site == "CN" || site == "INTL") {
		command += " --oauth-site-type " + site
	}
	if plainName.MatchString(p.Name) {
		return command + " --profile " + p.Name
	}
	return command + " --profile " + strconv.Quote(p.Name)
}

func (f cliFile) names() string {
	var names []string
	for _, p := range f.Profiles {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
