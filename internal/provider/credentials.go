package provider

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

const (
	oidcAt = "assume_role_with_oidc."
	roleAt = "assume_role."
)

// sources are the sources of credentials in the order in which they count, each with the settings
// that name it.
var sources = [][]string{
	{"access_key", "secret_key", "security_token"},
	{"assume_role_with_oidc", oidcAt + "oidc_provider_arn"}, // no token: a CI system may set one for another purpose
	{"profile", "shared_credentials_file"},
	{"ecs_role_name"},
	{"credentials_uri"},
}

// credentials selects the source of credentials: the one that the block names, else the one that
// the environment names, else the default chain. A source in the block is never completed with one
// in the environment, but a profile is.
func (r *resolver) credentials() credential.Config {
	noCLI := r.first([]string{
		"ALIBABA_CLOUD_IGNORE_PROFILE", "ALIBABACLOUD_IGNORE_PROFILE", "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"}, on...)
	named := r.namedByBlock()
	config := credential.Config{STS: r.sts(), SetBy: named.name + " in the provider block"}
	if !named.set() {
		named = r.namedByEnvironment(noCLI != "")
		config.SetBy = named.variable
	}
	switch named.name {
	case "access_key", "secret_key", "security_token":
		config.Source = r.keys(named)
	case "assume_role_with_oidc", oidcAt + "oidc_provider_arn":
		config.Source = r.oidc(named)
	case "profile", "shared_credentials_file":
		config.Source = credential.Profile{
			Name: r.text("profile"), File: r.text("shared_credentials_file"), Files: r.files(),
		}
	case "ecs_role_name":
		config.Source = credential.ECSRole{Name: r.text("ecs_role_name")}
	case "credentials_uri":
		config.Source = credential.URI{Address: r.text("credentials_uri")}
	default:
		config.Source = credential.Default{Section: r.text("profile"), NoCLI: noCLI, Files: r.files()}
	}
	if !named.set() || named.variable != "" {
		r.noteEmptyKeys(&config)
	}
	config.AssumeRole = r.assumeRole(config.Source)
	return config
}

// sts returns where roles are assumed. A variable that names an endpoint comes after the profile's
// own one.
func (r *resolver) sts() credential.STS {
	vpc := r.first([]string{"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"}, on...)
	region := value{setting: find("region")}
	region.variables = []string{"ALIBABA_CLOUD_STS_REGION"}
	sts := credential.STS{Region: r.use(r.orVariable(region)), VPC: vpc != ""}
	v := r.lookup("endpoints.sts")
	if endpoint, err := cas.ParseEndpoint(r.use(v)); err == nil && v.variable == "" {
		sts.Endpoint = endpoint.Host
	} else if err == nil {
		sts.Fallback = endpoint.Host
	}
	return sts
}

// files returns the files that may have profiles, and the settings that complete profiles.
func (r *resolver) files() credential.Files {
	set := func(name string) string { return r.inFamily(name, "").text }
	files := credential.Files{
		CLI:        r.getenv("ALIBABA_CLOUD_CONFIG_FILE"),
		NoExternal: r.first([]string{"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"}, on...),
		URI:        r.inFamily("credentials_uri", families[0]).text,
		Role: credential.OIDC{
			ProviderARN: set(oidcAt + "oidc_provider_arn"),
			Token:       set(oidcAt + "oidc_token"), TokenFile: set(oidcAt + "oidc_token_file"),
			AssumeRole: credential.AssumeRole{
				RoleARN: set(oidcAt + "role_arn"), ExternalID: set(roleAt + "external_id"),
				SessionName: set(oidcAt + "role_session_name"),
			},
		},
	}
	if file := r.getenv(sharedFile); !credential.IsCLIFile(file) {
		files.INI = file
	}
	return files
}

// namedByBlock returns the setting by which the provider block names a source. An unknown value
// neither names one nor conflicts, because the variables of a root module are unknown while
// Terraform validates it. An empty string doesn't either, so the framework's ConflictsWith won't
// do.
func (r *resolver) namedByBlock() value {
	var named value
	for _, names := range sources {
		i := slices.IndexFunc(names, func(name string) bool { return r.inBlock(name).set() })
		if i < 0 {
			continue
		}
		v := r.inBlock(names[i])
		if !named.set() {
			named = v
			continue
		}
		r.refuse(v, v, "Conflicting sources of credentials", fmt.Sprintf("%s and %s are both set in the provider block, "+
			"and each is a source of credentials of its own. Keep one of them.", named, v))
	}
	return named
}

