package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// setting is an argument or a nested block of the provider block.
type setting struct {
	name      string           // path in the provider block, such as "assume_role.role_arn"
	text      string           // Markdown description, to which the schema adds the default and the variables
	variables []string         // environment variables that can replace it; the first one that is set counts
	fallback  string           // default
	secret    bool             // whether the schema marks it as sensitive
	check     validator.String // of the provider block and the variables; nil for a nested block
}

func argument(name string, check validator.String, text string, variables ...string) setting {
	return setting{name: name, check: check, text: text, variables: variables}
}

func secret(name, summary, text string, variables ...string) setting {
	return setting{name: name, check: key(summary), text: text, variables: variables, secret: true}
}

// or returns the setting with a default.
func (s setting) or(fallback string) setting {
	s.fallback = fallback
	return s
}

// sharedFile may name the CLI's file, which replaces the one of the block, or the INI file.
const sharedFile = "ALIBABA_CLOUD_CREDENTIALS_FILE"

const (
	alone      = " It is a source of credentials of its own, and can't be combined with another one."
	policyText = "RAM policy, in JSON, that narrows what the session may do. Default: all that the role may do."
	roleText   = "ARN of the role, such as `acs:ram::1234567890123456:role/reader`."
	nameText   = "Name of the session in the account's audit log: 2 to 64 letters, digits, and `.` `@` `_` `-`."
	lifeText   = "Life of a session, in seconds: from `900` to `43200`, and no longer than the role allows."
)

// settings are all arguments, in the order of the documentation.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole lists what roles need.
var settings = []setting{
	argument("access_key", key("Invalid access key"), "Access key ID. Needs `secret_key`.",
		"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_ID"),
	secret("secret_key", "Invalid secret key", "Access key secret. Needs `access_key`.",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_ACCESS_KEY_SECRET",
		"ALICLOUD_SECRET_KEY", "ALICLOUD_ACCESS_KEY_SECRET"),
	secret("security_token", "Invalid security token", "Security token of temporary credentials. Needs both keys.",
		"ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABACLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"),
	argument("profile", isText, "Profile of the Alibaba Cloud CLI, in any mode that provides keys, or else a section of "+
		"the INI file `~/.alibabacloud/credentials`. Default: the current profile."+alone,
		"ALIBABA_CLOUD_PROFILE", "ALIBABACLOUD_PROFILE", "ALICLOUD_PROFILE"),
	argument("shared_credentials_file", isText, "File that holds the profile: the CLI's or an INI file. A leading `~` "+
		"is the home directory. Default: `~/.aliyun/config.json`. `"+sharedFile+"` counts only for the CLI's.",
		sharedFile, "ALICLOUD_SHARED_CREDENTIALS_FILE"),
	argument("credentials_uri", isURI, "URL of a server that returns temporary credentials: https, or http for a "+
		"loopback or link-local address."+alone,
		"ALIBABA_CLOUD_CREDENTIALS_URI", "ALICLOUD_CREDENTIALS_URI"),
	argument("ecs_role_name", isRoleName, "Name of the RAM role of the ECS instance that Terraform runs on."+alone,
		"ALIBABA_CLOUD_ECS_METADATA", "ALICLOUD_ECS_ROLE_NAME"),

	argument("assume_role_with_oidc", nil, "RAM role to assume with a token of an OIDC identity provider, as in CI "+
		"systems and in ACK with RRSA. It can be combined with `assume_role`, but not with another source of credentials."),
	argument("assume_role_with_oidc.oidc_provider_arn", isProvider,
		"ARN of the identity provider in RAM, such as `acs:ram::1234567890123456:oidc-provider/ci`.",
		"ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABACLOUD_OIDC_PROVIDER_ARN"),
	argument("assume_role_with_oidc.oidc_token_file", isText, "File with the token, which is read for every session.",
		"ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABACLOUD_OIDC_TOKEN_FILE"),
	secret("assume_role_with_oidc.oidc_token", "Invalid OIDC token",
		"The token itself, instead of a file. HCP Terraform's variable counts only if nothing else sets a token or a file.",
		"ALIBABA_CLOUD_OIDC_TOKEN", "TFC_WORKLOAD_IDENTITY_TOKEN"),
	argument("assume_role_with_oidc.role_arn", isRole, roleText, "ALIBABA_CLOUD_ROLE_ARN", "ALIBABACLOUD_ROLE_ARN"),
	argument("assume_role_with_oidc.role_session_name", isSessionName, nameText,
		"ALIBABA_CLOUD_ROLE_SESSION_NAME").or(credential.DefaultSessionName),
	argument("assume_role_with_oidc.policy", isPolicy, policyText),
	argument("assume_role_with_oidc.session_expiration", isSessionLife, lifeText).or("3600"),

	argument("assume_role", nil, "RAM role to assume with the credentials of any source. Without this "+
		"block, no role is assumed with them. It may be empty; then variables complete it."),
	argument("assume_role.role_arn", isRole, roleText+" With an empty string, and no variable, no role is assumed. "+
		"Together with OIDC, only `ALICLOUD_ASSUME_ROLE_ARN` counts, because the others name the role of OIDC.",
		"ALIBABA_CLOUD_ROLE_ARN", "ALIBABACLOUD_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_ARN"),
	argument("assume_role.session_name", isSessionName, nameText,
		"ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME").or(credential.DefaultSessionName),
	argument("assume_role.policy", isPolicy, policyText),
	argument("assume_role.session_expiration", isSessionLife, lifeText,
		"ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION").or("3600"),
	argument("assume_role.external_id", isExternalID, "External ID of the trust policy: 2 to 1224 characters.",
		"ALIBABA_CLOUD_EXTERNAL_ID", "ALIBABACLOUD_EXTERNAL_ID"),

	argument("region", isRegion, "Region whose endpoint the provider calls: `cn-hangzhou` for accounts of the China "+
		"site, `ap-southeast-1` for those of the international site. Default: the `region_id` of the CLI's profile in use, "+
		"else `ALIBABA_CLOUD_REGION_ID`, else the region of the `account_type`, else `cn-hangzhou`.",
		"ALIBABA_CLOUD_REGION", "ALICLOUD_REGION"),
	argument("account_type", isSite, "Site of the account: `International`, or `Domestic` for the China site. It "+
		"chooses the endpoint of a region outside of mainland China that has none of its own.",
		"ALIBABA_CLOUD_ACCOUNT_TYPE"),
	argument("endpoints", nil, "Endpoints instead of the region's: a host name, with `https://` and a port if needed."),
	argument("endpoints.cas", isEndpoint("cas.aliyuncs.com", false), "Endpoint of Certificate Management Service, such "+
		"as `cas-vpc.cn-hangzhou.aliyuncs.com`; `http://` for loopback addresses only. Default: the region's endpoint.",
		"ALIBABA_CLOUD_ENDPOINT_CAS", "CAS_ENDPOINT"),
	argument("endpoints.sts", isEndpoint("sts.ap-southeast-1.aliyuncs.com", true), "Endpoint of Security Token Service, "+
		"where roles are assumed. The variables count only if the CLI's profile has no `sts_endpoint`. Default: the "+
		"endpoint of the profile's `sts_region` or of `ALIBABA_CLOUD_STS_REGION`, else `sts.aliyuncs.com`.",
		"ALIBABA_CLOUD_STS_ENDPOINT", "ALIBABA_CLOUD_ENDPOINT_STS"),
	argument("requests_per_second", isNumber(1, 100), "Maximum number of calls in any second, by "+
		"all processes of this user on this machine: from 1 to 100. An account may make ten: lower it if others use it.",
		"CAS_REQUESTS_PER_SECOND").or("10"),
	argument("max_retries", isNumber(0, 20), "How many times the provider retries a temporary "+
		"failure: from 0 to 20. Throttled calls are retried until the read's time is up.",
		"CAS_MAX_RETRIES").or("5"),
	argument("request_timeout", isDuration(time.Hour),
		"How long one attempt may take, up to the end of the response: a Go duration such as `10s`, at most `1h`.",
		"CAS_REQUEST_TIMEOUT").or("30s"),
}

