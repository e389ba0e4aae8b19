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
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// value is a setting with its text, and the place where it is set.
type value struct {
	setting
	text     string
	variable string // where the text comes from; empty for the provider block
	unknown  bool   // whether Terraform knows the value only during apply
}

// set reports whether the setting certainly has a value.
func (v value) set() bool { return v.text != "" }

// given reports whether the setting has a value, or may have one during apply.
func (v value) given() bool { return v.set() || v.unknown }

// String returns the name of the variable or of the argument that is set.
func (v value) String() string { return cmp.Or(v.variable, v.name) }

// source describes the place, as an error about credentials shows it.
func (v value) source() string {
	if v.variable == "" && v.name != "" {
		return v.name + " in the provider block"
	}
	return v.variable
}

// resolver reads settings, each from the provider block or else from the environment, and collects what is wrong with them.
type resolver struct {
	block      map[string]attr.Value
	getenv     func(string) string
	validating bool             // whether the environment isn't known yet
	diags      diag.Diagnostics // what is wrong
	unknown    diag.Diagnostics // the arguments that are unknown before apply
	secrets    []string         // the values that the log masks
}

func newResolver(ctx context.Context, config tfsdk.Config, getenv func(string) string) *resolver {
	var block types.Object
	diags := config.Get(ctx, &block)
	return &resolver{block: block.Attributes(), getenv: getenv, diags: diags}
}

// inBlock returns a setting as the provider block sets it. Null and "" don't set it. A nested block has its name as text.
func (r *resolver) inBlock(name string) value {
	block, child, nested := strings.Cut(name, ".")
	found := r.block[block]
	object, isBlock := found.(types.Object)
	v := value{setting: setting{name: name}}
	if nested || !isBlock {
		v.setting = find(name)
	}
	if nested {
		found = object.Attributes()[child]
	}
	if found == nil || found.IsNull() {
		return v
	}
	if found.IsUnknown() {
		instead := ""
		if len(v.variables) > 0 {
			instead = ", set " + v.variables[0] + " instead"
		}
		v.unknown = true
		r.unknown.AddAttributeError(v.path(), "Unknown provider argument",
			fmt.Sprintf("%s depends on a value that Terraform learns only during apply, so the certificate asset counts can't be read yet. "+
				"Use a value that is known at plan time%s, or let a data source wait for apply with a depends_on.", v.name, instead))
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

// orVariable returns v if it is given, or else the first of its variables that has the prefix and is set.
func (r *resolver) orVariable(v value, prefix string) value {
	if v.given() {
		return v
	}
	for _, variable := range v.variables {
		text := r.getenv(variable)
		if text == "" || !strings.HasPrefix(variable, prefix) || variable == sharedFileVariable && !credential.IsCLIFile(text) {
			continue // a file that isn't the CLI's is the INI file
		}
		v.text, v.variable = text, variable
		break
	}
	return v
}

// ofEnvironment returns a setting as its variables with the prefix set it.
func (r *resolver) ofEnvironment(name, prefix string) value {
	return r.orVariable(value{setting: find(name)}, prefix)
}

func (r *resolver) read(name string) value { return r.orVariable(r.inBlock(name), "") }

// text returns the value of a setting.
func (r *resolver) text(name string) string { return r.use(r.read(name)) }

// number returns the value of a setting that is a whole number.
func (r *resolver) number(name string) int {
	n, _ := strconv.Atoi(r.text(name))
	return n
}

// switchedBy returns the first of a setting's variables that is switched on.
func (r *resolver) switchedBy(name string) string {
	for _, variable := range find(name).variables {
		if text := r.getenv(variable); strings.EqualFold(text, "true") || text == "1" {
			return variable
		}
	}
	return ""
}

// use returns the value to use, and reports what is wrong with it.
func (r *resolver) use(v value) string {
	if !v.set() {
		return v.fallback
	}
	if v.flaw != nil {
		if err := v.flaw(v.text); err != nil {
			shown := "can't be used"
			if !v.hidden {
				shown = "is " + strconv.Quote(v.text)
			}
			r.refuse(v, v.summary, strings.TrimSpace(fmt.Sprintf("%s %s: %s. %s", v, shown, err, v.advice)))
		}
	}
	if v.secret {
		r.secrets = append(r.secrets, v.text)
	}
	r.compare(v)
	return v.text
}

// compare warns if another variable of the setting has a different value, which other tools may prefer.
func (r *resolver) compare(v value) {
	if v.variable == "" || v.secret {
		return
	}
	for _, variable := range v.variables[slices.Index(v.variables, v.variable)+1:] {
		other := r.getenv(variable)
		same := other == v.text || v.name == "region" && *cas.Endpoint(other) == *cas.Endpoint(v.text)
		if other != "" && !same {
			r.diags.AddAttributeWarning(v.path(), "Environment variables disagree", fmt.Sprintf("%s and %s are set to different values. "+
				"The provider uses the first one; other tools may use the second one. Unset the wrong one.", v.variable, variable))
			return
		}
	}
}

// refuse adds an error about v.
func (r *resolver) refuse(v value, summary, detail string) {
	r.diags.AddAttributeError(v.path(), summary, detail)
}

// missing reports whether v is certainly not set. While Terraform validates, the environment may still set it.
func (r *resolver) missing(v value) bool { return !v.given() && !r.validating }

// notSet explains that none of the places is set that v could come from.
func notSet(v value, variables ...string) string {
	empty := variables[0] + " is"
	if last := len(variables) - 1; last > 0 {
		empty = strings.Join(variables[:last], ", ") + " and " + variables[last] + " are"
	}
	return fmt.Sprintf("%s is not set, and %s empty. Set one of them.", v.name, empty)
}
