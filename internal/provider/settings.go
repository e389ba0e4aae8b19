package provider

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// setting is an argument or a nested block of the provider block.
type setting struct {
	name      string   // path in the provider block, such as "assume_role.role_arn"
	variables []string // environment variables that can replace it; the first one that is set counts
	fallback  string   // default
	text      string   // Markdown description, to which the schema adds the default and the variables
	block     bool     // whether it is a nested block
	secret    bool     // whether the schema marks it as sensitive

	// The framework checks the provider block with it, and the resolver the variables. Only a
	// nested block has none.
	check validator.String
}

// families are the prefixes of variables, in the order in which they count. Both keys of a pair
// come from one family.
var families = []string{"ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_"}

// sharedFile may name the CLI's file, which replaces the one of the block, or the INI file.
const sharedFile = "ALIBABA_CLOUD_CREDENTIALS_FILE"

const (
	alone      = " It is a separate source of credentials, and can't be combined with another one."
	policyText = "RAM policy, in JSON, that narrows what the session may do. Default: all that the role may do."
	roleText   = "ARN of the role, such as `acs:ram::1234567890123456:role/reader`."
	nameText   = "Name of the session, which the account's audit log shows: 2 to 64 letters, digits and the " +
		"characters `.` `@` `_` `-`."
	lifeText = "How long the session lives, in seconds: from `900` to `43200`, and no longer than the role allows. " +
		"The provider renews it before it ends."
)