// namedByEnvironment returns the setting by which the environment names a source.
func (r *resolver) namedByEnvironment(noProfile bool) value {
	for _, names := range sources {
		if noProfile && names[0] == "profile" {
			continue
		}
		for _, family := range families {
			for _, name := range names {
				if named := r.inFamily(name, family); named.set() {
					return named
				}
			}
		}
	}
	return value{}
}

// noteEmptyKeys warns if keys in the provider block are empty, although that is how a source is
// chosen elsewhere. If the default chain has no credentials, its error says the same.
func (r *resolver) noteEmptyKeys(config *credential.Config) {
	empty := slices.DeleteFunc([]string{"access_key", "secret_key"}, func(name string) bool {
		return r.block[name] == nil || !r.block[name].Equal(types.StringValue(""))
	})
	if len(empty) == 0 || r.validating {
		return
	}
	from := config.Source.String()
	if config.SetBy != "" {
		from += " (" + config.SetBy + ")"
	}
	note := "the provider block leaves " + strings.Join(empty, " and ") + " empty"
	config.SetBy = cmp.Or(config.SetBy, note)
	r.warn(value{setting: find(empty[0])}, "Empty access key", "Because %s, credentials come from %s.", note, from)
}

// keys takes all keys from the place where one of them is named: the provider block, or one family
// of variables.
func (r *resolver) keys(named value) credential.AccessKey {
	in := r.inBlock
	for _, family := range families {
		if strings.HasPrefix(named.variable, family) {
			in = func(name string) value { return r.inFamily(name, family) }
		}
	}
	id, secret, token := in("access_key"), in("secret_key"), in("security_token")
	for _, missing := range []value{id, secret} {
		if missing.set() || missing.unknown {
			continue
		}
		partner := missing.name
		if named.variable != "" {
			partner = missing.variables[0]
		}
		what := "Missing Alibaba Cloud " + strings.ReplaceAll(missing.name, "_", " ")
		r.refuse(named, missing, what, fmt.Sprintf("%s is set, but %s is not. Both are needed to sign requests, and "+
			"both have to be set in the same place: the provider block, or one family of variables. Set %s as well, "+
			"or unset %s.", named, partner, partner, named))
		break
	}
	return credential.AccessKey{ID: r.use(id), Secret: r.use(secret), Token: r.use(token)}
}

// oidc returns the role to assume with a token. The environment completes the block, but a token or
// a file in the block keeps it from adding either.
func (r *resolver) oidc(named value) credential.OIDC {
	provider, role := r.lookup(oidcAt+"oidc_provider_arn"), r.lookup(oidcAt+"role_arn")
	token, file := r.inBlock(oidcAt+"oidc_token"), r.inBlock(oidcAt+"oidc_token_file")
	switch {
	case token.set() && file.set():
		r.refuse(file, file, "Conflicting OIDC tokens",
			fmt.Sprintf("%s and %s are both set. Keep one of them.", token, file))
	case !token.set() && !file.set():
		if own := r.inFamily(token.name, families[0]); own.set() {
			token = own
		} else if file = r.orVariable(file); !file.set() {
			token = r.orVariable(token)
		}
	}
	r.require(named, "Missing OIDC provider ARN", "", provider)
	r.require(named, "Missing role ARN", "", role)
	r.require(named, "Missing OIDC token", "", file, token)
	return credential.OIDC{
		ProviderARN: r.use(provider), Token: r.use(token), TokenFile: r.use(file),
		AssumeRole: credential.AssumeRole{
			RoleARN: r.use(role), SessionName: r.text(oidcAt + "role_session_name"), Policy: r.text(oidcAt + "policy"),
			Expiration: r.number(oidcAt + "session_expiration"),
		},
	}
}

// assumeRole returns the role to assume with the credentials, or nil if there is no block for it.
// The environment completes the block.
func (r *resolver) assumeRole(source credential.Source) *credential.AssumeRole {
	if !r.inBlock("assume_role").set() {
		return nil
	}
	role := r.inBlock(roleAt + "role_arn")
	if _, oidc := source.(credential.OIDC); oidc || r.inFamily(oidcAt+"oidc_provider_arn", "").set() {
		role.variables = []string{"ALICLOUD_ASSUME_ROLE_ARN"} // the others name the role of OIDC
	}
	if role = r.orVariable(role); !role.set() {
		if block, _ := r.block["assume_role"].(types.Object); block.Attributes()["role_arn"].IsNull() {
			r.require(role, "Missing role ARN", `To assume no role, leave the block out, or set role_arn to "".`, role)
		}
		return nil
	}
	return &credential.AssumeRole{
		RoleARN: r.use(role), SessionName: r.text(roleAt + "session_name"), Policy: r.text(roleAt + "policy"),
		ExternalID: r.text(roleAt + "external_id"), Expiration: r.number(roleAt + "session_expiration"),
	}
}
