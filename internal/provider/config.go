package provider

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// Defaults of the provider block.
const (
	defaultRegion            = "cn-hangzhou"
	defaultRequestsPerSecond = 10 // what the service allows an account
	defaultMaxRetries        = 5
	defaultRequestTimeout    = 30 * time.Second
	mostRequestTimeout       = time.Hour // a killed process keeps its place in the budget for as long
)

type providerModel struct {
	Region            types.String `tfsdk:"region"`
	RequestsPerSecond types.Number `tfsdk:"requests_per_second"`
	MaxRetries        types.Number `tfsdk:"max_retries"`
	RequestTimeout    types.String `tfsdk:"request_timeout"`
	Endpoints         types.Object `tfsdk:"endpoints"`

	AccessKey             types.String `tfsdk:"access_key"`
	SecretKey             types.String `tfsdk:"secret_key"`
	SecurityToken         types.String `tfsdk:"security_token"`
	Profile               types.String `tfsdk:"profile"`
	SharedCredentialsFile types.String `tfsdk:"shared_credentials_file"`
	CredentialsURI        types.String `tfsdk:"credentials_uri"`
	ECSRoleName           types.String `tfsdk:"ecs_role_name"`
	OIDC                  types.Object `tfsdk:"assume_role_with_oidc"`
	AssumeRole            types.Object `tfsdk:"assume_role"`
}

type endpointsModel struct {
	CAS types.String `tfsdk:"cas"`
	STS types.String `tfsdk:"sts"`
}

// setting is a value and where it was set.
type setting struct {
	value   string
	path    path.Path // in the provider block
	env     string    // the variable, where the block doesn't set it
	unknown bool      // before apply
}

// set tells whether the setting is set for certain.
func (s setting) set() bool { return s.value != "" }

// given tells whether the setting is set, or may turn out to be.
func (s setting) given() bool { return s.set() || s.unknown }

// source names the place in full.
func (s setting) source() string {
	if s.env != "" {
		return s.env
	}
	return s.path.String() + " in the provider block"
}

// String names the place as its user knows it.
func (s setting) String() string {
	if s.env != "" {
		return s.env
	}
	return s.path.String()
}

// resolver reads settings, each from the provider block or else from the environment, and gathers all that is wrong.
type resolver struct {
	getenv     func(string) string
	validating bool // before there is anything but the configuration
	diags      diag.Diagnostics
	unknown    diag.Diagnostics
}

// lookup returns an argument's value; null and "" fall through to the first variable that isn't empty.
func (r *resolver) lookup(at path.Path, value attr.Value, variables ...string) setting {
	return r.orVariable(r.inBlock(at, value, variables...), variables...)
}

// inBlock returns an argument's value. Where it is unknown, instead are the variables to use in its place.
func (r *resolver) inBlock(at path.Path, value attr.Value, instead ...string) setting {
	if value.IsUnknown() {
		r.unknown.AddAttributeError(at, "Unknown provider argument",
			fmt.Sprintf("%s depends on a value that Terraform learns only during apply, so the certificate asset counts can't be read yet. "+
				"Use a value that is known at plan time%s, or let a data source wait for apply with a depends_on.", at, orUse(instead)))
		return setting{path: at, unknown: true}
	}
	return setting{value: text(value), path: at}
}

// orVariable returns s, or the first variable that isn't empty where s isn't set.
func (r *resolver) orVariable(s setting, variables ...string) setting {
	for _, variable := range variables {
		if s.given() {
			break
		}
		if value := r.getenv(variable); value != "" {
			s.value, s.env = value, variable
		}
	}
	return s
}

func orUse(variables []string) string {
	if len(variables) == 0 {
		return ""
	}
	return ", set " + variables[0] + " instead"
}

func text(value attr.Value) string {
	if value.IsNull() {
		return ""
	}
	switch v := value.(type) {
	case types.String:
		return v.ValueString()
	case types.Number:
		return v.ValueBigFloat().Text('f', -1)
	}
	return ""
}

// refuse reports what is wrong with a setting: why, and what to do.
func (r *resolver) refuse(s setting, summary, detail string) {
	r.diags.AddAttributeError(s.path, summary, detail)
}

func (r *resolver) number(s setting, fallback, least, most int) int {
	if s.value == "" {
		return fallback
	}
	n, err := strconv.Atoi(s.value)
	if err != nil || n < least || n > most {
		given := s.value
		if s.env != "" {
			given = strconv.Quote(given)
		}
		r.refuse(s, "Invalid number", fmt.Sprintf("%s is %s. It must be a whole number from %d to %d.", s, given, least, most))
	}
	return n
}