// Settings that only variables have. Diagnostics about a region are about the argument.
var (
	regionID = argument("region", isRegion, "",
		"ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION_ID")
	stsRegion   = argument("region", isRegion, "", "ALIBABA_CLOUD_STS_REGION")
	anyEndpoint = argument("", isText, "", "ALIBABA_CLOUD_ENDPOINT", "ALIBABACLOUD_ENDPOINT", "ALICLOUD_ENDPOINT")
)

var (
	isText     = like("(?s:.*)", "is a text")
	isSite     = like("(?i:International|Domestic)", "must be International or Domestic")
	isRoleName = like(`[\w.-]{1,64}`,
		"must be the name of a role, not its ARN: at most 64 letters, digits, periods, underscores and hyphens")
	isRole = like(`acs:ram::[0-9]+:role/[\w.@/-]{1,64}`,
		`must be the ARN of a role, such as "acs:ram::1234567890123456:role/reader"`)
	isProvider = like(`acs:ram::[0-9]+:oidc-provider/[\w.@/-]{1,128}`,
		`must be the ARN of an OIDC provider, such as "acs:ram::1234567890123456:oidc-provider/ci"`)
	isSessionName = like(`[\w.@-]{2,64}`, "must have 2 to 64 letters, digits, periods, at signs, underscores and hyphens")
	isSessionLife = isNumber(900, 43200)
	isExternalID  = stringvalidator.All(stringvalidator.LengthAtMost(1224),
		like(`[\w+=,.@:/-]{2,}`, "must have 2 to 1224 letters, digits and the characters + = , . @ : / _ -"))
	isRegion = like(`[a-z]{2}-[a-z0-9]+(-[a-z0-9]+)*`,
		`must be the ID of a region, such as "cn-hangzhou" (China site) or "ap-southeast-1" (international site)`)
	isURI = check{"Invalid credentials URI", credential.CheckURI, "Use an https URL, or http for a loopback " +
		`or link-local address, such as "http://127.0.0.1:6666/credentials".`}
	isPolicy = check{"Invalid policy", notObject, "Write it with jsonencode, which takes care of the syntax."}
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
		dot := strings.LastIndex(s.name, ".") + 1
		block, name, text := s.name[:dot], s.name[dot:], s.text
		if s.fallback != "" {
			text += " Default: `" + s.fallback + "`."
		}
		if len(s.variables) > 0 {
			text += " Environment: `" + strings.Join(s.variables, "`, `") + "`."
		}
		switch check := s.check.(type) {
		case nil:
			nested := map[string]schema.Attribute{}
			attributes[name+"."] = nested
			all.Blocks[name] = schema.SingleNestedBlock{MarkdownDescription: text, Attributes: nested}
		case number:
			attributes[block][name] = schema.NumberAttribute{
				Optional: true, MarkdownDescription: text, Validators: []validator.Number{check},
			}
		default:
			attributes[block][name] = schema.StringAttribute{
				Optional: true, Sensitive: s.secret, MarkdownDescription: text, Validators: []validator.String{check},
			}
		}
	}
	return all
}

