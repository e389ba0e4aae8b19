package provider

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	ephemeralschema "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

var (
	_ datasource.DataSourceWithConfigure       = (*dataSource)(nil)
	_ ephemeral.EphemeralResourceWithConfigure = (*ephemeralCount)(nil)
)

const neverZero = "\n\nWhat the service doesn't send is null, never zero."

type dataSource struct{ data providerData }

func (d *dataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_asset_count"
}

func (d *dataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the health score of an Alibaba Cloud account's certificates and how many certificates " +
			"and cloud resources [Certificate Management Service](https://www.alibabacloud.com/help/en/ssl-certificate) " +
			"knows of. It calls the operation `GetAssetCount` (API version 2020-04-07)." + neverZero,
		Attributes: map[string]schema.Attribute{},
		Blocks:     map[string]schema.Block{"timeouts": timeouts("read", "a read")},
	}
	for _, attribute := range attributes(new(cas.AssetCount)) {
		resp.Schema.Attributes[attribute.name] = attribute.schema
	}
}

// Configure has no data while Terraform validates, because it hasn't configured the provider then.
func (d *dataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.data, _ = req.ProviderData.(providerData)
}

func (d *dataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	resp.Diagnostics.Append(d.data.read(ctx, req.Config, "read", resp.State.SetAttribute)...)
}

type ephemeralCount struct{ data providerData }

func (r *ephemeralCount) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_asset_count"
}

func (r *ephemeralCount) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = ephemeralschema.Schema{
		MarkdownDescription: "Reads what the data source `cas_asset_count` reads, while Terraform plans **and again while " +
			"it applies**, so that a condition also holds for a saved plan. Neither plan nor state holds values." + neverZero,
		Attributes: map[string]ephemeralschema.Attribute{},
		Blocks:     map[string]ephemeralschema.Block{"timeouts": timeouts("open", "opening")},
	}
	for _, attribute := range attributes(new(cas.AssetCount)) {
		resp.Schema.Attributes[attribute.name] = attribute.schema
	}
}

func (r *ephemeralCount) Configure(_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse) {
	r.data, _ = req.ProviderData.(providerData)
}

func (r *ephemeralCount) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	resp.Diagnostics.Append(r.data.read(ctx, req.Config, "open", resp.Result.SetAttribute)...)
}

// attribute is an attribute of the data source and of the ephemeral resource, for which the
// framework declares the same interface.
type attribute struct {
	name   string
	value  attr.Value
	schema schema.Attribute
}

// attributes returns a response as attributes. Their names and schemas don't depend on it.
func attributes(c *cas.AssetCount) []attribute {
	const orNull = " Null if the service doesn't send it."
	computed := func(name string, n *int64, text string) attribute {
		return attribute{name, types.Int64PointerValue(n), schema.Int64Attribute{Computed: true, MarkdownDescription: text}}
	}
	sent := func(name string, n *int64, text string) attribute { return computed(name, n, text+orNull) }
	return []attribute{
		sent("point", c.Point, "Health score of the account's certificates, in points: higher is better."),
		sent("last_point", c.LastPoint, "Previous health score, in points."),
		computed("point_change", c.PointChange, "Change of the score: `point` less `last_point`. Null if either is null."),
		sent("point_ratio", c.PointRatio, "Health score ratio, as the service sends it. The service documents no scale."),
		sent("point_time", c.PointTime, "Unix time of the score as the service sends it, in milliseconds or in seconds."),
		{"point_updated_at", timetypes.NewRFC3339TimePointerValue(c.PointUpdatedAt), schema.StringAttribute{
			Computed:   true,
			CustomType: timetypes.RFC3339Type{},
			MarkdownDescription: "When the health score was updated: `point_time` in whole seconds, UTC, in RFC 3339 as in " +
				"`2026-01-06T06:33:30Z`. A `point_time` of 100000000000 and more is in milliseconds, a smaller one in " +
				"seconds. Null if `point_time` is null or isn't a time of the years 0 to 9999.",
		}},
		sent("buy_certificate_count", c.BuyCertificateCount, "Number of paid certificates."),
		sent("free_certificate_count", c.FreeCertificateCount, "Number of free certificates."),
		sent("upload_certificate_count", c.UploadCertificateCount, "Number of uploaded certificates."),
		computed("total_certificate_count", c.TotalCertificateCount, "Number of paid, free and uploaded certificates "+
			"together. Null if any of the three is null."),
		sent("aliyun_asset_count", c.AliyunAssetCount, "Number of cloud resources in Alibaba Cloud."),
		sent("tencent_asset_count", c.TencentAssetCount, "Number of cloud resources in Tencent Cloud."),
		sent("huawei_asset_count", c.HuaweiAssetCount, "Number of cloud resources in Huawei Cloud."),
		sent("aws_asset_count", c.AwsAssetCount, "Number of cloud resources in AWS."),
		computed("total_cloud_asset_count", c.TotalCloudAssetCount, "Number of cloud resources in all clouds "+
			"together. Null if that of any cloud is null."),
		sent("domain_asset_count", c.DomainAssetCount, "Number of domain name resources."),
		{"request_id", types.StringPointerValue(c.RequestID), schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "ID of the request, for Alibaba Cloud's support. It differs for every read." + orNull,
		}},
	}
}

// boundable returns the numbers that the action can bound: all but a time of undocumented unit.
func boundable(c *cas.AssetCount) (names []string, values map[string]types.Int64) {
	values = map[string]types.Int64{}
	for _, a := range attributes(c) {
		if value, number := a.value.(types.Int64); number && a.name != "point_time" {
			names, values[a.name] = append(names, a.name), value
		}
	}
	return names, values
}

// providerData is what reads get from the provider: a client, or why there is none.
type providerData struct {
	client    *cas.Client
	unknown   diag.Diagnostics // the arguments that are unknown until apply
	invalid   diag.Diagnostics // the errors of the environment
	explained *explained       // what other reads have explained
}

// read calls the service, and passes each attribute to store.
func (d providerData) read(ctx context.Context, config tfsdk.Config, operation string,
	store func(context.Context, path.Path, any) diag.Diagnostics,
) diag.Diagnostics {
	count, diags := d.assetCount(ctx, config, operation)
	if diags.HasError() {
		return diags
	}
	if *count == (cas.AssetCount{RequestID: count.RequestID}) {
		diags.AddWarning("No asset counts in the response", "The service sent none of the counts, so all attributes but "+
			"request_id are null. A condition that accepts null is met.")
	}
	for _, attribute := range attributes(count) {
		diags.Append(store(ctx, path.Root(attribute.name), attribute.value)...)
	}
	return diags
}

// assetCount calls the service. The operation is the argument's name in the timeouts block.
func (d providerData) assetCount(
	ctx context.Context, config tfsdk.Config, operation string,
) (*cas.AssetCount, diag.Diagnostics) {
	var text types.String
	diags := config.GetAttribute(ctx, path.Root("timeouts").AtName(operation), &text)
	diags.Append(d.explained.all(slices.Concat(d.unknown, d.invalid))...)
	if diags.HasError() {
		return nil, diags
	}
	timeout, _ := time.ParseDuration(cmp.Or(text.ValueString(), "5m")) // the schema has checked it
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, reading{}, true), timeout)
	defer cancel()
	count, err := d.client.GetAssetCount(ctx)
	if err != nil {
		draft := about(err)
		diags.Append(d.explained.first(draft.cause, draft.diagnostic()))
	}
	return count, diags
}
