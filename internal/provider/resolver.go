package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// value is a setting with its text, and the place where it is set.
type value struct {
	setting
	text     string // empty if the setting isn't set
	variable string // where the text comes from; empty for the provider block
	unknown  bool   // whether Terraform knows the value only during apply
}

func (v value) set() bool { return v.text != "" }

// String returns the name of the variable or of the argument that is set.
func (v value) String() string { return cmp.Or(v.variable, v.name) }

// resolver reads settings, each from the provider block or else from the environment, and collects
// what is wrong with them.
type resolver struct {
	ctx        context.Context //nolint:containedctx // of the one request that the resolver serves
	block      map[string]attr.Value
	getenv     func(string) string
	validating bool             // whether the environment isn't known yet
	diags      diag.Diagnostics // errors in the provider block, and warnings
	invalid    diag.Diagnostics // errors in the environment alone
	secrets    []string         // the values that the log masks
}

func newResolver(ctx context.Context, config tfsdk.Config, getenv func(string) string) *resolver {
	var block types.Object
	diags := config.Get(ctx, &block)
	return &resolver{ctx: ctx, block: block.Attributes(), getenv: getenv, diags: diags}
}

// inBlock returns a setting as the provider block sets it. Null and "" don't set it. A nested block
// has its name as text.
func (r *resolver) inBlock(name string) value {
	v := value{setting: find(name)}
	block, child, nested := strings.Cut(name, ".")
	found := r.block[block]
	if object, _ := found.(types.Object); nested {
		found = object.Attributes()[child]
	}
	v.unknown = found != nil && found.IsUnknown()
	if found == nil || found.IsNull() || found.IsUnknown() {
		return v
	}
	switch found := found.(type) {
	case types.String:
		v.text = found.ValueString()
	case types.Number:
		v.text = found.ValueBigFloat().Text('f', -1)
	default:
		v.text = name
	}
	return v
}

// unknown returns an error for each argument that Terraform knows only during apply.
func (r *resolver) unknown() (diags diag.Diagnostics) {
	for _, s := range settings {
		if !r.inBlock(s.name).unknown {
			continue
		}
		instead := ""
		if len(s.variables) > 0 {
			instead = ", set " + s.variables[0] + " instead"
		}
		diags.AddAttributeError(s.path(), "Unknown provider argument",
			fmt.Sprintf("%s depends on a value that is unknown until apply, so the certificate asset counts can't be "+
				"read yet. Use a value that is known at plan time%s, or let a data source wait for apply with a "+
				"depends_on.", s.name, instead))
	}
	return diags
}

// orVariable returns v if it is set, or else the first of its variables that is set.
func (r *resolver) orVariable(v value) value {
	for _, variable := range v.variables {
		text := r.getenv(variable)
		if text != "" && !v.set() && (variable != sharedFile || credential.IsCLIFile(text)) {
			v.text, v.variable = text, variable
		}
	}
	return v
}

// inFamily returns a setting as the variables of a family set it. An empty family stands for all
// variables.
func (r *resolver) inFamily(name, family string) value {
	v := value{setting: find(name)}
	v.variables = slices.DeleteFunc(slices.Clone(v.variables), func(variable string) bool {
		return !strings.HasPrefix(variable, family)
	})
	return r.orVariable(v)
}

func (r *resolver) lookup(name string) value { return r.orVariable(r.inBlock(name)) }

// text returns the value of a setting.
func (r *resolver) text(name string) string { return r.use(r.lookup(name)) }

// number returns the value of a setting that is a whole number.
func (r *resolver) number(name string) int {
	n, _ := strconv.Atoi(r.text(name)) // which has reported what isn't one
	return n
}

// on are the values that switch on what a variable names.
var on = []string{"true", "1"}

// first returns the first of some variables that is set, to one of some values if there are any.
func (r *resolver) first(variables []string, values ...string) string {
	for _, variable := range variables {
		text := strings.ToLower(r.getenv(variable))
		if text != "" && (len(values) == 0 || slices.Contains(values, text)) {
			return variable
		}
	}
	return ""
}

// use returns the value to use. A variable is checked like the attribute, which the framework has
// checked.
func (r *resolver) use(v value) string {
	if v.secret && v.set() {
		r.secrets = append(r.secrets, v.text)
	}
	if v.variable == "" || !v.set() {
		return cmp.Or(v.text, v.fallback)
	}
	req := validator.StringRequest{Path: path.Root(v.variable), ConfigValue: types.StringValue(v.text)}
	var resp validator.StringResponse
	v.check.ValidateString(r.ctx, req, &resp)
	for _, d := range resp.Diagnostics {
		r.refuse(v, v, d.Summary(), strings.TrimPrefix(d.Detail(), "Attribute "))
	}
	r.compare(v)
	return v.text
}

// compare warns if another variable of the setting has a different value, which other tools may
// prefer.
func (r *resolver) compare(v value) {
	endpoint := func(region string) string {
		endpoint, _ := cas.Endpoint(region, r.lookup("account_type").text, false)
		return endpoint.Host
	}
	all := find(v.name).variables
	if !slices.Contains(all, v.variable) {
		all = v.variables
	}
	for _, variable := range all[slices.Index(all, v.variable)+1:] {
		other := r.getenv(variable)
		if other == "" || other == v.text || v.secret || v.name == "region" && endpoint(other) == endpoint(v.text) {
			continue
		}
		r.warn(v, "Environment variables disagree", "%s and %s are set to different values. The provider uses the first "+
			"one; other tools may use the second one. Unset the wrong one.", v.variable, variable)
		return
	}
}

// warn adds a warning about v.
func (r *resolver) warn(v value, summary, format string, args ...any) {
	r.diags.AddAttributeWarning(v.path(), summary, oneLine(fmt.Sprintf(format, args...)))
}

// refuse adds an error about v. If its cause is a variable, the error waits for the reads, since
// without a provider block, Terraform would report that the block is missing.
func (r *resolver) refuse(cause, v value, summary, detail string) {
	if cause.variable != "" {
		r.invalid.AddError(summary, oneLine(detail))
	} else {
		r.diags.AddAttributeError(v.path(), summary, detail)
	}
}

// require refuses the first of some values if none of them is set. While Terraform validates, the
// environment may still set them.
func (r *resolver) require(cause value, summary, advice string, values ...value) {
	var places []string
	for _, v := range values {
		if v.set() || r.validating {
			return
		}
		places = append(append(places, v.name), v.variables...)
	}
	r.refuse(cause, values[0], summary, strings.TrimSpace("Set one of: "+strings.Join(places, ", ")+". "+advice))
}
