// Package provider is what Terraform sees: the schema, the configuration, and errors that say what to do.
package provider

import (
	"context"
	"maps"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

// Address is the provider's source address.
const Address = "registry.terraform.io/terraform-provider-cas/cas"

var (
	_ provider.ProviderWithValidateConfig     = (*casProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*casProvider)(nil)
)

// New returns the provider of a version.
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
		Attributes: map[string]schema.Attribute{
			"region": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Region whose endpoint is asked. Default: `cn-hangzhou`, for accounts of the China site; an account of the international " +
					"site uses `ap-southeast-1`. Environment: `ALIBABA_CLOUD_REGION`, `ALICLOUD_REGION`.",
			},
			"requests_per_second": schema.NumberAttribute{
				Optional: true,
				MarkdownDescription: "The most calls in any one second, of all processes of this user on this machine: a whole number from 1 to 100. Default: `10`, which " +
					"is what the service allows an account; lower it to leave room for other tools of the account. Environment: `CAS_REQUESTS_PER_SECOND`.",
			},
			"max_retries": schema.NumberAttribute{
				Optional: true,
				MarkdownDescription: "How often a temporary failure other than throttling is tried again: a whole number from 0 to 20. Default: `5`. Throttled calls are " +
					"tried again until the read's time is up. Environment: `CAS_MAX_RETRIES`.",
			},
			"request_timeout": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "How long one attempt may take, from connecting to the end of the answer: a Go duration such as `10s`, at most `1h`. Default: `30s`. Environment: `CAS_REQUEST_TIMEOUT`.",
			},
		},
		Blocks: map[string]schema.Block{
			"endpoints": schema.SingleNestedBlock{
				MarkdownDescription: "Endpoints to use instead of the region's: a host name with or without a port and `https://`.",
				Attributes: map[string]schema.Attribute{
					"cas": schema.StringAttribute{
						Optional: true,
						MarkdownDescription: "Endpoint of Certificate Management Service, such as `cas-vpc.cn-hangzhou.aliyuncs.com`. `http://` is for loopback addresses " +
							"only. Environment: `ALIBABA_CLOUD_ENDPOINT_CAS`, `CAS_ENDPOINT`.",
					},
					"sts": schema.StringAttribute{
						Optional:            true,
						MarkdownDescription: "Endpoint of Security Token Service, where roles are assumed, such as `sts.ap-southeast-1.aliyuncs.com`. Default: `sts.aliyuncs.com`.",
					},
				},
			},
		},
	}
	maps.Copy(resp.Schema.Attributes, credentialAttributes())
	maps.Copy(resp.Schema.Blocks, credentialBlocks())
}

// ValidateConfig refuses what can't work whatever the environment says, so that terraform validate finds it.
func (p *casProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(model.validate(ctx)...)
	}
}

// Configure does no network. What is unknown before apply fails the read that needs it, not the provider, unless
// Terraform can defer the read.
func (p *casProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	config, unknown, diags := model.resolve(ctx, p.getenv)
	resp.Diagnostics.Append(diags...)
	switch {
	case resp.Diagnostics.HasError():
		return
	case unknown.HasError() && req.ClientCapabilities.DeferralAllowed:
		resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
		return
	case unknown.HasError():
		resp.DataSourceData = configured{unknown: unknown}
		resp.EphemeralResourceData = resp.DataSourceData
		return
	}
	config.UserAgent = userAgent(p.version, req.TerraformVersion, p.getenv("TF_APPEND_USER_AGENT"))
	resp.DataSourceData = configured{client: cas.New(config)}
	resp.EphemeralResourceData = resp.DataSourceData
}

func (p *casProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newAssetCountDataSource}
}

func (p *casProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newAssetCountEphemeralResource}
}

func (p *casProvider) Resources(context.Context) []func() resource.Resource { return nil }
