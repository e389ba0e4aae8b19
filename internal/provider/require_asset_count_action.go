package provider

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

var (
	_ action.ActionWithConfigure      = (*boundsAction)(nil)
	_ action.ActionWithValidateConfig = (*boundsAction)(nil)
	_ action.ActionWithModifyPlan     = (*boundsAction)(nil)
)

type boundsAction struct{ data providerData }

// bound is an element of minimum or maximum. In limits, it has only what all elements of one share.
type bound struct {
	argument, words, summary string

	fails  int        // how a value that is out of bounds compares with the bound
	name   string     // of the attribute
	number *big.Float // nil while it is unknown
}

// limits are the arguments, in the order in which boundsOf reads them.
var limits = []bound{
	{argument: "minimum", words: "at least", summary: "Asset count below the minimum", fails: -1},
	{argument: "maximum", words: "at most", summary: "Asset count above the maximum", fails: +1},
}

func (b bound) path() path.Path { return path.Root(b.argument).AtMapKey(b.name) }

func (a *boundsAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_require_asset_count"
}

func (a *boundsAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads what the data source `cas_asset_count` reads, whenever Terraform invokes the action, " +
			"and fails if a value is below its minimum, above its maximum, or null. Before a change of a resource, that " +
			"stops the change.\n\nNothing is read while Terraform plans. Neither the plan nor the state holds the values.",
		Attributes: map[string]schema.Attribute{},
		Blocks:     map[string]schema.Block{"timeouts": timeouts("invoke", "an invocation")},
	}
	names, _ := boundable(new(cas.AssetCount))
	for _, limit := range limits {
		// A map, because in a nested attribute, Terraform would ignore a misspelled name and its bound.
		resp.Schema.Attributes[limit.argument] = schema.MapAttribute{
			Optional: true, ElementType: types.NumberType,
			MarkdownDescription: "Whole numbers that values of the data source have to be " + limit.words + ", by the names " +
				"of the attributes: `" + strings.Join(names, "`, `") + "`.",
		}
	}
}

func (a *boundsAction) Configure(_ context.Context, req action.ConfigureRequest, _ *action.ConfigureResponse) {
	a.data, _ = req.ProviderData.(providerData)
}

// ValidateConfig refuses bounds that no values can meet.
func (a *boundsAction) ValidateConfig(
	ctx context.Context, req action.ValidateConfigRequest, resp *action.ValidateConfigResponse,
) {
	_, diags := boundsOf(ctx, req.Config)
	resp.Diagnostics.Append(diags...)
}

// ModifyPlan reports what would certainly fail the invocation: an unknown argument of the provider
// may be known by then. Bounds that were unknown while Terraform validated may be known now.
func (a *boundsAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	_, diags := boundsOf(ctx, req.Config)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(a.data.explained.all(a.data.invalid)...)
}

// Invoke reads the values, and reports each that is out of bounds.
func (a *boundsAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	bounds, diags := boundsOf(ctx, req.Config)
	var count *cas.AssetCount
	if !diags.HasError() {
		count, diags = a.data.assetCount(ctx, req.Config, "invoke")
	}
	resp.Diagnostics.Append(diags...)
	if diags.HasError() {
		return
	}
	_, values := boundable(count)
	var found []string
	for _, b := range bounds {
		value := values[b.name]
		is := strings.Trim(value.String(), "<>") // which are around null
		text := fmt.Sprintf("%s is %s, and has to be %s %s", b.name, is, b.words, b.number.Text('f', 0))
		found = append(found, text)
		if value.IsNull() {
			resp.Diagnostics.AddAttributeError(b.path(), "Missing asset count",
				text+". The service didn't send it, or didn't send a value that it is computed from.")
		} else if new(big.Float).SetInt64(value.ValueInt64()).Cmp(b.number) == b.fails {
			resp.Diagnostics.AddAttributeError(b.path(), b.summary, text+".")
		}
	}
	resp.SendProgress(action.InvokeProgressEvent{Message: strings.Join(found, "; ")})
}

// boundsOf returns the bounds, and reports what is wrong with them whatever the values are.
func boundsOf(ctx context.Context, config tfsdk.Config) (bounds []bound, diags diag.Diagnostics) {
	unknown := false
	names, _ := boundable(new(cas.AssetCount))
	for _, b := range limits {
		var numbers types.Map
		diags.Append(config.GetAttribute(ctx, path.Root(b.argument), &numbers)...)
		unknown = unknown || numbers.IsUnknown()
		for _, name := range slices.Sorted(maps.Keys(numbers.Elements())) {
			number, _ := numbers.Elements()[name].(types.Number)
			b.name, b.number = name, number.ValueBigFloat()
			if !slices.Contains(names, name) {
				diags.AddAttributeError(b.path(), "Unknown asset count", fmt.Sprintf(
					"%s names %q; use one of %s.", b.argument, name, strings.Join(names, ", ")))
			}
			if b.number != nil && !b.number.IsInt() {
				diags.AddAttributeError(b.path(), "Invalid number",
					fmt.Sprintf("Use a whole number, not %s.", b.number.Text('f', -1)))
			}
			for _, minimum := range bounds {
				if minimum.name == name && minimum.number != nil && b.number != nil && minimum.number.Cmp(b.number) > 0 {
					diags.AddAttributeError(minimum.path(), "Minimum above the maximum",
						fmt.Sprintf("%s can't be both at least %s and at most %s.",
							name, minimum.number.Text('f', -1), b.number.Text('f', -1)))
				}
			}
			if !number.IsNull() {
				bounds = append(bounds, b)
			}
		}
	}
	if len(bounds) == 0 && !unknown && !diags.HasError() {
		diags.AddError("Missing bound", "Set at least one bound, such as minimum = { point = 80 }.")
	}
	return bounds, diags
}
