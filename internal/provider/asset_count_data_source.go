package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/datasource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

var (
	_ datasource.DataSourceWithConfigure      = (*assetCountDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig = (*assetCountDataSource)(nil)
)

func newAssetCountDataSource() datasource.DataSource { return &assetCountDataSource{} }

type assetCountDataSource struct {
	configured configured
}

type assetCountModel struct {
	Point          types.Int64       `tfsdk:"point"`
	LastPoint      types.Int64       `tfsdk:"last_point"`
	PointChange    types.Int64       `tfsdk:"point_change"`
	PointRatio     types.Int64       `tfsdk:"point_ratio"`
	PointTime      types.Int64       `tfsdk:"point_time"`
	PointUpdatedAt timetypes.RFC3339 `tfsdk:"point_updated_at"`

	BuyCertificateCount    types.Int64 `tfsdk:"buy_certificate_count"`
	FreeCertificateCount   types.Int64 `tfsdk:"free_certificate_count"`
	UploadCertificateCount types.Int64 `tfsdk:"upload_certificate_count"`
	TotalCertificateCount  types.Int64 `tfsdk:"total_certificate_count"`

	AliyunAssetCount     types.Int64 `tfsdk:"aliyun_asset_count"`
	TencentAssetCount    types.Int64 `tfsdk:"tencent_asset_count"`
	HuaweiAssetCount     types.Int64 `tfsdk:"huawei_asset_count"`
	AwsAssetCount        types.Int64 `tfsdk:"aws_asset_count"`
	TotalCloudAssetCount types.Int64 `tfsdk:"total_cloud_asset_count"`
	DomainAssetCount     types.Int64 `tfsdk:"domain_asset_count"`

	RequestID types.String   `tfsdk:"request_id"`
	Timeouts  timeouts.Value `tfsdk:"timeouts"`
}

// defaultReadTimeout is how long a read may take where its timeouts block doesn't say.
const defaultReadTimeout = 5 * time.Minute

func (d *assetCountDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_asset_count"
}

func (d *assetCountDataSource) Schema(ctx context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	const orNull = " Null where the service doesn't send it."
	number := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the health score of an Alibaba Cloud account's certificates, and how many certificates and cloud " +
			"resources [Certificate Management Service](https://www.alibabacloud.com/help/en/ssl-certificate) knows of. It calls the " +
			"operation `GetAssetCount` (API version 2020-04-07).\n\n" +
			"What the service doesn't send is null, never zero.",
		Attributes: map[string]schema.Attribute{
			"point":        number("Health score of the account's certificates, in points: higher is better." + orNull),
			"last_point":   number("Previous health score, in points." + orNull),
			"point_change": number("Points by which the health score has changed: `point` less `last_point`. Null where either is null."),
			"point_ratio":  number("Health score ratio, as the service sends it. The service documents no scale." + orNull),
			"point_time": number("When the health score was updated, as the service sends it: Unix time, in milliseconds or in seconds " +
				"(see `point_updated_at`)." + orNull),
			"point_updated_at": schema.StringAttribute{
				Computed:   true,
				CustomType: timetypes.RFC3339Type{},
				MarkdownDescription: "When the health score was updated: `point_time` in whole seconds, UTC, in RFC 3339 as in `2026-01-06T06:33:30Z`. " +
					"A `point_time` of 100000000000 and more is taken for milliseconds, a smaller one for seconds. Null where `point_time` is null or " +
					"isn't a time of the years 0 to 9999.",
			},
			"buy_certificate_count":    number("Number of paid certificates." + orNull),
			"free_certificate_count":   number("Number of free certificates." + orNull),
			"upload_certificate_count": number("Number of uploaded certificates." + orNull),
			"total_certificate_count":  number("Number of paid, free and uploaded certificates together. Null where any of the three is null."),
			"aliyun_asset_count":       number("Number of cloud resources in Alibaba Cloud." + orNull),
			"tencent_asset_count":      number("Number of cloud resources in Tencent Cloud." + orNull),
			"huawei_asset_count":       number("Number of cloud resources in Huawei Cloud." + orNull),
			"aws_asset_count":          number("Number of cloud resources in AWS." + orNull),
			"total_cloud_asset_count":  number("Number of cloud resources in the four clouds together. Null where any of the four is null."),
			"domain_asset_count":       number("Number of domain name resources." + orNull),
			"request_id": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "ID of the request that was answered, for Alibaba Cloud's support. It differs with every read, so an output of the whole " +
					"data source shows a change on every plan." + orNull,
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.BlockWithOpts(ctx, timeouts.Opts{
				ReadDescription: "How long a read may take in all, with every wait and every further attempt: a Go duration such as `90s` or `10m`. Default: `5m`.",
			}),
		},
	}
}

func (d *assetCountDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	// Terraform validates data sources without configuring the provider; there is nothing yet then.
	d.configured, _ = req.ProviderData.(configured)
}

// ValidateConfig refuses a timeout in which nothing can be read.
func (d *assetCountDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var limits timeouts.Value
	if diags := req.Config.GetAttribute(ctx, path.Root("timeouts"), &limits); diags.HasError() {
		return // the schema's own validation says so
	}
	if timeout, diags := limits.Read(ctx, defaultReadTimeout); !diags.HasError() && timeout <= 0 {
		resp.Diagnostics.AddAttributeError(path.Root("timeouts").AtName("read"), "Read timeout too short",
			"read is "+timeout.String()+", which leaves no time for an answer. Use a duration above zero, such as \"5m\".")
	}
}

func (d *assetCountDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model assetCountModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	resp.Diagnostics.Append(d.configured.unknown...)
	timeout, diags := model.Timeouts.Read(ctx, defaultReadTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, reading{}, true), timeout)
	defer cancel()

	count, err := d.configured.client.GetAssetCount(ctx)
	if err != nil {
		resp.Diagnostics.Append(diagnose(err))
		return
	}
	model.set(count)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

func (m *assetCountModel) set(c *cas.AssetCount) {
	m.Point = types.Int64PointerValue(c.Point)
	m.LastPoint = types.Int64PointerValue(c.LastPoint)
	m.PointChange = types.Int64PointerValue(c.PointChange)
	m.PointRatio = types.Int64PointerValue(c.PointRatio)
	m.PointTime = types.Int64PointerValue(c.PointTime)
	m.PointUpdatedAt = timetypes.NewRFC3339TimePointerValue(c.PointUpdatedAt)
	m.BuyCertificateCount = types.Int64PointerValue(c.BuyCertificateCount)
	m.FreeCertificateCount = types.Int64PointerValue(c.FreeCertificateCount)
	m.UploadCertificateCount = types.Int64PointerValue(c.UploadCertificateCount)
	m.TotalCertificateCount = types.Int64PointerValue(c.TotalCertificateCount)
	m.AliyunAssetCount = types.Int64PointerValue(c.AliyunAssetCount)
	m.TencentAssetCount = types.Int64PointerValue(c.TencentAssetCount)
	m.HuaweiAssetCount = types.Int64PointerValue(c.HuaweiAssetCount)
	m.AwsAssetCount = types.Int64PointerValue(c.AwsAssetCount)
	m.TotalCloudAssetCount = types.Int64PointerValue(c.TotalCloudAssetCount)
	m.DomainAssetCount = types.Int64PointerValue(c.DomainAssetCount)
	m.RequestID = types.StringPointerValue(c.RequestID)
}

// configured is what the provider hands to its data sources: a client, or why there is none before apply.
type configured struct {
	client  *cas.Client
	unknown diag.Diagnostics
}
