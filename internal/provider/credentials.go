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
// else the default chain. A source in the block is never completed with one in the environment, but a profile is.
func (r *resolver) credentials() credential.Config {
	named, in := r.namedByBlock(), r.inBlock
	switchedOff := r.switchedBy(noProfileVariable)
	if !named.set() {
		named, in = r.namedByEnvironment(switchedOff != "")
	}
	c := credential.Config{
		SetBy: named.variable,
		STS:   credential.STS{Region: r.getenv(stsRegionVariable), VPC: r.switchedBy(stsVPCVariable) != ""},
	}
	if named.set() && named.variable == "" {
		c.SetBy = named.name + " in the provider block"
	}
	if endpoint, err := cas.ParseEndpoint(r.text("endpoints.sts")); err != nil {
	} else if r.inBlock("endpoints.sts").set() {
		c.STS.Endpoint = endpoint.Host
	} else {
		c.STS.Fallback = endpoint.Host
	}
	switch named.name {
	case "access_key", "secret_key", "security_token":
		c.Source = r.keys(named, in)
	case "assume_role_with_oidc", "assume_role_with_oidc.oidc_provider_arn":
		c.Source = r.oidc()
	case "profile", "shared_credentials_file":
		c.Source = credential.Profile{Name: r.text("profile"), File: r.text("shared_credentials_file"), Files: r.files()}
	case "ecs_role_name":
		c.Source = credential.ECSRole{Name: r.text("ecs_role_name")}
	case "credentials_uri":
		c.Source = credential.URI{Address: r.text("credentials_uri")}
	default:
		c.Source = credential.Default{NoCLI: switchedOff, Section: r.text("profile"), Files: r.files()}
	}
	c.AssumeRole = r.assumeRole(c.Source)
	return c
}

// files returns where profiles are, and the variables that complete them.
func (r *resolver) files() credential.Files {
	variable := func(name, family string) string { return r.inFamily(name, family).text }
	const oidc = "assume_role_with_oidc."
	files := credential.Files{
		CLI: r.getenv(cliFileVariable), NoExternal: r.switchedBy(noExternalVariable),
		Completion: credential.Completion{
			URI: variable("credentials_uri", "ALIBABA_CLOUD_"),
			OIDC: credential.OIDC{
				ProviderARN: variable(oidc+"oidc_provider_arn", ""),
				Token:       variable(oidc+"oidc_token", ""), TokenFile: variable(oidc+"oidc_token_file", ""),
				AssumeRole: credential.AssumeRole{
					RoleARN: variable(oidc+"role_arn", ""), SessionName: variable("assume_role.session_name", "ALIBABA_CLOUD_"),
					ExternalID: variable("assume_role.external_id", ""),
				},
			},
		},
	}
	if file := r.getenv(sharedFileVariable); file != "" && !credential.IsCLIFile(file) {
		files.INI = file
	}
	return files
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

// keys takes all keys from the place where one of them is named: the provider block, or one family of variables.
func (r *resolver) keys(named value, in func(name string) value) credential.AccessKey {
	id, secret, token := in("access_key"), in("secret_key"), in("security_token")
	switch {
	case !id.set() && !id.unknown:
		r.refuse(id, "Missing Alibaba Cloud access key", halfPair(named, id))
	case !secret.set() && !secret.unknown:
		r.refuse(secret, "Missing Alibaba Cloud secret key", halfPair(named, secret))
	}
	return credential.AccessKey{ID: r.use(id), Secret: r.use(secret), Token: r.use(token)}
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
func (r *resolver) oidc() credential.OIDC {
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
	return credential.OIDC{
		ProviderARN: r.use(provider), Token: r.use(token), TokenFile: r.use(file),
		AssumeRole: credential.AssumeRole{
			RoleARN: r.use(role), SessionName: r.text(at + "role_session_name"), Policy: r.text(at + "policy"),
			Expiration: r.number(at + "session_expiration"),
		},
	}
}

// assumeRole returns the role to assume with the credentials, or nil if there is no block for it. The environment completes
// the block.
func (r *resolver) assumeRole(source credential.Source) *credential.AssumeRole {
	const at = "assume_role."
	if !r.inBlock("assume_role").set() {
		return nil
	}
	role := r.inBlock(at + "role_arn")
	if _, oidc := source.(credential.OIDC); oidc || r.inFamily("assume_role_with_oidc.oidc_provider_arn", "").set() {
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
