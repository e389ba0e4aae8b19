package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

var _ datasource.DataSourceWithConfigure = (*dataSource)(nil)

type dataSource struct{ data providerData }

func newDataSource() datasource.DataSource { return &dataSource{} }

func (d *dataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_asset_count"
}

func (d *dataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the health score of an Alibaba Cloud account's certificates, and how many " +
			"certificates and cloud resources [Certificate Management " +
			"Service](https://www.alibabacloud.com/help/en/ssl-certificate) knows of. It calls the operation " +
			"`GetAssetCount` (API version 2020-04-07).\n\n" + neverZero,
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
