package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// Environment variables of the credential arguments, the one that is preferred first.
var (
	profileVariables     = []string{"ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE"}
	profileFileVariables = []string{"ALICLOUD_SHARED_CREDENTIALS_FILE"}
	ecsRoleVariables     = []string{"ALICLOUD_ECS_ROLE_NAME", "ALIBABA_CLOUD_ECS_METADATA"}
	uriVariables         = []string{"ALIBABA_CLOUD_CREDENTIALS_URI", "ALICLOUD_CREDENTIALS_URI"}
	sessionNameVariables = []string{"ALIBABA_CLOUD_ROLE_SESSION_NAME"}
	assumedRoleVariables = []string{roleVariable, "ALICLOUD_ASSUME_ROLE_ARN"}

	// keyFamilies are access key ID, secret and token, which are never mixed across families.
	keyFamilies = [][3]string{
		{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"},
		{"ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "ALICLOUD_SECURITY_TOKEN"},
	}
)

const (
	roleVariable         = "ALIBABA_CLOUD_ROLE_ARN"
	oidcProviderVariable = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
	oidcTokenVariable    = "ALIBABA_CLOUD_OIDC_TOKEN"
	oidcFileVariable     = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
)

type assumeRoleModel struct {
	RoleARN           types.String `tfsdk:"role_arn"`
	SessionName       types.String `tfsdk:"session_name"`
	Policy            types.String `tfsdk:"policy"`
	SessionExpiration types.Number `tfsdk:"session_expiration"`
	ExternalID        types.String `tfsdk:"external_id"`
}

type oidcModel struct {
	ProviderARN       types.String `tfsdk:"oidc_provider_arn"`
	TokenFile         types.String `tfsdk:"oidc_token_file"`
	Token             types.String `tfsdk:"oidc_token"`
	RoleARN           types.String `tfsdk:"role_arn"`
	RoleSessionName   types.String `tfsdk:"role_session_name"`
	Policy            types.String `tfsdk:"policy"`
	SessionExpiration types.Number `tfsdk:"session_expiration"`
}

// candidate is a source that the provider block or the environment names, and by which of its settings.
type candidate struct {
	named setting
	set   bool // for certain; else what names it is unknown, and may turn out to be null
	use   func(*resolver, *credential.Config)
}

// credentials decides where credentials come from: the source that the block names, else the one that the environment
// names, else the default chain. The two are never mixed.
func (r *resolver) credentials(ctx context.Context, m providerModel) credential.Config {
	config := credential.Config{}
	block := r.blockSources(ctx, m)
	// Variables of the root module are unknown while it is validated: only what is set for certain conflicts.
	if set := slices.DeleteFunc(slices.Clone(block), func(c candidate) bool { return !c.set }); len(set) > 0 {
		for _, other := range set[1:] {
			r.refuse(other.named, "Conflicting sources of credentials", fmt.Sprintf(
				"%s and %s are both set in the provider block, and each is a source of credentials of its own. Keep one of them.", set[0].named, other.named))
		}
		block = set
	}
	chosen := block
	if len(chosen) == 0 {
		chosen = r.environmentSources()
	}
	if len(chosen) > 0 {
		chosen[0].use(r, &config)
		config.SetBy = chosen[0].named.source()
	}
	config.AssumeRole = r.assumeRole(ctx, m, len(block) > 0)
	return config
}

// blockSources are the sources that the provider block names, or may turn out to name.
func (r *resolver) blockSources(ctx context.Context, m providerModel) []candidate {
	root := path.Root
	keys := [3]setting{
		r.inBlock(root("access_key"), m.AccessKey, keyFamilies[0][0]),
		r.inBlock(root("secret_key"), m.SecretKey, keyFamilies[0][1]),
		r.inBlock(root("security_token"), m.SecurityToken, keyFamilies[0][2]),
	}
	profile := r.inBlock(root("profile"), m.Profile, profileVariables...)
	file := r.inBlock(root("shared_credentials_file"), m.SharedCredentialsFile, profileFileVariables...)
	uri := r.inBlock(root("credentials_uri"), m.CredentialsURI, uriVariables...)
	role := r.inBlock(root("ecs_role_name"), m.ECSRoleName, ecsRoleVariables...)

	var sources []candidate
	add := func(use func(*resolver, *credential.Config), settings ...setting) {
		// What is set for certain names the source, rather than what is unknown.
		for _, isNamed := range []func(setting) bool{setting.set, setting.given} {
			if i := slices.IndexFunc(settings, isNamed); i >= 0 {
				sources = append(sources, candidate{settings[i], settings[i].set(), use})
				return
			}
		}
	}
	add(func(r *resolver, c *credential.Config) { r.useKeys(c, keys, keyFamilies[0]) }, keys[:]...)
	add(func(r *resolver, c *credential.Config) {
		c.Profile = r.orVariable(profile, profileVariables...).value
		c.SharedCredentialsFile = r.orVariable(file, profileFileVariables...).value
	}, profile, file)
	add(func(r *resolver, c *credential.Config) { r.useURI(c, uri) }, uri)
	add(func(r *resolver, c *credential.Config) { r.useECSRole(c, role) }, role)
	if at := root("assume_role_with_oidc"); !m.OIDC.IsNull() {
		var oidc oidcModel
		known := r.block(ctx, at, m.OIDC, &oidc)
		sources = append(sources, candidate{setting{path: at}, known, func(r *resolver, c *credential.Config) {
			if known {
				c.OIDC = r.oidcBlock(at, oidc)
			}
		}})
	}
	return sources
}

// environmentSources are the sources that the environment names, in order.
func (r *resolver) environmentSources() []candidate {
	var sources []candidate
	for _, family := range keyFamilies {
		var keys [3]setting
		for i, variable := range family {
			keys[i] = r.variable(path.Root([]string{"access_key", "secret_key", "security_token"}[i]), variable)
		}
		for _, s := range keys {
			if s.given() {
				sources = append(sources, candidate{s, true, func(r *resolver, c *credential.Config) { r.useKeys(c, keys, family) }})
				break
			}
		}
	}
	if s := r.oidcVariable(); s.given() {
		sources = append(sources, candidate{s, true, func(r *resolver, c *credential.Config) {
			c.OIDC = r.oidcBlock(path.Root("assume_role_with_oidc"), oidcModel{})
		}})
	}
	profile := r.variable(path.Root("profile"), profileVariables...)
	file := r.variable(path.Root("shared_credentials_file"), profileFileVariables...)
	useProfile := func(_ *resolver, c *credential.Config) {
		c.Profile, c.SharedCredentialsFile = profile.value, file.value
	}
	role := r.variable(path.Root("ecs_role_name"), ecsRoleVariables...)
	uri := r.variable(path.Root("credentials_uri"), uriVariables...)
	for _, c := range []candidate{
		{profile, true, useProfile},
		{file, true, useProfile},
		{role, true, func(r *resolver, c *credential.Config) { r.useECSRole(c, role) }},
		{uri, true, func(r *resolver, c *credential.Config) { r.useURI(c, uri) }},
	} {
		if c.named.given() {
			sources = append(sources, c)
		}
	}
	return sources
}

func (r *resolver) useKeys(c *credential.Config, keys [3]setting, variables [3]string) {
	id, secret, token := keys[0], keys[1], keys[2]
	for _, s := range keys {
		r.checkSecret(s)
	}
	for i, missing := range []setting{id, secret} {
		if missing.given() {
			continue
		}
		partner := [2]setting{secret, id}[i]
		if !partner.set() {
			partner = token
		}
		if !partner.set() {
			continue // unknown, and may turn out to be null as well
		}
		inBlock := partner.env == ""
		name, instead := missing.path.String(), variables[i]
		if !inBlock {
			name, instead = variables[i], ""
		}
		r.refuse(missing, "Missing Alibaba Cloud "+[2]string{"access key", "secret key"}[i], halfPair(partner.String(), name, instead))
		if !secret.given() && !id.given() {
			break // a token alone: one problem
		}
	}
	c.AccessKeyID, c.AccessKeySecret, c.SecurityToken = id.value, secret.value, token.value
}

// halfPair says why a key that is set in the block isn't completed from the environment.
func halfPair(set, missing, variable string) string {
	why := fmt.Sprintf("%s is set, but %s is not. Both are needed to sign requests.", set, missing)
	if variable == "" {
		return why + fmt.Sprintf(" Set %s as well, or unset %s.", missing, set)
	}
	return why + fmt.Sprintf(" What the provider block says is never completed from the environment, so %s doesn't count: set %s in the block, "+
		"or take the whole pair from the environment.", variable, missing)
}

func (r *resolver) useURI(c *credential.Config, uri setting) {
	if err := credential.CheckURI(uri.value); uri.value != "" && err != nil {
		r.refuse(uri, "Invalid credentials URI", fmt.Sprintf("%s is %q, which can't be used: %s. Use an https URL, or http for a server on this machine "+
			"or its own link, such as \"http://127.0.0.1:6666/credentials\".", uri, publicPart(uri.value), err))
	}
	c.CredentialsURI = uri.value
}

func (r *resolver) useECSRole(c *credential.Config, role setting) {
	r.match(role, roleName, "Invalid ECS role name",
		"the name of a RAM role: at most 64 letters, digits, periods, underscores and hyphens. Use the name, not the ARN")
	c.ECSRoleName = role.value
}

// oidcBlock completes the block from the environment. A token or file that the block names stands for both.
func (r *resolver) oidcBlock(at path.Path, m oidcModel) *credential.OIDC {
	provider := r.lookup(at.AtName("oidc_provider_arn"), m.ProviderARN, oidcProviderVariable)
	role := r.lookup(at.AtName("role_arn"), m.RoleARN, roleVariable)
	token := r.inBlock(at.AtName("oidc_token"), m.Token, oidcTokenVariable)
	file := r.inBlock(at.AtName("oidc_token_file"), m.TokenFile, oidcFileVariable)
	if !token.given() && !file.given() {
		if token = r.orVariable(token, oidcTokenVariable); !token.given() {
			file = r.orVariable(file, oidcFileVariable)
		}
	} else if token.set() && file.set() {
		r.refuse(file, "Conflicting OIDC tokens", fmt.Sprintf("%s and %s are both set. Keep one of them.", token, file))
	}
	r.require(provider, "OIDC provider ARN", oidcProviderVariable)
	r.require(role, "role ARN", roleVariable)
	if !token.given() && !file.given() {
		r.require(file, "OIDC token", oidcFileVariable, oidcTokenVariable)
	}
	r.match(provider, oidcProviderARN, "Invalid OIDC provider ARN", "an ARN such as \"acs:ram::1234567890123456:oidc-provider/ci\"")
	r.checkSecret(token)
	r.checkTokenFile(file)
	return &credential.OIDC{
		ProviderARN: provider.value,
		RoleARN:     r.roleARN(role),
		Token:       token.value,
		TokenFile:   file.value,
		SessionName: r.sessionName(r.lookup(at.AtName("role_session_name"), m.RoleSessionName, sessionNameVariables...)),
		Policy:      r.policy(r.lookup(at.AtName("policy"), m.Policy)),
		Expiration:  r.expiration(r.lookup(at.AtName("session_expiration"), m.SessionExpiration)),
	}
}

// assumeRole is the role to assume with the credentials, if any. One that only the environment names isn't assumed with
// credentials that the block names.
func (r *resolver) assumeRole(ctx context.Context, m providerModel, fromBlock bool) *credential.AssumeRole {
	at := path.Root("assume_role")
	inBlock := !m.AssumeRole.IsNull()
	if !inBlock && fromBlock {
		return nil
	}
	var block assumeRoleModel
	if inBlock && !r.block(ctx, at, m.AssumeRole, &block) {
		return nil
	}
	variables := assumedRoleVariables
	if r.oidcVariable().given() {
		variables = variables[1:] // the first is the role of OIDC then
	}
	role := r.lookup(at.AtName("role_arn"), block.RoleARN, variables...)
	if !role.given() {
		// As in aliyun/alicloud, an empty string is for not assuming a role where the environment names none either.
		if inBlock && block.RoleARN.IsNull() {
			r.require(role, "role ARN", variables...)
		}
		return nil
	}
	externalID := r.lookup(at.AtName("external_id"), block.ExternalID)
	r.match(externalID, externalIDs, "Invalid external ID", "an external ID: 2 to 1224 letters, digits and the characters + = , . @ : / _ -")
	return &credential.AssumeRole{
		RoleARN:     r.roleARN(role),
		SessionName: r.sessionName(r.lookup(at.AtName("session_name"), block.SessionName, sessionNameVariables...)),
		Policy:      r.policy(r.lookup(at.AtName("policy"), block.Policy)),
		ExternalID:  externalID.value,
		Expiration:  r.expiration(r.lookup(at.AtName("session_expiration"), block.SessionExpiration)),
	}
}

// oidcVariable is the variable, if any, that says that the environment is set up for OIDC.
func (r *resolver) oidcVariable() setting {
	return r.variable(path.Root("assume_role_with_oidc"), oidcProviderVariable, oidcFileVariable, oidcTokenVariable)
}

// variable is the first of the variables that isn't empty, for the argument at.
func (r *resolver) variable(at path.Path, variables ...string) setting {
	return r.orVariable(setting{path: at}, variables...)
}

// block reads a nested block. It returns false where the whole of it is unknown.
func (r *resolver) block(ctx context.Context, at path.Path, value types.Object, target any) bool {
	if r.inBlock(at, value).unknown {
		return false
	}
	if !value.IsNull() {
		r.diags.Append(value.As(ctx, target, basetypes.ObjectAsOptions{})...)
	}
	return true
}

// require refuses a setting that isn't set. There is no saying so before the environment is looked at.
func (r *resolver) require(s setting, what string, variables ...string) {
	if s.given() || r.validating {
		return
	}
	empty := variables[0] + " is"
	if len(variables) > 1 {
		empty = strings.Join(variables, " and ") + " are both"
	}
	r.refuse(s, "Missing "+what, fmt.Sprintf("%s is not set, and %s empty. Set one of them.", s.path, empty))
}

// secrets are those that the configuration itself holds.
func secrets(c credential.Config) []string {
	known := []string{c.AccessKeySecret, c.SecurityToken}
	if c.OIDC != nil {
		known = append(known, c.OIDC.Token)
	}
	return known
}