func (r *resolver) duration(s setting, fallback, most time.Duration) time.Duration {
	if s.value == "" {
		return fallback
	}
	d, err := time.ParseDuration(s.value)
	if err != nil || d <= 0 || d > most {
		r.refuse(s, "Invalid duration", fmt.Sprintf("%s is %q. It must be a duration above zero and of at most %s, such as \"30s\" or \"1m30s\".", s, s.value, most))
	}
	return d
}

// resolve makes the client's configuration of the provider block and the environment. What is unknown before apply comes
// back as errors for the read that needs it.
func (m providerModel) resolve(ctx context.Context, getenv func(string) string) (config cas.Config, unknown, diags diag.Diagnostics) {
	r := &resolver{getenv: getenv}
	var endpoints endpointsModel
	r.block(ctx, path.Root("endpoints"), m.Endpoints, &endpoints)
	source := r.credentials(ctx, m)
	source.STSEndpoint = r.stsEndpoint(r.lookup(path.Root("endpoints").AtName("sts"), endpoints.STS))
	source.Logger = newLogger(ctx, secrets(source)...)
	config = r.limits(m)
	config.Endpoint, config.Logger, config.CacheDir = r.endpoint(m, endpoints), source.Logger, cacheDir()
	if r.diags.HasError() || r.unknown.HasError() {
		return config, r.unknown, r.diags
	}
	var err error
	if config.Credentials, err = credential.New(source); err != nil {
		r.diags.Append(diagnose(err))
	}
	return config, r.unknown, r.diags
}

// validate checks what the block says, as far as it is known.
func (m providerModel) validate(ctx context.Context) diag.Diagnostics {
	r := &resolver{getenv: func(string) string { return "" }, validating: true}
	var endpoints endpointsModel
	r.block(ctx, path.Root("endpoints"), m.Endpoints, &endpoints)
	r.credentials(ctx, m)
	r.stsEndpoint(r.lookup(path.Root("endpoints").AtName("sts"), endpoints.STS))
	r.endpoint(m, endpoints)
	r.limits(m)
	return r.diags
}

// limits reads what bounds the calls of the client.
func (r *resolver) limits(m providerModel) cas.Config {
	return cas.Config{
		RequestsPerSecond: r.number(r.lookup(path.Root("requests_per_second"), m.RequestsPerSecond, "CAS_REQUESTS_PER_SECOND"), defaultRequestsPerSecond, 1, 100),
		MaxRetries:        r.number(r.lookup(path.Root("max_retries"), m.MaxRetries, "CAS_MAX_RETRIES"), defaultMaxRetries, 0, 20),
		RequestTimeout:    r.duration(r.lookup(path.Root("request_timeout"), m.RequestTimeout, "CAS_REQUEST_TIMEOUT"), defaultRequestTimeout, mostRequestTimeout),
	}
}

const regionIDs = `^[a-z]{2}-[a-z0-9]+(-[a-z0-9]+)*$`

func (r *resolver) endpoint(m providerModel, endpoints endpointsModel) *url.URL {
	region := r.lookup(path.Root("region"), m.Region, "ALIBABA_CLOUD_REGION", "ALICLOUD_REGION")
	if region.value != "" && !regexp.MustCompile(regionIDs).MatchString(region.value) {
		r.refuse(region, "Invalid region", fmt.Sprintf("%s is %q, which isn't the ID of a region. "+
			"Use an ID such as \"cn-hangzhou\" (China site) or \"ap-southeast-1\" (international site).", region, region.value))
	}
	address := r.lookup(path.Root("endpoints").AtName("cas"), endpoints.CAS, "ALIBABA_CLOUD_ENDPOINT_CAS", "CAS_ENDPOINT")
	if address.value == "" {
		if region.value == "" {
			region.value = defaultRegion
		}
		return cas.Endpoint(region.value)
	}
	endpoint, err := cas.ParseEndpoint(address.value)
	if err != nil {
		r.refuse(address, "Invalid endpoint", fmt.Sprintf("%s is %q, which can't be used as an endpoint: %s. "+
			"Use a host name such as \"cas.aliyuncs.com\", with a port and https:// where needed.", address, publicPart(address.value), err))
	}
	return endpoint
}

// cacheDir is where the processes of this user meet. Where the user has no such folder it is a relative path, which the
// client says in the log that it can't use.
func cacheDir() string {
	dir, _ := os.UserCacheDir()
	return filepath.Join(dir, "terraform-provider-cas")
}

// userAgent tells the service who asks: the provider, Terraform, and what TF_APPEND_USER_AGENT adds.
func userAgent(version, terraform, appended string) string {
	agent := "terraform-provider-cas/" + version
	if terraform != "" {
		agent += " Terraform/" + terraform
	}
	// A control character would make the header invalid.
	return strings.Join(strings.Fields(agent+" "+strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, appended)), " ")
}
