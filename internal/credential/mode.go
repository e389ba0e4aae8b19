package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kballard/go-shellquote"
)

// profile is an entry of the CLI's configuration file, or a section of the INI file.
//
// https://github.com/aliyun/aliyun-cli/blob/master/config/profile.go
type profile struct {
	Name string `json:"name"`
	Mode string `json:"mode"`

	AccessKey
	OIDC
	RoleName      string `json:"ram_role_name"`
	SourceProfile string `json:"source_profile"`
	RegionID      string `json:"region_id"`
	Endpoint      string `json:"endpoint"`
	EndpointType  string `json:"endpoint_type"`

	CredentialsURI string `json:"credentials_uri"`
	ProcessCommand string `json:"process_command"`

	SignInURL         string `json:"cloud_sso_sign_in_url"`
	AccountID         string `json:"cloud_sso_account_id"`
	AccessConfig      string `json:"cloud_sso_access_config"`
	AccessToken       string `json:"access_token"`
	AccessTokenExpire int64  `json:"cloud_sso_access_token_expire"`

	OAuthSite string `json:"oauth_site_type"`
	oauthTokens

	file cliFile  // where the profile is
	via  []string // the profiles that led to it by their source_profile
}

// completed returns p with the fields that it leaves empty.
func (p profile) completed(by Files) profile {
	for field, value := range map[*string]string{
		&p.RoleARN: by.Role.RoleARN, &p.SessionName: by.Role.SessionName, &p.ExternalID: by.Role.ExternalID,
		&p.ProviderARN: by.Role.ProviderARN, &p.CredentialsURI: by.URI,
	} {
		*field = cmp.Or(*field, value)
	}
	if p.OIDC.Token+p.TokenFile == "" {
		p.OIDC.Token, p.TokenFile = by.Role.Token, by.Role.TokenFile
	}
	return p
}

// mode is a way in which a profile gets credentials.
type mode struct {
	name     string // as the CLI writes it
	inferred bool   // whether the CLI infers it from the fields of a profile that names none
	fetch    func(context.Context, *fetcher) (Credentials, error)
	assumes  bool // whether these credentials are for assuming the profile's role
	external bool // whether it runs a command or requests a URI, which a variable switches off
}

// modes are the modes that are supported, in the order in which the CLI infers them.
func (p profile) modes() []mode {
	key, role := p.AccessKey, ECSRole{p.RoleName}
	hasKey := key.ID+key.Secret != ""
	hasOIDC := p.ProviderARN != "" && p.OIDC.Token+p.TokenFile != "" && p.RoleARN != ""
	return []mode{
		{"AK", hasKey && key.Token+p.RoleARN == "", AccessKey{ID: key.ID, Secret: key.Secret}.fetch, false, false},
		{"StsToken", hasKey && key.Token != "", key.fetch, false, false},
		{"RamRoleArn", hasKey, key.fetch, true, false},
		{"ChainableRamRoleArn", false, p.chained, true, false},
		{"EcsRamRole", p.RoleName != "", role.fetch, false, false},
		{"RamRoleArnWithRoleName", false, role.fetch, true, false},
		{"External", p.ProcessCommand != "", p.external, false, true},
		{"OIDC", hasOIDC, p.OIDC.fetch, false, false},
		{"CredentialsURI", false, URI{p.CredentialsURI}.fetch, false, true},
		{"CloudSSO", p.SignInURL != "", p.cloudSSO, false, false},
		{"OAuth", false, p.oauth, false, false},
	}
}

// mode returns p's mode. If p names none, that is the first one that the CLI infers, or else AK.
func (p profile) mode() (mode, error) {
	modes := p.modes()
	if p.Mode == "" {
		return modes[max(0, slices.IndexFunc(modes, func(m mode) bool { return m.inferred }))], nil
	}
	var names []string
	for _, m := range modes {
		if strings.EqualFold(m.name, p.Mode) {
			return m, nil
		}
		names = append(names, m.name)
	}
	return mode{}, fmt.Errorf("its mode %q isn't supported, only %s", typeName(p.Mode), strings.Join(names, ", "))
}

// unset reports whether p isn't set up: its mode needs an access key, and it has nothing of that.
// The CLI makes such a profile by itself.
func (p profile) unset() bool {
	m, _ := p.mode()
	ofKey := m.name == "AK" || m.name == "StsToken" || m.name == "RamRoleArn" && p.RoleARN == ""
	return ofKey && p.AccessKey == AccessKey{}
}

// fetch gets credentials in p's mode. An error names the command that sets p up, if that helps.
func (p profile) fetch(ctx context.Context, f *fetcher) (c Credentials, err error) {
	m, err := p.mode()
	switch off := p.file.from.NoExternal; {
	case err != nil:
	case off != "" && m.external:
		err = errors.New("profiles that run a command or request a URI are switched off by " + off)
	case m.name == "StsToken" && p.AccessKey.Token == "":
		err = errors.New("there is no security token")
	default:
		c, err = m.fetch(ctx, f)
	}
	if err == nil && m.assumes {
		c, err = p.assume(ctx, f, c)
	}
	if err == nil {
		return c, nil
	}
	failure, signIn := asError(err), m.name == "CloudSSO" || m.name == "OAuth"
	if signIn && (failure.Code == "expired_token" || failure.Code == "invalid_grant") { // the access or refresh token
		failure.Kind = Login
	}
	switch {
	case failure.Command != "", failure.Temporary(), errors.Is(err, errUnsaved), errors.Is(err, errExpired):
	case failure.Kind == Login, failure.Kind == Invalid && failure.Status == 0, signIn && failure.Status != 0:
		failure.Command = p.configure()
	}
	return c, failure
}

// chained gets the credentials of p's source_profile. The role that completes profiles is for the
// one in use, not for this one.
func (p profile) chained(ctx context.Context, f *fetcher) (Credentials, error) {
	source, err := p.file.find(p.SourceProfile)
	if err != nil {
		return Credentials{}, absent(false, err)
	}
	if source.via = append(p.via, p.Name); slices.Contains(source.via, source.Name) {
		cycle := strings.Join(append(source.via, source.Name), " → ")
		return Credentials{}, fmt.Errorf("source_profile has a cycle: %s", cycle)
	}
	return source.completed(Files{URI: p.file.from.URI}).fetch(ctx, f)
}

// configure returns the CLI's command that sets p up, or signs in again. It is empty if p's mode
// isn't supported, or if p is of an INI file, and has no name.
func (p profile) configure() string {
	m, err := p.mode()
	if err != nil || p.Name == "" {
		return ""
	}
	args := []string{"aliyun", "configure", "--mode", m.name}
	site := strings.ToUpper(p.OAuthSite)
	if _, known := oauthSites[site]; known && m.name == "OAuth" {
		args = append(args, "--oauth-site-type", site)
	}
	return shellquote.Join(append(args, "--profile", p.Name)...)
}
