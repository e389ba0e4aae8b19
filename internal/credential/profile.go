package credential

import (
	"bytes"
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

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/userfile"
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
	Endpoint      string `json:"endpoint"`
	EndpointType  string `json:"endpoint_type"`

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

// Profile is a profile of the CLI's file, or else a section of the INI file, as other tools look
// for it.
type Profile struct {
	Name string // empty means the current profile, or the section [default]
	// File is the only file to look into: the CLI's if it is a JSON object, else an INI file. Empty
	// means both of Files.
	File string
	Files
	off string // the variable that switches off the CLI's file
}

// Files names the files with profiles, and completes profiles.
type Files struct {
	// CLI and INI are the files. Empty means ~/.aliyun/config.json and ~/.alibabacloud/credentials.
	CLI, INI string
	// NoExternal is the variable that switches off profiles that run a command or request a URI.
	// Empty means that they are on.
	NoExternal string
	// Role and URI count if a profile leaves a field empty. Role's policy and expiration don't.
	Role OIDC
	URI  string
}

func (p Profile) path() string { return cmp.Or(p.File, p.CLI, "~/.aliyun/config.json") }

func (p Profile) String() string {
	if p.Name == "" {
		return "the current profile of " + p.path()
	}
	return "profile " + p.Name + " of " + p.path()
}

// Site returns where the profile sends requests.
func (p Profile) Site() Site {
	file, _ := p.read() // fetching credentials reports the error
	if used := file.find(file.Current); used != nil && !used.unset() {
		return Site{Region: used.RegionID, VPC: strings.EqualFold(used.EndpointType, "vpc"), sts: used.sts()}
	}
	return Site{}
}

func (p Profile) fetch(ctx context.Context, e *env) (Credentials, error) {
	switch {
	case p.File == "":
		nothing := newError(NotFound, errors.New("neither file has it"))
		return e.firstOf(ctx, nothing, cliProfile{p}, iniSection{p})
	case IsCLIFile(p.File):
		return e.get(ctx, cliProfile{p})
	}
	return e.get(ctx, iniSection{p})
}

// IsCLIFile reports whether the file at path, which may begin with ~, is the CLI's and not an INI
// file: a JSON object.
func IsCLIFile(path string) bool {
	content, err := userfile.Read(path)
	return err == nil && bytes.HasPrefix(bytes.TrimSpace(content), []byte("{"))
}

// read reads the CLI's file, which every fetch does, so that a new sign-in is seen.
func (p Profile) read() (cliFile, error) {
	if p.off != "" {
		return cliFile{}, absent(true, errors.New("switched off by "+p.off))
	}
	content, err := userfile.Read(p.path())
	if err != nil {
		return cliFile{}, fileError(err, p.File+p.CLI+p.Name == "")
	}
	file, err := parseCLIFile(content)
	file.Current = cmp.Or(p.Name, file.Current, "default")
	file.path, _ = userfile.ExpandHome(p.path()) // no error, because it was read
	file.from = p
	return file, err
}

// cliProfile is a profile of the CLI's file.
type cliProfile struct{ Profile }

func (p cliProfile) fetch(ctx context.Context, e *env) (Credentials, error) {
	file, err := p.read()
	if err != nil {
		return Credentials{}, err
	}
	file.env, p.Name = e, file.Current
	c, err := file.fetch(ctx, p.Name, nil)
	c.source = p.String()
	if err == nil && !e.ignored && file.find(p.Name).Endpoint != "" {
		e.ignored = true
		const text = "The profile's endpoint is ignored, because it is for every product: set endpoints.cas instead"
		e.Logger.InfoContext(ctx, text, "profile", p.Name)
	}
	return c, err
}

// cliFile is the CLI's configuration file.
type cliFile struct {
	Current  string    `json:"current"` // the name of the current profile
	Profiles []profile `json:"profiles"`

	path string
	from Profile
	env  *env
}

// parseCLIFile never quotes content: it holds secrets.
func parseCLIFile(content []byte) (cliFile, error) {
	var file cliFile
	if err := wrongType(json.Unmarshal(content, &file)); err != nil {
		return cliFile{}, fmt.Errorf("not the CLI's configuration: %w", err)
	}
	if len(file.Profiles) == 0 {
		return cliFile{}, absent(true, errors.New("it has no profiles"))
	}
	return file, nil
}

// UnmarshalJSON names the profile in an error.
func (p *profile) UnmarshalJSON(content []byte) error {
	type fields profile
	if err := wrongType(json.Unmarshal(content, (*fields)(p))); err != nil {
		return fmt.Errorf("profile %s: %w", cmp.Or(p.Name, "without a name"), err)
	}
	return nil
}

// wrongType names the field that has the wrong type as the file does.
func wrongType(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	field := wrong.Field[strings.LastIndex(wrong.Field, ".")+1:]
	return fmt.Errorf("%s has the wrong type", cmp.Or(field, "it"))
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
		return Credentials{}, absent(len(via) == 0, err)
	case f.from.Name == "" && len(via) == 0 && p.unset():
		return Credentials{}, absent(true, fmt.Errorf("profile %s has no access key", name))
	}
	by := f.from.Files
	if len(via) > 0 {
		by.Role = OIDC{} // it is for the profile in use
	}
	c, err := f.use(ctx, p.completed(by), append(via, name))
	if err == nil {
		return c, nil
	}
	e := asError(err)
	signIn := p.mode() == "cloudsso" || p.mode() == "oauth"
	switch {
	case e.Command != "", e.Temporary(), errors.Is(err, errUnsaved):
	case e.Kind == Login, e.Kind == Invalid && e.Status == 0, signIn && e.Status != 0:
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

// unset reports whether p isn't set up: its mode needs an access key, and it has nothing of that.
// The CLI makes such a profile by itself.
func (p profile) unset() bool {
	switch mode := p.mode(); mode {
	case "ak", "ststoken", "ramrolearn":
		return p.AccessKeyID+p.AccessKeySecret+p.SecurityToken == "" && (p.RoleARN == "" || mode != "ramrolearn")
	}
	return false
}

// modes are the modes that are supported.
var modes = []string{
	"AK", "StsToken", "RamRoleArn", "ChainableRamRoleArn", "EcsRamRole", "RamRoleArnWithRoleName", "OIDC",
	"CredentialsURI", "CloudSSO", "OAuth", "External",
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
	case p.ProviderARN != "" && p.Token+p.TokenFile != "" && p.RoleARN != "":
		return "oidc"
	case p.SignInURL != "":
		return "cloudsso"
	}
	return "ak"
}

// completed returns p with the fields that it leaves empty.
func (p profile) completed(by Files) profile {
	for field, value := range map[*string]string{
		&p.RoleARN: by.Role.RoleARN, &p.SessionName: by.Role.SessionName, &p.ExternalID: by.Role.ExternalID,
		&p.ProviderARN: by.Role.ProviderARN, &p.CredentialsURI: by.URI,
	} {
		*field = cmp.Or(*field, value)
	}
	if p.Token+p.TokenFile == "" {
		p.Token, p.TokenFile = by.Role.Token, by.Role.TokenFile
	}
	return p
}

// use gets credentials with the fields of p's mode; via are the profiles that led to p, and p.
func (f cliFile) use(ctx context.Context, p profile, via []string) (c Credentials, err error) {
	key, mode := AccessKey{p.AccessKeyID, p.AccessKeySecret, p.SecurityToken}, p.mode()
	if f.from.NoExternal != "" && (mode == "external" || mode == "credentialsuri") {
		return c, errors.New("profiles that run a command or request a URI are switched off by " + f.from.NoExternal)
	}
	p.at = p.sts()
	switch mode {
	case "ak":
		key.Token = ""
		return key.fetch(ctx, f.env)
	case "ststoken":
		if p.SecurityToken == "" {
			return c, errors.New("there is no security token")
		}
		return key.fetch(ctx, f.env)
	case "ecsramrole":
		return ECSRole{p.RoleName}.fetch(ctx, f.env)
	case "oidc":
		role := p.OIDC
		return role.fetch(ctx, f.env)
	case "cloudsso":
		return p.cloudSSO(ctx, f.env)
	case "oauth":
		return f.oauth(ctx, p)
	case "external":
		return external(ctx, p.ProcessCommand)
	case "credentialsuri":
		return URI{p.CredentialsURI}.fetch(ctx, f.env)
	case "ramrolearn":
		c, err = key.fetch(ctx, f.env)
	case "ramrolearnwithrolename":
		c, err = ECSRole{p.RoleName}.fetch(ctx, f.env)
	case "chainableramrolearn":
		c, err = f.fetch(ctx, p.SourceProfile, via)
	default:
		return c, fmt.Errorf("its mode %q isn't supported, only %s", typeName(p.Mode), strings.Join(modes, ", "))
	}
	if err != nil {
		return c, err
	}
	return p.assume(ctx, f.env, c)
}

// cloudSSO exchanges the access token of a sign-in.
func (p profile) cloudSSO(ctx context.Context, e *env) (Credentials, error) {
	signIn, err := parseURI(p.SignInURL)
	switch {
	case expired(p.AccessToken, p.AccessTokenExpire):
		return Credentials{}, p.signInNeeded()
	case err != nil:
		return Credentials{}, fmt.Errorf("cloud_sso_sign_in_url can't be used: %w", err)
	case p.AccountID == "" || p.AccessConfig == "":
		return Credentials{}, errors.New("cloud_sso_account_id or cloud_sso_access_config is empty")
	}
	body, _ := json.Marshal(map[string]string{"AccountId": p.AccountID, "AccessConfigurationId": p.AccessConfig})
	address := &url.URL{Scheme: signIn.Scheme, Host: signIn.Host, Path: "/cloud-credentials"}
	c, err := e.exchange(ctx, address, p.AccessToken, string(body))
	c.account = p.AccountID
	return c, err
}

// expired reports whether there is no token, or it has expired by this machine's clock.
func expired(token string, at int64) bool { return token == "" || time.Until(time.Unix(at, 0)) <= 0 }

func (p profile) signInNeeded() *Error {
	return newError(Login, fmt.Errorf("the sign-in of profile %s has expired or was never made", p.Name))
}

// configure returns the CLI's command that sets p up, or signs in again. It is empty if that
// wouldn't help, because p's mode isn't supported.
func (p profile) configure() string {
	args := []string{"aliyun", "configure"}
	if p.Mode != "" {
		if !slices.ContainsFunc(modes, func(mode string) bool { return strings.EqualFold(mode, p.Mode) }) {
			return ""
		}
		args = append(args, "--mode", p.Mode)
	}
	site := strings.ToUpper(p.OAuthSite)
	if _, known := oauthSites[site]; known && p.mode() == "oauth" {
		args = append(args, "--oauth-site-type", site)
	}
	return shellquote.Join(append(args, "--profile", p.Name)...)
}
