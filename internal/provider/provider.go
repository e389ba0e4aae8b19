// Package provider implements what Terraform sees: the schema, the configuration, and errors that say what to do.
package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// Address is the provider's source address.
const Address = "registry.terraform.io/terraform-provider-cas/cas"

var (
	_ provider.ProviderWithValidateConfig     = (*casProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*casProvider)(nil)
	_ provider.ProviderWithActions            = (*casProvider)(nil)
)

// New returns a function that makes the provider, as Terraform's plugin server expects it.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &casProvider{version: version, getenv: os.Getenv} }
}

type casProvider struct {
	version string
	getenv  func(string) string
}

func (p *casProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "cas"
	resp.Version = p.version
}

func (p *casProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads from Alibaba Cloud's [Certificate Management Service](https://www.alibabacloud.com/help/en/ssl-certificate).",
		Attributes:          attributesOf(""),
		Blocks:              blocks(),
	}
}

// ValidateConfig refuses what can't work in any environment, so that terraform validate finds it.
func (p *casProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	r := newResolver(ctx, req.Config, func(string) string { return "" })
	r.validating = true
	r.resolve(ctx)
	resp.Diagnostics.Append(r.diags...)
}

// Configure sends nothing over the network. A value that is unknown before apply fails the read, not the provider, unless
// Terraform can defer the read.
func (p *casProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	r := newResolver(ctx, req.Config, p.getenv)
	ready := providerData{unknown: r.unknown()}
	if ready.unknown.HasError() && req.ClientCapabilities.DeferralAllowed {
		resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
	} else if !ready.unknown.HasError() {
		config, credentials := r.resolve(ctx)
		resp.Diagnostics.Append(r.diags...)
		if resp.Diagnostics.HasError() {
			return
		}
		config.Credentials = credential.New(credentials)
		config.UserAgent = userAgent(p.version, req.TerraformVersion, p.getenv("TF_APPEND_USER_AGENT"))
		ready.client = cas.New(config)
	}
	resp.DataSourceData, resp.EphemeralResourceData, resp.ActionData = ready, ready, ready
}

func (p *casProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newAssetCountDataSource}
}

func (p *casProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newAssetCountEphemeralResource}
}

func (p *casProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{newRequireAssetCountAction}
}

func (p *casProvider) Resources(context.Context) []func() resource.Resource { return nil }

// resolve makes the configurations of the client and of its credentials from the provider block and the environment.
func (r *resolver) resolve(ctx context.Context) (cas.Config, credential.Config) {
	source := r.credentials()
	source.Logger = newLogger(ctx, r.secrets...)
	timeout, _ := time.ParseDuration(r.text("request_timeout"))
	cacheDir, _ := os.UserCacheDir() // without one, the path below is relative, and the client logs that it can't use it
	return cas.Config{
		Endpoint:          r.endpoint(source.Source),
		Logger:            source.Logger,
		CacheDir:          filepath.Join(cacheDir, "terraform-provider-cas"),
		RequestsPerSecond: r.number("requests_per_second"),
		MaxRetries:        r.number("max_retries"),
		RequestTimeout:    timeout,
	}, source
}

func (r *resolver) endpoint(source credential.Source) *url.URL {
	region := r.lookup("region")
	id := r.use(region)
	if endpoint, err := cas.ParseEndpoint(r.text("endpoints.cas")); err == nil {
		return endpoint
	}
	if !region.set() && !r.validating {
		id = cmp.Or(source.Site().Region, id)
	}
	endpoint, _ := cas.Endpoint(id, "", false)
	return endpoint
}

// userAgent names the provider and Terraform to the service, and adds the text of TF_APPEND_USER_AGENT. Control characters
// would make the header invalid, so it keeps printable ASCII only.
func userAgent(version, terraform, appended string) string {
	agent := fmt.Sprintf("terraform-provider-cas/%s Terraform/%s %s", version, terraform, appended)
	notPrintable := func(r rune) bool { return r <= ' ' || r > '~' }
	return strings.Join(strings.FieldsFunc(agent, notPrintable), " ")
}
