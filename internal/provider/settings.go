package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// setting is an argument of the provider block with the environment variables that can replace it, or a variable alone.
type setting struct {
	name        string   // path in the provider block, such as "assume_role.role_arn"; empty for a variable alone
	variables   []string // environment variables; the first one that is set counts
	fallback    string   // default
	description string   // Markdown, to which the schema adds the default and the variables
	secret      bool     // whether the schema marks it as sensitive
	number      bool     // whether it is a number in the provider block, and not a string
	block       bool     // whether it is a nested block
	check
}

// check says what a value must look like, and what a diagnostic says about one that doesn't.
type check struct {
	summary string             // the diagnostic's summary
	flaw    func(string) error // returns why a value can't be used, as in "it isn't the ID of a region"
	advice  string             // what to do about it
	hidden  bool               // whether the diagnostic doesn't show the value, which may be or contain a secret
}

// These environment variables are named outside of the table, too.
const (
	sharedFileVariable = "ALIBABA_CLOUD_CREDENTIALS_FILE"
	cliFileVariable    = "ALIBABA_CLOUD_CONFIG_FILE"
	noProfileVariable  = "ALIBABA_CLOUD_IGNORE_PROFILE"
	noExternalVariable = "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"
	stsRegionVariable  = "ALIBABA_CLOUD_STS_REGION"
	stsVPCVariable     = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"
)

// families are the prefixes of variables, in the order in which they count. Both keys of a pair come from one family.
var families = []string{"ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_"}

const (
	alone      = " It is a separate source of credentials, and can't be combined with another one."
	policyText = "RAM policy, in JSON, that narrows what the session may do; it can't widen it. Default: all that the role may do."
	roleText   = "ARN of the role, such as `acs:ram::1234567890123456:role/reader`."
	lifeText   = "How long the session lives, in seconds: from `900` to `43200`, and no longer than the role allows. The provider " +
		"renews it before it ends."
	nameText   = "Name of the session, which the account's audit log shows: 2 to 64 letters, digits and the characters `.` `@` `_` `-`."
	switchText = " `true`, in any case, or `1` switches it on."
)

