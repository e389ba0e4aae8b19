package provider

import (
	"cmp"
	"slices"
	"strings"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

const (
	oidcAt = "assume_role_with_oidc."
	roleAt = "assume_role."
)

// sources are the sources of credentials in the order in which they count, each with the settings
// that name it. from gets the first of these that is set, and returns nil if it is switched off.
var sources = []struct {
	names []string
	from  func(*resolver, value) credential.Source
}{
	{[]string{"access_key", "secret_key", "security_token"}, (*resolver).keys},
	// No token names OIDC, because a CI system may set one for another purpose.
	{[]string{"assume_role_with_oidc", oidcAt + "oidc_provider_arn"}, (*resolver).oidc},
	{[]string{"profile", "shared_credentials_file"}, (*resolver).profile},
	{[]string{"ecs_role_name"}, func(r *resolver, role value) credential.Source {
		return credential.ECSRole{Name: r.use(role)}
	}},
	{[]string{"credentials_uri"}, func(r *resolver, uri value) credential.Source {
		return credential.URI{Address: r.use(uri)}
	}},
}

// credentials selects the source of credentials: that of the block, else that of the environment,
// else the default chain. The environment completes a profile of the block, but never keys.
func (r *resolver) credentials() credential.Config {
	config := credential.Config{STS: r.sts(), AssumeRole: r.assumeRole()}
	source, named := r.source(block)
	if source != nil {
		config.Source, config.SetBy = source, named.name+" in the provider block"
		return config
	}
	if source, named = r.source("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_"); source != nil {
		config.Source, config.SetBy = source, named.variable
	} else {
		config.Source = credential.Default{Section: r.text("profile"), NoCLI: r.noCLI(), Files: r.files()}
	}
	r.noteEmptyKeys(&config)
	return config
}

// source returns the first source that places name, and the setting that names it. A second one in
// the provider block is an error. An unknown value neither names a source nor conflicts, because
// the variables of a root module are unknown while Terraform validates it. An empty string doesn't
// either, so the framework's ConflictsWith won't do.
func (r *resolver) source(places ...string) (found credential.Source, by value) {
	for _, source := range sources {
		for _, place := range places {
			i := slices.IndexFunc(source.names, func(name string) bool { return r.in(place, find(name)).set() })
			if i < 0 {
				continue
			}
			named := r.in(place, find(source.names[i]))
			if found == nil {
				found, by = source.from(r, named), named
			} else if place == block {
				r.refuse(named, "Conflicting sources of credentials", "%s and %s are both set in the provider block, "+
					"and each is a source of credentials of its own. Keep one of them.", by, named)
			}
		}
	}
	return found, by
}

// noteEmptyKeys warns if keys in the provider block are empty, although that is how a source is
// chosen elsewhere. If the default chain has no credentials, its error says the same.
func (r *resolver) noteEmptyKeys(config *credential.Config) {
	empty := slices.DeleteFunc([]string{"access_key", "secret_key"}, func(name string) bool {
		return !r.inBlock(name).empty
	})
	if len(empty) == 0 || r.validating {
		return
	}
	note := "the provider block leaves " + strings.Join(empty, " and ") + " empty"
	from := join(", chosen by ", config.Source.String(), config.SetBy)
	r.warn(r.inBlock(empty[0]), "Empty access key", "Because %s, credentials come from %s.", note, from)
	config.SetBy = cmp.Or(config.SetBy, note)
}

// keys takes all keys from one place: the provider block, or one family of variables.
func (r *resolver) keys(named value) credential.Source {
	token := r.in(named.place, find("security_token"))
	id, secret := r.in(named.place, find("access_key")), r.in(named.place, find("secret_key"))
	for _, missing := range []value{id, secret} {
		if missing.set() || missing.unknown {
			continue
		}
		r.refuse(missing, "Missing Alibaba Cloud "+strings.ReplaceAll(missing.name, "_", " "), "%s is set, but %s is not. "+
			"Both are needed to sign requests, and both have to be set in the same place: the provider block, or one "+
			"family of variables. Set %s as well, or unset %s.", named, missing, missing, named)
		break
	}
	return credential.AccessKey{ID: r.use(id), Secret: r.use(secret), Token: r.use(token)}
}

// oidc returns the role to assume with a token. The environment completes the block, but a token or
// a file in the block keeps it from adding either.
func (r *resolver) oidc(named value) credential.Source {
	provider, role := r.lookup(oidcAt+"oidc_provider_arn"), r.lookup(oidcAt+"role_arn")
	token, file := r.inBlock(oidcAt+"oidc_token"), r.inBlock(oidcAt+"oidc_token_file")
	switch {
	case token.set() && file.set():
		r.refuse(file, "Conflicting OIDC tokens", "%s and %s are both set. Keep one of them.", token, file)
	case !token.set() && !file.set():
		if file = r.orVariable(file); file.set() {
			token.variables = token.variables[:1] // without HCP Terraform's, which comes after a file
		}
		token = r.orVariable(token)
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

// profile returns the profile that is named, or nil if only a variable names it and noCLI is set.
func (r *resolver) profile(named value) credential.Source {
	if named.variable != "" && r.noCLI() != "" {
		return nil
	}
	return credential.Profile{Name: r.text("profile"), File: r.text("shared_credentials_file"), Files: r.files()}
}

// noCLI returns the variable that switches off the CLI's file.
func (r *resolver) noCLI() string {
	return r.first(on,
		"ALIBABA_CLOUD_IGNORE_PROFILE", "ALIBABACLOUD_IGNORE_PROFILE", "ALIBABA_CLOUD_CLI_PROFILE_DISABLED")
}

// sts returns where roles are assumed. The endpoint of a variable comes after that of the profile.
func (r *resolver) sts() credential.STS {
	vpc := r.first(on, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED")
	sts := credential.STS{Region: r.use(r.in("", stsRegion)), VPC: vpc != ""}
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
	set := func(name string) string { return r.in("", find(name)).text }
	files := credential.Files{
		CLI:        r.getenv("ALIBABA_CLOUD_CONFIG_FILE"),
		NoExternal: r.first(on, "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"),
		URI:        r.getenv("ALIBABA_CLOUD_CREDENTIALS_URI"),
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

// assumeRole returns the role of its block, which the environment completes, or nil without one.
func (r *resolver) assumeRole() *credential.AssumeRole {
	if !r.inBlock("assume_role").set() {
		return nil
	}
	role := r.inBlock(roleAt + "role_arn")
	if r.inBlock("assume_role_with_oidc").set() || r.lookup(oidcAt+"oidc_provider_arn").set() {
		role.variables = []string{"ALICLOUD_ASSUME_ROLE_ARN"} // the others name the role of OIDC
	}
	if role = r.orVariable(role); !role.set() {
		if !role.empty {
			r.require(role, "Missing role ARN", ` To assume no role, leave the block out, or set role_arn to "".`, role)
		}
		return nil
	}
	return &credential.AssumeRole{
		RoleARN: r.use(role), SessionName: r.text(roleAt + "session_name"), Policy: r.text(roleAt + "policy"),
		ExternalID: r.text(roleAt + "external_id"), Expiration: r.number(roleAt + "session_expiration"),
	}
}