// like accepts what the whole of a pattern matches, and an empty string, which sets nothing.
func like(pattern, message string) validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile("^("+pattern+")?$"), message)
}

// check is a validator of strings. Those of the framework quote the value, which may hold a secret.
type check struct {
	summary string             // the diagnostic's summary
	flaw    func(string) error // returns why a value can't be used, as in "it isn't a JSON object"
	advice  string             // what to do about it
}

func (c check) Description(context.Context) string { return c.advice }

func (c check) MarkdownDescription(context.Context) string { return c.advice }

// ValidateString refuses a value with a flaw. An empty string sets nothing.
func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	text := req.ConfigValue.ValueString()
	if text == "" {
		return
	}
	if err := c.flaw(text); err != nil {
		detail := fmt.Sprintf("%s can't be used: %s. %s", req.Path, err, c.advice)
		resp.Diagnostics.AddAttributeError(req.Path, c.summary, detail)
	}
}

// number is the check of a whole number from the environment or, as a number, from the provider
// block. The framework's own type of whole numbers calls a fraction an error of the provider.
type number struct{ check }

func isNumber(minimum, maximum int) number {
	flaw := func(s string) error {
		if n, err := strconv.Atoi(s); err != nil || n < minimum || n > maximum {
			return fmt.Errorf("it is %q", s)
		}
		return nil
	}
	return number{check{"Invalid number", flaw, fmt.Sprintf("Use a whole number from %d to %d.", minimum, maximum)}}
}

// ValidateNumber refuses a number with a flaw.
func (n number) ValidateNumber(ctx context.Context, req validator.NumberRequest, resp *validator.NumberResponse) {
	if value := req.ConfigValue.ValueBigFloat(); value != nil {
		text := validator.StringRequest{Path: req.Path, ConfigValue: types.StringValue(value.Text('f', -1))}
		n.ValidateString(ctx, text, (*validator.StringResponse)(resp))
	}
}

// key returns the check of a key or a token.
func key(summary string) check {
	flaw := func(s string) error {
		if flaw := credential.KeyFlaw(s); flaw != "" {
			return errors.New("it " + flaw)
		}
		return nil
	}
	return check{summary, flaw, "Remove what was probably added when the value was copied."}
}

// isDuration returns the check of a duration up to a maximum.
func isDuration(maximum time.Duration) check {
	flaw := func(s string) error {
		if d, err := time.ParseDuration(s); err != nil || d <= 0 || d > maximum {
			return fmt.Errorf("%q isn't a duration above zero and of at most %dh", s, maximum/time.Hour)
		}
		return nil
	}
	return check{"Invalid duration", flaw, `Use one such as "30s" or "1m30s".`}
}

// isEndpoint returns the check of an endpoint, to which requests may have to be encrypted.
func isEndpoint(example string, encrypted bool) check {
	flaw := func(s string) error {
		endpoint, err := cas.ParseEndpoint(s)
		if err == nil && endpoint.Scheme != "https" && encrypted {
			return errors.New("requests to STS must be encrypted, so use https://")
		}
		return err
	}
	return check{"Invalid endpoint", flaw, fmt.Sprintf("Use a host name such as %q, with https:// and a port if needed.",
		example)}
}

func notObject(s string) error {
	if err := json.Unmarshal([]byte(s), new(map[string]any)); err != nil {
		return fmt.Errorf("it isn't a JSON object: %w", err)
	}
	return nil
}

// timeouts returns the timeouts block of the data source, the ephemeral resource or the action, for
// each of which the framework declares the same interface.
func timeouts(operation, what string) schema.SingleNestedBlock {
	return schema.SingleNestedBlock{Attributes: map[string]schema.Attribute{operation: schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "How long " + what + " may take, including every wait and every attempt: a Go " +
			"duration such as `90s` or `10m`. Default: `5m`.",
		Validators: []validator.String{stringvalidator.LengthAtLeast(1), isDuration(math.MaxInt64)},
	}}}
}
