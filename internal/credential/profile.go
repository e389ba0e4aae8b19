package credential

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kballard/go-shellquote"
)

// profile is an entry of the CLI's configuration file.
//
// https://github.com/aliyun/aliyun-cli/blob/master/config/profile.go
type profile struct {
	Name string `json:"name"`
	Mode string `json:"mode"`

	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	SecurityToken   string `json:"sts_token"`

	OIDC
	RoleName      string `json:"ram_role_name"`
	SourceProfile string `json:"source_profile"`
	RegionID      string `json:"region_id"`
	STSEndpoint   string `json:"sts_endpoint"`
	STSRegion     string `json:"sts_region"`
	EnableVPC     bool   `json:"enable_vpc"`

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

// cliFile is the CLI's configuration file, with what cfg adds to it.
type cliFile struct {
	Current  string    `json:"current"` // the profile that is meant
	Profiles []profile `json:"profiles"`

	path string
	cfg  Config
}

// namedProfile gets credentials from what the user has named, looked for as other tools do: a profile of the file, or of the
// CLI's file, or else a section of the INI file.
func namedProfile(cfg Config) fetcher {
	cli, ini := cliProfile(cfg), iniFile(cfg)
	if cfg.SharedCredentialsFile == "" {
		return firstOf(cfg.Logger, Error{Source: cli.source, Kind: NotFound, Err: errors.New("neither file has it")}, cli, ini)
	}
	return fetcher{source: cli.source, fetch: func(ctx context.Context) (Credentials, error) {
		if IsCLIFile(cfg.SharedCredentialsFile) {
			return cli.get(ctx)
		}
		return ini.get(ctx)
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
		file, err := readCLIFile(cfg)
		if err != nil {
			return Credentials{}, err
		}
		c, err := file.fetch(ctx, file.Current, nil)
		c.source = title(file.Current)
		return c, err
	}
	return f
}

// Region is the region of the CLI's profile in use, empty if there is none.
func (cfg Config) Region() string { return cfg.profileInUse().RegionID }

// profileInUse is the CLI's profile that cfg means, or an empty one. The fetch of credentials reports what is
// wrong with the file.
func (cfg Config) profileInUse() profile {
	if cfg.AccessKeyID+cfg.CredentialsURI+cfg.ECSRoleName != "" || cfg.OIDC != nil || cfg.NoCLIFile != "" {
		return profile{}
	}
	file, _ := readCLIFile(cfg)
	if p := file.find(file.Current); p != nil && !p.unset() {
		return *p
	}
	return profile{}
}

func readCLIFile(cfg Config) (cliFile, error) {
	content, err := readFile(cfg.cliPath())
	if err != nil {
		return cliFile{}, fileError(err, cfg.SharedCredentialsFile+cfg.CLIFile+cfg.Profile == "")
	}
	file, err := parseCLIFile(content)
	file.Current = cmp.Or(cfg.Profile, file.Current, "default")
	file.path, _ = expandHome(cfg.cliPath()) // it was read
	file.cfg = cfg
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
		return cliFile{}, fmt.Errorf("not the CLI's configuration: %w", err)
	}
	if len(file.Profiles) == 0 {
		return cliFile{}, unused(errors.New("it has no profiles"))
	}
	return file, nil
}

// fetch gets credentials as the profile called name says; via are the profiles that led to it.
func (f cliFile) fetch(ctx context.Context, name string, via []string) (Credentials, error) {
	if slices.Contains(via, name) {
		return Credentials{}, fmt.Errorf("source_profile has a cycle: %s", strings.Join(append(via, name), " → "))
	}
	p := f.find(name)
	switch {
	case p == nil:
		var names []string
		for _, other := range f.Profiles {
			names = append(names, other.Name)
		}
		err := fmt.Errorf("%s has no profile %q, only %s", f.path, name, strings.Join(names, ", "))
		return Credentials{}, &Error{Kind: NotFound, Err: err, unused: len(via) == 0}
	case f.cfg.Profile == "" && len(via) == 0 && p.unset():
		return Credentials{}, unused(fmt.Errorf("profile %s has no access key", name))
	}
	c, err := f.use(ctx, *p, append(via, name))
	if err == nil {
		return c, nil
	}
	e := asError(err)
	signIn := p.mode() == "cloudsso" || p.mode() == "oauth"
	switch {
	case e.Command != "", e.Temporary():
	case e.Kind == Login, e.Kind == Invalid && e.status == 0, signIn && e.status != 0:
		e.Command = p.configure()
	}
	return c, e
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
	switch mode := p.mode(); mode {
	case "ak", "ststoken", "ramrolearn":
		return p.AccessKeyID+p.AccessKeySecret+p.SecurityToken == "" && (p.RoleARN == "" || mode != "ramrolearn")
	}
	return false
}

// mode returns p's mode in lower case; without one, the mode that the CLI infers from the fields.
func (p profile) mode() string {
	switch hasKey := p.AccessKeyID+p.AccessKeySecret != ""; {
	case p.Mode != "":
		return strings.ToLower(p.Mode)
	case hasKey && p.SecurityToken != "":
		return "ststoken"
	case hasKey && p.RoleARN != "":
		return "ramrolearn"
	case hasKey:
		return "ak"
	case p.RoleName != "":
		return "ecsramrole"
	case p.ProcessCommand != "":
		return "external"
	case p.ProviderARN != "":
		return "oidc"
	case p.SignInURL != "":
		return "cloudsso"
	}
	return "ak"
}

// use gets credentials with the fields of p's mode; via are the profiles that led to p, and p.
func (f cliFile) use(ctx context.Context, p profile, via []string) (Credentials, error) {
	key := accessKey(p.AccessKeyID, p.AccessKeySecret, p.SecurityToken)
	host := func() (string, error) { return f.cfg.stsHost(p) }
	switch mode := p.mode(); mode {
	case "ak":
		return accessKey(p.AccessKeyID, p.AccessKeySecret, "").fetch(ctx)
	case "ststoken":
		if p.SecurityToken == "" {
			return Credentials{}, errors.New("there is no security token")
		}
		return key.fetch(ctx)
	case "ramrolearn":
		return assumeRole(key, p.AssumeRole, host).fetch(ctx)
	case "chainableramrolearn":
		base := fetcher{fetch: func(ctx context.Context) (Credentials, error) { return f.fetch(ctx, p.SourceProfile, via) }}
		return assumeRole(base, p.AssumeRole, host).fetch(ctx)
	case "ramrolearnwithrolename":
		return assumeRole(ecsRole(p.RoleName), p.AssumeRole, host).fetch(ctx)
	case "ecsramrole":
		return ecsRole(p.RoleName).fetch(ctx)
	case "oidc":
		return oidc(p.OIDC, host).fetch(ctx)
	case "cloudsso":
		return p.cloudSSO(ctx)
	case "oauth":
		return f.oauth(ctx, p)
	case "external", "credentialsuri":
		switch {
		case f.cfg.NoExternal != "":
			return Credentials{}, errors.New("profiles that run a command or ask a URI are switched off by " + f.cfg.NoExternal)
		case mode == "external":
			return external(ctx, p.ProcessCommand)
		}
		return credentialsURI(p.CredentialsURI).fetch(ctx)
	}
	return Credentials{}, fmt.Errorf("its mode %q isn't supported: AK, StsToken, RamRoleArn, ChainableRamRoleArn, EcsRamRole, "+
		"RamRoleArnWithRoleName, OIDC, CredentialsURI, CloudSSO, OAuth and External are", typeName(p.Mode))
}

// cloudSSO exchanges the access token of a sign-in.
func (p profile) cloudSSO(ctx context.Context) (Credentials, error) {
	if expires(p.AccessToken, p.AccessTokenExpire, 0) {
		return Credentials{}, p.signInNeeded()
	}
	signIn, err := parseURI(p.SignInURL)
	if err != nil {
		return Credentials{}, fmt.Errorf("cloud_sso_sign_in_url can't be used: %w", err)
	}
	if p.AccountID == "" || p.AccessConfig == "" {
		return Credentials{}, errors.New("cloud_sso_account_id or cloud_sso_access_config is empty")
	}
	body, _ := json.Marshal(map[string]string{"AccountId": p.AccountID, "AccessConfigurationId": p.AccessConfig})
	address := &url.URL{Scheme: signIn.Scheme, Host: signIn.Host, Path: "/cloud-credentials"}
	c, err := exchange(ctx, address, p.AccessToken, string(body))
	c.account = p.AccountID
	return c, err
}

// expires reports whether there is no token, or it expires soon.
func expires(token string, at int64, soon time.Duration) bool {
	return token == "" || time.Until(time.Unix(at, 0)) <= soon
}

func (p profile) signInNeeded() *Error {
	return &Error{Kind: Login, Err: fmt.Errorf("the sign-in of profile %s has expired or was never made", p.Name)}
}

// configure is the CLI's command that sets p up, or signs in again.
func (p profile) configure() string {
	args := []string{"aliyun", "configure"}
	if p.Mode != "" && typeName(p.Mode) == p.Mode {
		args = append(args, "--mode", p.Mode)
	}
	site := strings.ToUpper(p.OAuthSite)
	if _, known := oauthSites[site]; known && p.mode() == "oauth" {
		args = append(args, "--oauth-site-type", site)
	}
	return shellquote.Join(append(args, "--profile", p.Name)...)
}
