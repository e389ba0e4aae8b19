package provider

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

// providerData is what the provider passes to its data source, ephemeral resource and action: a
// client, or why there is none.
type providerData struct {
	client  *cas.Client
	unknown diag.Diagnostics // the arguments that are unknown until apply
	invalid diag.Diagnostics // the errors of the environment
	told    *told            // what other reads of this process have explained
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
	diags.Append(d.told.all(slices.Concat(d.unknown, d.invalid))...)
	if diags.HasError() {
		return nil, diags
	}
	timeout, err := time.ParseDuration(text.ValueString())
	if err != nil { // it is null, since the schema refuses what isn't a duration
		timeout = 5 * time.Minute
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, reading{}, true), timeout)
	defer cancel()
	count, err := d.client.GetAssetCount(ctx)
	if err != nil {
		r := about(err)
		diags.Append(d.told.first(r.cause, r.diagnostic()))
	}
	return count, diags
}
