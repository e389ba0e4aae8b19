package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// The library reads the CLI's file too, but quotes it whole when it is malformed, follows source_profile round a cycle
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

	RoleARN       string `json:"ram_role_arn"`
	RoleName      string `json:"ram_role_name"`
	SessionName   string `json:"ram_session_name"`
	Expiration    int    `json:"expired_seconds"`
	Policy        string `json:"policy"`
	ExternalID    string `json:"external_id"`
	SourceProfile string `json:"source_profile"`
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

// cliProfile is a profile of the CLI's file at path, read anew for every fetch so that a new sign-in is seen. An empty name
// is the file's current profile.
func cliProfile(path, name string, cfg Config) fetcher {
	shown := path
	if path == "" {
		path = os.Getenv("ALIBABA_CLOUD_CONFIG_FILE")
		shown = path
	}
	if path == "" {
		shown = "~/.aliyun/config.json"
		path = shown
	}
	title := func(name string) string { return "profile " + name + " of " + shown }
	o := fetcher{source: title(name)}
	if name == "" {
		o.source = "the current profile of " + shown
	}
	o.fetch = func(ctx context.Context) (Credentials, error) {
		file, err := readCLIFile(path)
		if err != nil {
			return Credentials{}, err
		}
		file.cfg = cfg
		chosen := name
		if chosen == "" {
			chosen = file.Current
		}
		inner, err := file.fetcher(chosen, nil)
		if err != nil {
			return Credentials{}, err
		}
		c, err := inner.fetch(ctx)
		c.source = title(chosen)
		return c, err
	}
	return o
}

func readCLIFile(path string) (cliFile, error) {
	path, err := ExpandHome(path)
	if err != nil {
		return cliFile{}, unused(err)
	}
	content, err := readBounded(path)
	if err != nil {
		return cliFile{}, &Error{Kind: fileKind(err), Err: err, unused: errors.Is(err, os.ErrNotExist)}
	}
	return parseCLIFile(path, content)
}

// parseCLIFile never quotes content: it holds secrets.
func parseCLIFile(path string, content []byte) (cliFile, error) {
	file := cliFile{path: path}
	err := json.Unmarshal(content, &file)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%s has the wrong type", wrong.Field)
	}
	if err != nil {
		return cliFile{}, &Error{Kind: Invalid, Err: fmt.Errorf("read %s: not the CLI's configuration: %w", path, err)}
	}
	if len(file.Profiles) == 0 {
		return cliFile{}, unused(fmt.Errorf("%s has no profiles", path))
	}
	return file, nil
}

// fetcher is how the profile called name gets credentials; via are the profiles that led to it.
func (f cliFile) fetcher(name string, via []string) (fetcher, error) {
	if slices.Contains(via, name) {
		return fetcher{}, &Error{Kind: Invalid, Err: fmt.Errorf("source_profile goes round in a circle: %s",
			strings.Join(append(via, name), " → "))}
	}
	found := f.find(name)
	if found == nil {
		return fetcher{}, &Error{Kind: NotFound, Err: fmt.Errorf("%s has no profile %q, only %s", f.path, name, f.names())}
	}
	p := *found
	o, err := f.mode(p, append(via, name))
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return fetcher{}, e
		}
		return fetcher{}, &Error{Kind: Invalid, Err: fmt.Errorf("profile %s: %w", name, err), Command: p.configure()}
	}
	return o, nil
}

func (f cliFile) find(name string) *profile {
	for i, p := range f.Profiles {
		if p.Name == name {
			return &f.Profiles[i]
		}
	}
	return nil
}