// settings are all arguments and environment variables that the provider reads, in the order of the documentation.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole says what roles need.
var settings = []setting{
	{
		name: "access_key", description: "Access key ID. Needs `secret_key`.",
		variables: []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_ID"},
		check:     isKey("Invalid access key"),
	},
	{
		name: "secret_key", secret: true, description: "Access key secret. Needs `access_key`.",
		variables: []string{
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_KEY", "ALICLOUD_ACCESS_KEY_SECRET",
		},
		check: isKey("Invalid secret key"),
	},
	{
		name: "security_token", secret: true, description: "Security token of temporary credentials. Needs `access_key` and `secret_key`.",
		variables: []string{"ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABACLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"},
		check:     isKey("Invalid security token"),
	},
	{
		name: "profile", variables: []string{"ALIBABA_CLOUD_PROFILE", "ALIBABACLOUD_PROFILE", "ALICLOUD_PROFILE"},
		description: "Profile of the Alibaba Cloud CLI's configuration, in any of its modes that provide keys: AK, StsToken, RamRoleArn, " +
			"ChainableRamRoleArn, EcsRamRole, RamRoleArnWithRoleName, OIDC, CredentialsURI, CloudSSO, OAuth or External; or else a section of " +
			"the INI file `~/.alibabacloud/credentials`. Default: the file's current profile." + alone,
	},
	{
		name: "shared_credentials_file", variables: []string{sharedFileVariable, "ALICLOUD_SHARED_CREDENTIALS_FILE"},
		description: "File that holds the profile: the Alibaba Cloud CLI's configuration, which is a JSON object, or an INI file. A leading " +
			"`~` is the home directory. Default: `~/.aliyun/config.json`. `" + sharedFileVariable +
			"` counts only where it names a file of the CLI.",
	},
	{
		name: "credentials_uri", variables: []string{"ALIBABA_CLOUD_CREDENTIALS_URI", "ALICLOUD_CREDENTIALS_URI"},
		description: "URL of a server that returns temporary credentials: https, or http for a loopback or link-local address." + alone,
		check: check{summary: "Invalid credentials URI", flaw: credential.CheckURI, hidden: true,
			advice: "Use an https URL, or http for a server on this machine or its own link, such as \"http://127.0.0.1:6666/credentials\"."},
	},
	{
		name: "ecs_role_name", variables: []string{"ALIBABA_CLOUD_ECS_METADATA", "ALICLOUD_ECS_ROLE_NAME"},
		description: "Name of the RAM role of the ECS instance that Terraform runs on." + alone,
		check: check{summary: "Invalid ECS role name", flaw: notLike(`^[\w.-]{1,64}$`, "the name of a RAM role"),
			advice: "Use the name, not the ARN: at most 64 letters, digits, periods, underscores and hyphens."},
	},
	{
		name: "assume_role_with_oidc", block: true,
		description: "RAM role to act as with a token of an OIDC identity provider, as in CI systems and in ACK with RRSA. It is a " +
			"source of credentials of its own, so it can't be combined with another one; with `assume_role` it can.",
	},
	{
		name: "assume_role_with_oidc.oidc_provider_arn", variables: []string{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABACLOUD_OIDC_PROVIDER_ARN"},
		description: "ARN of the identity provider in RAM, such as `acs:ram::1234567890123456:oidc-provider/ci`.",
		check: check{
			summary: "Invalid OIDC provider ARN", advice: "Use one such as \"acs:ram::1234567890123456:oidc-provider/ci\".",
			flaw: notLike(`^acs:ram::[0-9]+:oidc-provider/[\w.@/-]{1,128}$`, "the ARN of an OIDC provider"),
		},
	},
	{
		name: "assume_role_with_oidc.oidc_token_file", variables: []string{"ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABACLOUD_OIDC_TOKEN_FILE"},
		description: "File that holds the token. It is read again for every session.",
	},
	{
		name: "assume_role_with_oidc.oidc_token", variables: []string{"ALIBABA_CLOUD_OIDC_TOKEN"}, secret: true,
		description: "The token itself, instead of a file.",
		check:       isKey("Invalid OIDC token"),
	},
	{
		name: "assume_role_with_oidc.role_arn", variables: []string{"ALIBABA_CLOUD_ROLE_ARN", "ALIBABACLOUD_ROLE_ARN"},
		description: roleText, check: isRole,
	},
	{
		name: "assume_role_with_oidc.role_session_name", variables: []string{"ALIBABA_CLOUD_ROLE_SESSION_NAME"},
		description: nameText, fallback: credential.DefaultSessionName, check: isSessionName,
	},
	{name: "assume_role_with_oidc.policy", description: policyText, check: isPolicy},
	{name: "assume_role_with_oidc.session_expiration", description: lifeText, fallback: "3600", number: true, check: isSessionLife},
	{
		name: "assume_role", block: true,
		description: "RAM role to act as. It is assumed with the credentials that the rest of the block, the environment or the " +
			"default chain gives, from whichever source. Without this block, no role is assumed on top of these. It may be empty: then " +
			"variables complete it.",
	},
	{
		name:      "assume_role.role_arn",
		variables: []string{"ALIBABA_CLOUD_ROLE_ARN", "ALIBABACLOUD_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_ARN"},
		description: roleText + " It may be left out where a variable names the role. Where it is an empty string and no " +
			"variable names a role, none is assumed. Together with OIDC, only `ALICLOUD_ASSUME_ROLE_ARN` counts, because the " +
			"others name the role of OIDC.",
		check: isRole,
	},
	{
		name: "assume_role.session_name", variables: []string{"ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"},
		description: nameText, fallback: credential.DefaultSessionName, check: isSessionName,
	},
	{name: "assume_role.policy", description: policyText, check: isPolicy},
	{
		name: "assume_role.session_expiration", variables: []string{"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION"},
		description: lifeText, fallback: "3600", number: true, check: isSessionLife,
	},
	{
		name: "assume_role.external_id", variables: []string{"ALIBABA_CLOUD_EXTERNAL_ID", "ALIBABACLOUD_EXTERNAL_ID"},
		description: "External ID that the role's trust policy asks for: 2 to 1224 characters.",
		check: check{
			summary: "Invalid external ID", advice: "Use 2 to 1224 letters, digits and the characters + = , . @ : / _ -",
			flaw: notLike(`^[\w+=,.@:/-]{2,1000}[\w+=,.@:/-]{0,224}$`, "an external ID"), // Go repeats nothing above 1000 times
		},
	},
	{
		name: "region", fallback: "cn-hangzhou",
		variables: []string{"ALIBABA_CLOUD_REGION", "ALICLOUD_REGION", "ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION_ID"},
		description: "Region whose endpoint the provider calls. Accounts of the China site use `cn-hangzhou`, accounts of the international " +
			"site `ap-southeast-1`. Where no region is set, the `region_id` of the CLI's profile in use counts.",
		check: check{summary: "Invalid region", flaw: notLike(`^[a-z]{2}-[a-z0-9]+(-[a-z0-9]+)*$`, "the ID of a region"),
			advice: "Use an ID such as \"cn-hangzhou\" (China site) or \"ap-southeast-1\" (international site)."},
	},
	{
		name: "endpoints", block: true,
		description: "Endpoints to use instead of the region's: a host name with or without a port and `https://`.",
	},
	{
		name: "endpoints.cas", variables: []string{"ALIBABA_CLOUD_ENDPOINT_CAS", "CAS_ENDPOINT"},
		description: "Endpoint of Certificate Management Service, such as `cas-vpc.cn-hangzhou.aliyuncs.com`. `http://` is allowed for " +
			"loopback addresses only. Default: the region's endpoint.",
		check: check{summary: "Invalid endpoint", flaw: notEndpoint, hidden: true,
			advice: "Use a host name such as \"cas.aliyuncs.com\", with a port and https:// where needed."},
	},
	{
		name: "endpoints.sts", variables: []string{"ALIBABA_CLOUD_STS_ENDPOINT", "ALIBABA_CLOUD_ENDPOINT_STS"},
		description: "Endpoint of Security Token Service, where roles are assumed, such as `sts.ap-southeast-1.aliyuncs.com`. Default: the " +
			"`sts_endpoint` of the CLI's profile, else the endpoint of its `sts_region` or of `" + stsRegionVariable + "`, else `sts.aliyuncs.com`.",
		check: check{summary: "Invalid endpoint", flaw: notSTSEndpoint, hidden: true,
			advice: "Use a host name such as \"sts.ap-southeast-1.aliyuncs.com\", with a port where needed."},
	},
	{
		name: "requests_per_second", variables: []string{"CAS_REQUESTS_PER_SECOND"}, number: true, fallback: "10",
		description: "Maximum number of calls in any one second, by all processes of this user on this machine: a whole number from " +
			"1 to 100. The default is what the service allows an account. Lower it where other machines or tools use the account.",
		check: check{summary: "Invalid number", flaw: notWhole(1, 100)},
	},
	{
		name: "max_retries", variables: []string{"CAS_MAX_RETRIES"}, number: true, fallback: "5",
		description: "How many times the provider retries a temporary failure other than throttling: a whole number from 0 to 20. It retries " +
			"throttled calls until the read's time is up.",
		check: check{summary: "Invalid number", flaw: notWhole(0, 20)},
	},
	{
		name: "request_timeout", variables: []string{"CAS_REQUEST_TIMEOUT"}, fallback: "30s",
		description: "How long one attempt may take, from connecting to the end of the answer: a Go duration such as `10s`, at most `1h`.",
		check:       check{summary: "Invalid duration", flaw: notDuration, advice: "Use one such as \"30s\" or \"1m30s\"."},
	},

	{variables: []string{cliFileVariable}, description: "The CLI's file, instead of `~/.aliyun/config.json`."},
	{variables: []string{sharedFileVariable}, description: "The INI file, instead of `~/.alibabacloud/credentials`. Where it names " +
		"a file of the CLI, which is a JSON object, it replaces `shared_credentials_file`."},
	{variables: []string{noProfileVariable, "ALIBABACLOUD_IGNORE_PROFILE", "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"},
		description: "Ignores the CLI's file, unless the provider block names a profile or a file." + switchText},
	{variables: []string{noExternalVariable}, description: "Refuses profiles of the CLI that run a command or request a URI." + switchText},
	{variables: []string{stsRegionVariable},
		description: "Region where roles are assumed, unless an endpoint or a profile names another one."},
	{variables: []string{stsVPCVariable}, description: "Assumes roles at the region's endpoint within a VPC." + switchText},
	// These two are read by package credential.
	{variables: []string{"ALIBABA_CLOUD_ECS_METADATA_DISABLED"}, description: "Ignores the metadata service of ECS, if it is `true`."},
	{variables: []string{"ALIBABA_CLOUD_IMDSV1_DISABLED"}, description: "Uses the metadata service of ECS in its hardened mode only, if " +
		"it is `true`."},
}

var (
	isRole = check{summary: "Invalid role ARN", flaw: notLike(`^acs:ram::[0-9]+:role/[\w.@/-]{1,64}$`, "the ARN of a RAM role"),
		advice: "Use one such as \"acs:ram::1234567890123456:role/reader\"."}
	isSessionName = check{summary: "Invalid session name", flaw: notLike(`^[\w.@-]{2,64}$`, "the name of a session"),
		advice: "Use 2 to 64 letters, digits, periods, at signs, underscores and hyphens."}
	isSessionLife = check{summary: "Invalid number", flaw: notWhole(900, 43200)}
	isPolicy      = check{summary: "Invalid policy", flaw: notObject, hidden: true,
		advice: "Write it with jsonencode, so that Terraform takes care of the syntax."}
)

// isKey returns the check of a key or a token.
func isKey(summary string) check {
	flaw := func(s string) error {
		if flaw := credential.KeyFlaw(s); flaw != "" {
			return errors.New("it " + flaw)
		}
		return nil
	}
	advice := "No key or token contains that. It was probably added when the value was copied: remove it."
	return check{summary: summary, flaw: flaw, advice: advice, hidden: true}
}

// notLike refuses what a pattern doesn't match. It compiles the pattern only when there is a value, because Terraform
// starts the provider several times for a plan.
func notLike(pattern, what string) func(string) error {
	return func(s string) error {
		if !regexp.MustCompile(pattern).MatchString(s) {
			return errors.New("it isn't " + what)
		}
		return nil
	}
}

func notWhole(minimum, maximum int) func(string) error {
	return func(s string) error {
		if n, err := strconv.Atoi(s); err != nil || n < minimum || n > maximum {
			return fmt.Errorf("it isn't a whole number from %d to %d", minimum, maximum)
		}
		return nil
	}
}

func notDuration(s string) error {
	if d, err := time.ParseDuration(s); err != nil || d <= 0 || d > time.Hour {
		return errors.New("it isn't a duration above zero and of at most 1h")
	}
	return nil
}

func notObject(s string) error {
	var object map[string]any
	if err := json.Unmarshal([]byte(s), &object); err != nil {
		return fmt.Errorf("it isn't a JSON object: %w", err)
	}
	return nil
}

func notEndpoint(s string) error {
	_, err := cas.ParseEndpoint(s)
	return err
}

func notSTSEndpoint(s string) error {
	endpoint, err := cas.ParseEndpoint(s)
	if err == nil && endpoint.Scheme != "https" {
		return errors.New("STS is only asked over https")
	}
	return err
}

// find returns the setting of an argument, or else of a variable that stands alone.
func find(name string) setting {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.name == name || s.name == "" && s.variables[0] == name })
	return settings[i]
}

