package provider

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/helpers/validatordiag"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

var (
	_ action.ActionWithConfigure      = (*requireAssetCountAction)(nil)
	_ action.ActionWithValidateConfig = (*requireAssetCountAction)(nil)
	_ action.ActionWithModifyPlan     = (*requireAssetCountAction)(nil)
)

func newRequireAssetCountAction() action.Action { return &requireAssetCountAction{} }

type requireAssetCountAction struct {
	data providerData
}

// limit is one of the two arguments with bounds.
type limit struct {
	name, words, summary string

	fails  int       // how a value that is out of bounds compares with its bound
	bounds types.Map // by the names of attributes
}

func newLimits() []limit {
	return []limit{
		{name: "minimum", words: "at least", summary: "Asset count below the minimum", fails: -1},
		{name: "maximum", words: "at most", summary: "Asset count above the maximum", fails: +1},
	}
}

// bound returns the bound on an attribute.
func (l limit) bound(name string) types.Number {
	if l.bounds.IsUnknown() {
		return types.NumberUnknown()
	}
	bound, _ := l.bounds.Elements()[name].(types.Number) // null if there is none
	return bound
}

func (l limit) path(name string) path.Path { return path.Root(l.name).AtMapKey(name) }

func (a *requireAssetCountAction) Metadata(
	_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_require_asset_count"
}

func (a *requireAssetCountAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads what the data source `cas_asset_count` reads, whenever Terraform invokes the action, and " +
			"fails if a value is below its minimum, above its maximum, or null. Before a change of a resource, that stops the " +
			"change.\n\nNothing is read while Terraform plans. Neither the plan nor the state holds the values.",
		Attributes: map[string]schema.Attribute{},
		Blocks:     map[string]schema.Block{"timeouts": timeouts("invoke", "an invocation")},
	}
	for _, limit := range newLimits() {
		// In a nested attribute, Terraform ignores a name that isn't in the schema, and with it the
		// bound.
		resp.Schema.Attributes[limit.name] = schema.MapAttribute{Optional: true, ElementType: types.NumberType,
			MarkdownDescription: fmt.Sprintf("Whole numbers that values of the data source have to be %s, by the names of the "+
				"attributes: `%s`.", limit.words, strings.Join(boundNames(), "`, `"))}
	}
}

func (a *requireAssetCountAction) Configure(
	_ context.Context, req action.ConfigureRequest, _ *action.ConfigureResponse,
) {
	// There is no data while Terraform validates, because it hasn't configured the provider then.
	a.data, _ = req.ProviderData.(providerData)
}

// ValidateConfig refuses bounds that no values can meet.
func (a *requireAssetCountAction) ValidateConfig(
	ctx context.Context, req action.ValidateConfigRequest, resp *action.ValidateConfigResponse,
) {
	_, diags := limitsOf(ctx, req.Config)
	resp.Diagnostics.Append(diags...)
}

// ModifyPlan reports what would certainly fail the invocation: an unknown argument of the provider
// may be known by then.
func (a *requireAssetCountAction) ModifyPlan(
	ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse,
) {
	_, diags := limitsOf(ctx, req.Config) // Terraform validates with variables that are unknown
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(a.data.told.all(a.data.invalid)...)
}

// Invoke reads the values, and reports each that is out of bounds.
func (a *requireAssetCountAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	limits, diags := limitsOf(ctx, req.Config) // some bounds may have been unknown until now
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	count, diags := a.data.assetCount(ctx, req.Config, "invoke")
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	var found []string
	for _, limit := range limits {
		for _, attribute := range boundable(count) {
			bound := limit.bound(attribute.name).ValueBigFloat()
			if bound == nil {
				continue
			}
			value, _ := attribute.value.(types.Int64)
			is := value.String()
			if value.IsNull() {
				is = "null"
			}
			text := fmt.Sprintf("%s is %s, and has to be %s %s", attribute.name, is, limit.words, bound.Text('f', 0))
			found = append(found, text)
			if value.IsNull() {
				resp.Diagnostics.AddAttributeError(limit.path(attribute.name), "Missing asset count",
					text+". The service didn't send it, or didn't send a value that it is computed from.")
			} else if new(big.Float).SetInt64(value.ValueInt64()).Cmp(bound) == limit.fails {
				resp.Diagnostics.AddAttributeError(limit.path(attribute.name), limit.summary, text+".")
			}
		}
	}
	resp.SendProgress(action.InvokeProgressEvent{Message: strings.Join(found, "; ")})
}

// limitsOf returns the two arguments, and reports what is wrong with them whatever the values are.
func limitsOf(ctx context.Context, config tfsdk.Config) ([]limit, diag.Diagnostics) {
	var diags diag.Diagnostics
	limits, bounded := newLimits(), false
	for i, limit := range limits {
		diags.Append(config.GetAttribute(ctx, path.Root(limit.name), &limits[i].bounds)...)
		for _, name := range slices.Sorted(maps.Keys(limits[i].bounds.Elements())) {
			if !slices.Contains(boundNames(), name) {
				diags.AddAttributeError(limit.path(name), "Unknown asset count", fmt.Sprintf(
					"%s names %q, which is none of %s.", limit.name, name, strings.Join(boundNames(), ", ")))
			}
		}
	}
	for _, attribute := range boundable(new(cas.AssetCount)) {
		var known []*big.Float
		for _, limit := range limits {
			bound := limit.bound(attribute.name)
			bounded = bounded || !bound.IsNull()
			number := bound.ValueBigFloat()
			if number == nil {
				continue
			}
			known = append(known, number)
			if !number.IsInt() {
				diags.Append(validatordiag.InvalidAttributeValueDiagnostic(
					limit.path(attribute.name), "value must be a whole number", number.Text('f', -1)))
			}
		}
		if len(known) == len(limits) && known[0].Cmp(known[1]) > 0 {
			diags.AddAttributeError(limits[0].path(attribute.name), "Minimum above the maximum",
				fmt.Sprintf("%s has to be at least %s and at most %s, which no number is.",
					attribute.name, known[0].Text('f', -1), known[1].Text('f', -1)))
		}
	}
	if !bounded && !diags.HasError() {
		diags.AddError("Missing bound", "Set at least one bound, such as minimum = { point = 80 }.")
	}
	return limits, diags
}

// boundNames returns the names of the attributes that can have a bound.
func boundNames() (names []string) {
	for _, attribute := range boundable(new(cas.AssetCount)) {
		names = append(names, attribute.name)
	}
	return names
}