// settings are all arguments, in the order of the documentation.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole lists what roles need.
var settings = []setting{
	{
		name: "access_key", text: "Access key ID. Needs `secret_key`.", check: key("Invalid access key"),
		variables: []string{
			"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_ID",
			"ALICLOUD_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_ID",
		},
	},
	{
		name: "secret_key", secret: true, check: key("Invalid secret key"),
		text: "Access key secret. Needs `access_key`.",
		variables: []string{
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_ACCESS_KEY_SECRET",
			"ALICLOUD_SECRET_KEY", "ALICLOUD_ACCESS_KEY_SECRET",
		},
	},
	{
		name: "security_token", secret: true, check: key("Invalid security token"),
		text:      "Security token of temporary credentials. Needs `access_key` and `secret_key`.",
		variables: []string{"ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABACLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"},
	},
	{
		name: "profile", check: isText,
		variables: []string{"ALIBABA_CLOUD_PROFILE", "ALIBABACLOUD_PROFILE", "ALICLOUD_PROFILE"},
		text: "Profile of the Alibaba Cloud CLI, in any of its modes that provide keys, or else a section of the INI " +
			"file `~/.alibabacloud/credentials`. Default: the file's current profile." + alone,
	},
	{
		name: "shared_credentials_file", check: isText,
		variables: []string{sharedFile, "ALICLOUD_SHARED_CREDENTIALS_FILE"},
		text: "File that holds the profile: the Alibaba Cloud CLI's configuration, which is a JSON object, or an INI " +
			"file. A leading `~` is the home " +
			"directory. Default: " +
			"`~/.aliyun/config.json`. `" + sharedFile + "` counts only where it names a file of the CLI.",
	},
	{
		name: "credentials_uri", variables: []string{"ALIBABA_CLOUD_CREDENTIALS_URI", "ALICLOUD_CREDENTIALS_URI"},
		text: "URL of a server that returns temporary credentials: https, or http for a loopback or link-local " +
			"address." + alone,
		check: check{"Invalid credentials URI", credential.CheckURI, false, "Use an https URL, or http for a server " +
			"on this machine " +
			`or its own link, such as "http://127.0.0.1:6666/credentials".`},
	},
	{
		name: "ecs_role_name", variables: []string{"ALIBABA_CLOUD_ECS_METADATA", "ALICLOUD_ECS_ROLE_NAME"},
		text: "Name of the RAM role of the ECS instance that Terraform runs on." + alone,
		check: like(`[\w.-]{1,64}`, "must be the name of a role, not its ARN: at most 64 letters, digits, periods, "+
			"underscores and hyphens"),
	},
	{
		name: "assume_role_with_oidc", block: true,
		text: "RAM role to act as with a token of an OIDC identity provider, as in CI systems and in ACK with RRSA. " +
			"It is a source of credentials of its own, so it can't be combined with another one; with `assume_role` " +
			"it can.",
	},
	{
		name: "assume_role_with_oidc.oidc_provider_arn",
		text: "ARN of the identity provider in RAM, such as `acs:ram::1234567890123456:oidc-provider/ci`.",
		check: like(`acs:ram::[0-9]+:oidc-provider/[\w.@/-]{1,128}`,
			`must be the ARN of an OIDC provider, such as "acs:ram::1234567890123456:oidc-provider/ci"`),
		variables: []string{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABACLOUD_OIDC_PROVIDER_ARN"},
	},
	{
		name: "assume_role_with_oidc.oidc_token_file", check: isText,
		text:      "File that holds the token. It is read again for every session.",
		variables: []string{"ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABACLOUD_OIDC_TOKEN_FILE"},
	},
	{
		name: "assume_role_with_oidc.oidc_token", secret: true, check: key("Invalid OIDC token"),
		text: "The token itself, instead of a file. The last of the variables, which is HCP Terraform's, counts " +
			"where nothing else gives a token or names its file.",
		variables: []string{"ALIBABA_CLOUD_OIDC_TOKEN", "TFC_WORKLOAD_IDENTITY_TOKEN"},
	},
	{
		name: "assume_role_with_oidc.role_arn", text: roleText, check: isRole,
		variables: []string{"ALIBABA_CLOUD_ROLE_ARN", "ALIBABACLOUD_ROLE_ARN"},
	},
	{
		name: "assume_role_with_oidc.role_session_name", variables: []string{"ALIBABA_CLOUD_ROLE_SESSION_NAME"},
		text: nameText, fallback: credential.DefaultSessionName, check: isSessionName,
	},
	{name: "assume_role_with_oidc.policy", text: policyText, check: isPolicy},
	{name: "assume_role_with_oidc.session_expiration", text: lifeText, fallback: "3600", check: isSessionLife},
	{
		name: "assume_role", block: true,
		text: "RAM role to act as. It is assumed with the credentials that the rest of the block, the environment or " +
			"the default chain gives, from whichever source. Without this block, no role is assumed on top of these. " +
			"It may be empty: then variables complete it.",
	},
	{
		name: "assume_role.role_arn", check: isRole,
		text: roleText + " It may be left out where a variable names the role. Where it is an empty string and no " +
			"variable names a role, none is assumed. Together with OIDC, only `ALICLOUD_ASSUME_ROLE_ARN` counts, " +
			"because the others name the role of OIDC.",
		variables: []string{"ALIBABA_CLOUD_ROLE_ARN", "ALIBABACLOUD_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_ARN"},
	},
	{
		name: "assume_role.session_name", text: nameText, fallback: credential.DefaultSessionName,
		check:     isSessionName,
		variables: []string{"ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"},
	},
	{name: "assume_role.policy", text: policyText, check: isPolicy},
	{
		name: "assume_role.session_expiration", variables: []string{"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION"},
		text: lifeText, fallback: "3600", check: isSessionLife,
	},
	{
		name: "assume_role.external_id", text: "External ID that the role's trust policy requires: 2 to 1224 " +
			"characters.",
		check: stringvalidator.All(stringvalidator.LengthAtMost(1224),
			like(`[\w+=,.@:/-]{2,}`, "must have 2 to 1224 letters, digits and the characters + = , . @ : / _ -")),
		variables: []string{"ALIBABA_CLOUD_EXTERNAL_ID", "ALIBABACLOUD_EXTERNAL_ID"},
	},
	{
		name: "region", variables: []string{"ALIBABA_CLOUD_REGION", "ALICLOUD_REGION"}, check: isRegion,
		text: "Region whose endpoint the provider calls: `cn-hangzhou` for accounts of the China site, " +
			"`ap-southeast-1` for accounts of the international site. Default: the `region_id` of the CLI's profile " +
			"in use, else `" + regionID[0] + "`, else the one " +
			"that `account_type` stands for, else `cn-hangzhou`.",
	},
	{
		name: "account_type", variables: []string{"ALIBABA_CLOUD_ACCOUNT_TYPE"},
		text: "Site of the account: `International`, or `Domestic` for the China site. It chooses the endpoint of a " +
			"region outside of mainland China that has none of its own.",
		check: like("(?i:International|Domestic)", "must be International or Domestic"),
	},
	{
		name: "endpoints", block: true,
		text: "Endpoints to use instead of the region's: a host name with or without a port and `https://`.",
	},
	{
		name: "endpoints.cas", variables: []string{"ALIBABA_CLOUD_ENDPOINT_CAS", "CAS_ENDPOINT"},
		text: "Endpoint of Certificate Management Service, such as `cas-vpc.cn-hangzhou.aliyuncs.com`. `http://` is " +
			"allowed for loopback addresses only. Default: the region's endpoint.",
		check: isEndpoint("cas.aliyuncs.com", false),
	},
	{
		name: "endpoints.sts", variables: []string{"ALIBABA_CLOUD_STS_ENDPOINT", "ALIBABA_CLOUD_ENDPOINT_STS"},
		text: "Endpoint of Security Token Service, where roles are assumed, such as " +
			"`sts.ap-southeast-1.aliyuncs.com`. The variables count where the CLI's profile has no `sts_endpoint`. " +
			"Default: the endpoint of the profile's `sts_region` or of `ALIBABA_CLOUD_STS_REGION`, else " +
			"`sts.aliyuncs.com`.",
		check: isEndpoint("sts.ap-southeast-1.aliyuncs.com", true),
	},
	{
		name: "requests_per_second", variables: []string{"CAS_REQUESTS_PER_SECOND"}, fallback: "10",
		check: number{int64validator.Between(1, 100)},
		text: "Maximum number of calls in any one second, by all processes of this user on this machine: a whole " +
			"number from 1 to 100. The default is what the service allows an account. Lower it where other machines " +
			"or tools use the account.",
	},
	{
		name: "max_retries", variables: []string{"CAS_MAX_RETRIES"}, fallback: "5",
		check: number{int64validator.Between(0, 20)},
		text: "How many times the provider retries a temporary failure other than throttling: a whole number from 0 " +
			"to 20. It retries throttled calls until the read's time is up.",
	},
	{
		name: "request_timeout", variables: []string{"CAS_REQUEST_TIMEOUT"}, fallback: "30s",
		check: isDuration(time.Hour, " and of at most 1h"),
		text: "How long one attempt may take, from connecting to the end of the response: a Go duration such as " +
			"`10s`, at most `1h`.",
	},
}

var (
	isRole = like(`acs:ram::[0-9]+:role/[\w.@/-]{1,64}`,
		`must be the ARN of a role, such as "acs:ram::1234567890123456:role/reader"`)
	isSessionName = like(`[\w.@-]{2,64}`, "must have 2 to 64 letters, digits, periods, at signs, underscores and "+
		"hyphens")
	isSessionLife = number{int64validator.Between(900, 43200)}
	isRegion      = like(`[a-z]{2}-[a-z0-9]+(-[a-z0-9]+)*`,
		`must be the ID of a region, such as "cn-hangzhou" (China site) or "ap-southeast-1" (international site)`)
	isText   = like("(?s:.*)", "is a text")
	isPolicy = check{"Invalid policy", notObject, false, "Write it with jsonencode, so that Terraform takes care of " +
		"the syntax."}
)

// find returns the setting of an argument.
func find(name string) setting {
	for _, s := range settings {
		if s.name == name {
			return s
		}
	}
	panic("no setting is called " + name)
}

// of returns the setting with the variables of one family only.
func (s setting) of(family string) setting {
	foreign := func(variable string) bool { return !strings.HasPrefix(variable, family) }
	s.variables = slices.DeleteFunc(slices.Clone(s.variables), foreign)
	return s
}

func (s setting) path() path.Path {
	if block, name, nested := strings.Cut(s.name, "."); nested {
		return path.Root(block).AtName(name)
	}
	return path.Root(s.name)
}

// providerSchema returns the schema of the provider block.
func providerSchema() schema.Schema {
	all := schema.Schema{
		MarkdownDescription: "Reads from Alibaba Cloud's [Certificate Management " +
			"Service](https://www.alibabacloud.com/help/en/ssl-certificate).",
		Attributes: map[string]schema.Attribute{},
		Blocks:     map[string]schema.Block{},
	}
	attributes := map[string]map[string]schema.Attribute{"": all.Attributes}
	for _, s := range settings {
		block, name, nested := strings.Cut(s.name, ".")
		if !nested {
			block, name = "", s.name
		}
		text := s.text
		if s.fallback != "" {
			text += " Default: `" + s.fallback + "`."
		}
		if len(s.variables) > 0 {
			text += " Environment: `" + strings.Join(s.variables, "`, `") + "`."
		}
		switch number, isNumber := s.check.(number); {
		case s.block:
			attributes[name] = map[string]schema.Attribute{}
			all.Blocks[name] = schema.SingleNestedBlock{MarkdownDescription: text, Attributes: attributes[name]}
		case isNumber:
			attributes[block][name] = schema.NumberAttribute{
				Optional: true, MarkdownDescription: text, Validators: []validator.Number{number},
			}
		default:
			attributes[block][name] = schema.StringAttribute{
				Optional: true, Sensitive: s.secret, MarkdownDescription: text,
				Validators: []validator.String{s.check},
			}
		}
	}
	return all
}