// of returns the setting with the variables of one family only.
func (s setting) of(family string) setting {
	s.variables = slices.DeleteFunc(slices.Clone(s.variables), func(name string) bool { return !strings.HasPrefix(name, family) })
	return s
}

func (s setting) path() path.Path {
	block, name, nested := strings.Cut(s.name, ".")
	if nested {
		return path.Root(block).AtName(name)
	}
	return path.Root(block)
}

// blocks returns the schemas of the nested blocks.
func blocks() map[string]schema.Block {
	blocks := make(map[string]schema.Block)
	for _, s := range settings {
		if s.block {
			blocks[s.name] = schema.SingleNestedBlock{MarkdownDescription: s.description, Attributes: attributesOf(s.name + ".")}
		}
	}
	return blocks
}

// attributesOf returns the schemas of a block's attributes. The block's name ends in a period; the provider's own is empty.
func attributesOf(block string) map[string]schema.Attribute {
	attributes := make(map[string]schema.Attribute)
	for _, s := range settings {
		name, ok := strings.CutPrefix(s.name, block)
		if !ok || name == "" || s.block || strings.Contains(name, ".") {
			continue
		}
		text := s.description
		if s.fallback != "" {
			text += " Default: `" + s.fallback + "`."
		}
		if len(s.variables) > 0 {
			text += " Environment: `" + strings.Join(s.variables, "`, `") + "`."
		}
		if s.number {
			attributes[name] = schema.NumberAttribute{Optional: true, MarkdownDescription: text}
		} else {
			attributes[name] = schema.StringAttribute{Optional: true, Sensitive: s.secret, MarkdownDescription: text}
		}
	}
	return attributes
}