func (f cliFile) mode(p profile, via []string) (fetcher, error) {
	at := sts{endpoint: f.cfg.STSEndpoint, region: p.STSRegion, vpc: p.EnableVPC}
	switch strings.ToLower(p.Mode) {
	case "ak":
		return accessKey(p.AccessKeyID, p.AccessKeySecret, "")
	case "ststoken":
		if p.SecurityToken == "" {
			return fetcher{}, errors.New("sts_token is empty")
		}
		return accessKey(p.AccessKeyID, p.AccessKeySecret, p.SecurityToken)
	case "ramrolearn":
		base, err := accessKey(p.AccessKeyID, p.AccessKeySecret, "")
		return p.assume(base, err, at)
	case "chainableramrolearn":
		base, err := f.fetcher(p.SourceProfile, via)
		return p.assume(base, err, at)
	case "ramrolearnwithrolename":
		return p.assume(ecsRole(p.RoleName), nil, at)
	case "ecsramrole":
		return ecsRole(p.RoleName), nil
	case "oidc":
		return oidc(OIDC{
			ProviderARN: p.OIDCProviderARN, RoleARN: p.RoleARN, Token: p.OIDCToken, TokenFile: p.OIDCTokenFile,
			SessionName: p.SessionName, Policy: p.Policy, Expiration: p.Expiration,
		}, at)
	case "credentialsuri":
		return credentialsURI(p.CredentialsURI)
	case "external":
		return external(p.ProcessCommand)
	case "cloudsso":
		return p.cloudSSO(), nil
	case "oauth":
		return f.oauth(p), nil
	}
	return fetcher{}, fmt.Errorf("its mode %q isn't supported: AK, StsToken, RamRoleArn, ChainableRamRoleArn, EcsRamRole, "+
		"RamRoleArnWithRoleName, OIDC, CredentialsURI, CloudSSO, OAuth and External are", p.Mode)
}

func (p profile) assume(base fetcher, err error, at sts) (fetcher, error) {
	if err != nil {
		return fetcher{}, err
	}
	if err := checkRole(p.RoleARN, p.Expiration); err != nil {
		return fetcher{}, err
	}
	return assumeRole(base, AssumeRole{
		RoleARN: p.RoleARN, SessionName: p.SessionName, Policy: p.Policy, ExternalID: p.ExternalID, Expiration: p.Expiration,
	}, at), nil
}

func (p profile) cloudSSO() fetcher {
	return fetcher{fetch: func(ctx context.Context) (Credentials, error) {
		if p.AccessToken == "" || p.AccessTokenExpire <= time.Now().Unix() {
			return Credentials{}, &Error{Kind: Login, Command: p.configure(),
				Err: fmt.Errorf("the CloudSSO sign-in of profile %s has expired or was never made", p.Name)}
		}
		if err := CheckURI(p.SignInURL); err != nil {
			return Credentials{}, &Error{Kind: Invalid, Command: p.configure(), Err: fmt.Errorf("cloud_sso_sign_in_url can't be used: %w", err)}
		}
		options := patience
		provider, err := providers.NewCloudSSOCredentialsProviderBuilder().
			WithSignInUrl(p.SignInURL).
			WithAccountId(p.AccountID).
			WithAccessConfig(p.AccessConfig).
			WithAccessToken(p.AccessToken).
			WithAccessTokenExpire(p.AccessTokenExpire).
			WithHttpOptions(&options).
			Build()
		if err != nil {
			return Credentials{}, &Error{Kind: Invalid, Command: p.configure(), Err: errors.New("the account or the access configuration is empty")}
		}
		c, err := ask(ctx, provider, newScrubber(p.AccessToken))
		c.account = p.AccountID
		return c, p.suggestLogin(err)
	}}
}

// suggestLogin adds how to sign in again to an error that came from an answer.
func (p profile) suggestLogin(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Unavailable {
		e.Command = p.configure()
	}
	return err
}

// configure is the CLI's command that sets p up, or signs in again.
func (p profile) configure() string {
	command := "aliyun configure"
	if p.Mode != "" {
		command += " --mode " + p.Mode
	}
	if strings.EqualFold(p.Mode, "OAuth") && p.OAuthSite != "" {
		command += " --oauth-site-type " + p.OAuthSite
	}
	name := p.Name
	if strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_.@-", r)
	}) {
		name = strconv.Quote(name)
	}
	return command + " --profile " + name
}

func (f cliFile) names() string {
	names := make([]string, len(f.Profiles))
	for i, p := range f.Profiles {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}
