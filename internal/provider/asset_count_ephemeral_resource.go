package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

var _ ephemeral.EphemeralResourceWithConfigure = (*ephemeralResource)(nil)

type ephemeralResource struct{ data providerData }

func newEphemeralResource() ephemeral.EphemeralResource { return &ephemeralResource{} }

func (r *ephemeralResource) Metadata(
	_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_asset_count"
}

func (r *ephemeralResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads what the data source `cas_asset_count` reads, while Terraform plans **and again while " +
			"it applies**, so that a condition on it also holds when a saved plan is applied. Neither the plan nor the state " +
			"holds the values.\n\n" + neverZero,
		Attributes: map[string]schema.Attribute{},
		Blocks:     map[string]schema.Block{"timeouts": timeouts("open", "opening")},
	}
	for _, attribute := range attributes(new(cas.AssetCount)) {
		resp.Schema.Attributes[attribute.name] = attribute.schema
	}
}

// Configure has no data while Terraform validates, because it hasn't configured the provider then.
func (r *ephemeralResource) Configure(
	_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse,
) {
	r.data, _ = req.ProviderData.(providerData)
}

func (r *ephemeralResource) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	resp.Diagnostics.Append(r.data.read(ctx, req.Config, "open", resp.Result.SetAttribute)...)
}
