package provider

import (
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// sources are the sources of credentials in the order in which they count, each with the settings that name it.
var sources = [][]string{
	{"access_key", "secret_key", "security_token"},
	{"assume_role_with_oidc"},
	{"profile", "shared_credentials_file"},
	{"ecs_role_name"},
	{"credentials_uri"},
}

// credentials selects the source of credentials: the one that the block names, else the one that the environment names,
// else the default chain. A source in the block is never completed with one in the environment.
func (r *resolver) credentials() credential.Config {
	named, switchedOff := r.namedByBlock(), r.switchedBy(noProfileVariable)
	if !named.given() {
		named = r.namedByEnvironment(switchedOff != "")
	}
	c := credential.Config{
		SetBy:       named.source(),
		CLIFile:     r.getenv(cliFileVariable),
		NoExternal:  r.switchedBy(noExternalVariable),
		STSEndpoint: r.text("endpoints.sts"),
		STSRegion:   r.getenv(stsRegionVariable),
		STSVPC:      r.switchedBy(stsVPCVariable) != "",
	}
	if endpoint, err := cas.ParseEndpoint(c.STSEndpoint); err == nil {
		c.STSEndpoint = endpoint.Host
	}
	if file := r.getenv(sharedFileVariable); file != "" && !credential.IsCLIFile(file) {
		c.INIFile = file
	}
	switch named.name {
	case "access_key", "secret_key", "security_token":
		r.useKeys(&c, named)
	case "assume_role_with_oidc", "assume_role_with_oidc.oidc_provider_arn":
		c.OIDC = r.oidc()
	case "profile", "shared_credentials_file":
		c.Profile, c.SharedCredentialsFile = r.text("profile"), r.text("shared_credentials_file")
	case "ecs_role_name":
		c.ECSRoleName = r.text("ecs_role_name")
	case "credentials_uri":
		c.CredentialsURI = r.text("credentials_uri")
	default:
		if c.NoCLIFile = switchedOff; switchedOff != "" {
			c.Profile = r.text("profile") // it names the section of the INI file
		}
	}
	c.AssumeRole = r.assumeRole(c.OIDC != nil)
	return c
}

// namedByBlock returns the setting by which the provider block names a source. What is set for certain counts before what is
// unknown, and only it conflicts, because the variables of a root module are unknown while Terraform validates it.
func (r *resolver) namedByBlock() value {
	var named, possible value
	for _, names := range sources {
		for _, name := range names {
			v := r.inBlock(name)
			if v.unknown && !possible.unknown {
				possible = v
			}
			if !v.set() {
				continue
			}
			if named.set() {
				r.refuse(v, "Conflicting sources of credentials", fmt.Sprintf("%s and %s are both set in the provider block, "+
					"and each is a source of credentials of its own. Keep one of them.", named, v))
			} else {
				named = v
			}
			break
		}
	}
	if named.set() {
		return named
	}
	return possible
}

// namedByEnvironment returns the setting by which the environment names a source.
func (r *resolver) namedByEnvironment(noProfile bool) value {
	for _, names := range sources {
		for _, family := range families {
			for _, name := range names {
				switch {
				case name == "assume_role_with_oidc":
					name += ".oidc_provider_arn" // a token may be one that a CI system sets for another purpose
				case noProfile && names[0] == "profile":
					continue
				}
				if v := r.ofEnvironment(name, family); v.set() {
					return v
				}
			}
		}
	}
	return value{}
}

// useKeys takes all keys from where one of them is named: the provider block, or one family of variables.
func (r *resolver) useKeys(c *credential.Config, named value) {
	var keys [3]value
	for i, name := range sources[0] {
		if named.variable == "" {
			keys[i] = r.inBlock(name)
		} else {
			keys[i] = r.ofEnvironment(name, familyOf(named.variable))
		}
	}
	id, secret, token := keys[0], keys[1], keys[2]
	switch {
	case id.given() && secret.given():
	case secret.set(), !id.given() && !secret.given() && token.set():
		r.refuse(id, "Missing Alibaba Cloud access key", halfPair(named, id))
	case id.set():
		r.refuse(secret, "Missing Alibaba Cloud secret key", halfPair(named, secret))
	}
	c.AccessKeyID, c.AccessKeySecret, c.SecurityToken = r.use(id), r.use(secret), r.use(token)
}

// halfPair explains that one key of a pair is set and the other one is missing.
func halfPair(set, missing value) string {
	if set.variable == "" {
		return fmt.Sprintf("%s is set, but %s is not. Both are needed to sign requests. A key pair in the provider block is never completed "+
			"from the environment, so %s doesn't count: set %s in the block, or take the whole pair from the environment.",
			set, missing.name, missing.variables[0], missing.name)
	}
	isPartner := func(variable string) bool { return familyOf(variable) == familyOf(set.variable) }
	partner := missing.variables[slices.IndexFunc(missing.variables, isPartner)]
	return fmt.Sprintf("%s is set, but %s is not. Both are needed to sign requests. Set %s as well, or unset %s.", set, partner, partner, set)
}

// oidc returns the role to assume with a token. The environment completes the block, but a token or a file in the block keeps
// it from adding either.
func (r *resolver) oidc() *credential.OIDC {
	const at = "assume_role_with_oidc."
	if object, _ := r.block["assume_role_with_oidc"].(types.Object); object.IsUnknown() {
		return &credential.OIDC{}
	}
	provider, role := r.read(at+"oidc_provider_arn"), r.read(at+"role_arn")
	token, file := r.inBlock(at+"oidc_token"), r.inBlock(at+"oidc_token_file")
	if token.set() && file.set() {
		r.refuse(file, "Conflicting OIDC tokens", fmt.Sprintf("%s and %s are both set. Keep one of them.", token, file))
	}
	if !token.given() && !file.given() {
		if token = r.orVariable(token, ""); !token.set() {
			file = r.orVariable(file, "")
		}
	}
	if r.missing(provider) {
		r.refuse(provider, "Missing OIDC provider ARN", notSet(provider, provider.variables...))
	}
	if r.missing(role) {
		r.refuse(role, "Missing role ARN", notSet(role, role.variables...))
	}
	if r.missing(token) && r.missing(file) {
		r.refuse(file, "Missing OIDC token", notSet(file, append(file.variables, token.variables...)...))
	}
	return &credential.OIDC{
		ProviderARN: r.use(provider), RoleARN: r.use(role), Token: r.use(token), TokenFile: r.use(file),
		SessionName: r.text(at + "role_session_name"), Policy: r.text(at + "policy"), Expiration: r.number(at + "session_expiration"),
	}
}

// assumeRole returns the role to assume with the credentials, or nil where there is no block for it. The environment completes
// the block.
func (r *resolver) assumeRole(oidc bool) *credential.AssumeRole {
	const at = "assume_role."
	if !r.inBlock("assume_role").set() {
		return nil
	}
	role := r.inBlock(at + "role_arn")
	if oidc || r.ofEnvironment("assume_role_with_oidc.oidc_provider_arn", "").set() {
		role.variables = role.variables[len(role.variables)-1:] // the other variables name the role of OIDC
	}
	if role = r.orVariable(role, ""); !role.given() {
		block, _ := r.block["assume_role"].(types.Object)
		if block.Attributes()["role_arn"].IsNull() && r.missing(role) {
			r.refuse(role, "Missing role ARN", notSet(role, role.variables...)+" To assume no role, leave the block out, or set role_arn to \"\".")
		}
		return nil
	}
	return &credential.AssumeRole{
		RoleARN: r.use(role), SessionName: r.text(at + "session_name"), Policy: r.text(at + "policy"),
		ExternalID: r.text(at + "external_id"), Expiration: r.number(at + "session_expiration"),
	}
}
