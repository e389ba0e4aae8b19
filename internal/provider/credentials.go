package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// sources are the sources of credentials in the order in which they count, each with the settings that name it.
var sources = [][]string{
	{"access_key", "secret_key", "security_token"},
	{"assume_role_with_oidc", "assume_role_with_oidc.oidc_provider_arn"}, // no token: a CI system may set one for another purpose
	{"profile", "shared_credentials_file"},
	{"ecs_role_name"},
	{"credentials_uri"},
}

// credentials selects the source of credentials: the one that the block names, else the one that the environment names,
// else the default chain. A source in the block is never completed with one in the environment.
func (r *resolver) credentials() credential.Config {
	named, in := r.namedByBlock(), r.inBlock
	switchedOff := r.switchedBy(noProfileVariable)
	if !named.set() {
		named, in = r.namedByEnvironment(switchedOff != "")
	}
	c := credential.Config{
		SetBy:       named.variable,
		CLIFile:     r.getenv(cliFileVariable),
		NoExternal:  r.switchedBy(noExternalVariable),
		STSEndpoint: r.text("endpoints.sts"),
		STSRegion:   r.getenv(stsRegionVariable),
		STSVPC:      r.switchedBy(stsVPCVariable) != "",
	}
	if named.set() && named.variable == "" {
		c.SetBy = named.name + " in the provider block"
	}
	if endpoint, err := cas.ParseEndpoint(c.STSEndpoint); err == nil {
		c.STSEndpoint = endpoint.Host
	}
	if file := r.getenv(sharedFileVariable); file != "" && !credential.IsCLIFile(file) {
		c.INIFile = file
	}
	switch named.name {
	case "access_key", "secret_key", "security_token":
		r.useKeys(&c, named, in)
	case "assume_role_with_oidc", "assume_role_with_oidc.oidc_provider_arn":
		c.OIDC = r.oidc()
	case "profile", "shared_credentials_file":
		c.Profile, c.SharedCredentialsFile = r.text("profile"), r.text("shared_credentials_file")
	case "ecs_role_name":
		c.ECSRoleName = r.text("ecs_role_name")
	case "credentials_uri":
		c.CredentialsURI = r.text("credentials_uri")
	default:
		c.NoCLIFile = switchedOff
		c.Profile = r.text("profile") // if the CLI's file is switched off, this is a section of the INI file
	}
	c.AssumeRole = r.assumeRole(c.OIDC != nil)
	return c
}

// namedByBlock returns the setting by which the provider block names a source. What is unknown neither names one nor conflicts,
// because the variables of a root module are unknown while Terraform validates it.
func (r *resolver) namedByBlock() value {
	var named value
	for _, names := range sources {
		for _, name := range names {
			v := r.inBlock(name)
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
	return named
}

// namedByEnvironment returns the setting by which the environment names a source, and what reads others of its family.
func (r *resolver) namedByEnvironment(noProfile bool) (named value, in func(name string) value) {
	for _, names := range sources {
		if noProfile && names[0] == "profile" {
			continue
		}
		for _, family := range families {
			in = func(name string) value { return r.inFamily(name, family) }
			for _, name := range names {
				if named = in(name); named.set() {
					return named, in
				}
			}
		}
	}
	return value{}, nil
}

// useKeys takes all keys from the place where one of them is named: the provider block, or one family of variables.
func (r *resolver) useKeys(c *credential.Config, named value, in func(name string) value) {
	id, secret, token := in("access_key"), in("secret_key"), in("security_token")
	switch {
	case !id.set() && !id.unknown:
		r.refuse(id, "Missing Alibaba Cloud access key", halfPair(named, id))
	case !secret.set() && !secret.unknown:
		r.refuse(secret, "Missing Alibaba Cloud secret key", halfPair(named, secret))
	}
	c.AccessKeyID, c.AccessKeySecret, c.SecurityToken = r.use(id), r.use(secret), r.use(token)
}

// halfPair explains that one key of a pair is set and the other one is missing.
func halfPair(set, missing value) string {
	partner := missing.name
	if set.variable != "" {
		partner = missing.variables[0]
	}
	return fmt.Sprintf("%s is set, but %s is not. Both are needed to sign requests, and both have to be set in the same place: the "+
		"provider block, or one family of variables. Set %s as well, or unset %s.", set, partner, partner, set)
}

// oidc returns the role to assume with a token. The environment completes the block, but a token or a file in the block keeps
// it from adding either.
func (r *resolver) oidc() *credential.OIDC {
	const at = "assume_role_with_oidc."
	provider, role := r.lookup(at+"oidc_provider_arn"), r.lookup(at+"role_arn")
	token, file := r.inBlock(at+"oidc_token"), r.inBlock(at+"oidc_token_file")
	if token.set() && file.set() {
		r.refuse(file, "Conflicting OIDC tokens", fmt.Sprintf("%s and %s are both set. Keep one of them.", token, file))
	}
	if !file.set() {
		token = r.orVariable(token)
	}
	if !token.set() {
		file = r.orVariable(file)
	}
	r.require("Missing OIDC provider ARN", "", provider)
	r.require("Missing role ARN", "", role)
	r.require("Missing OIDC token", "", file, token)
	return &credential.OIDC{
		ProviderARN: r.use(provider), Token: r.use(token), TokenFile: r.use(file),
		AssumeRole: credential.AssumeRole{
			RoleARN: r.use(role), SessionName: r.text(at + "role_session_name"), Policy: r.text(at + "policy"),
			Expiration: r.number(at + "session_expiration"),
		},
	}
}

// assumeRole returns the role to assume with the credentials, or nil if there is no block for it. The environment completes
// the block.
func (r *resolver) assumeRole(oidc bool) *credential.AssumeRole {
	const at = "assume_role."
	if !r.inBlock("assume_role").set() {
		return nil
	}
	role := r.inBlock(at + "role_arn")
	if oidc || r.inFamily("assume_role_with_oidc.oidc_provider_arn", "").set() {
		role.setting = role.of("ALICLOUD_") // the other variables name the role of OIDC
	}
	if role = r.orVariable(role); !role.set() {
		if block, _ := r.block["assume_role"].(types.Object); block.Attributes()["role_arn"].IsNull() {
			r.require("Missing role ARN", "To assume no role, leave the block out, or set role_arn to \"\".", role)
		}
		return nil
	}
	return &credential.AssumeRole{
		RoleARN: r.use(role), SessionName: r.text(at + "session_name"), Policy: r.text(at + "policy"),
		ExternalID: r.text(at + "external_id"), Expiration: r.number(at + "session_expiration"),
	}
}
