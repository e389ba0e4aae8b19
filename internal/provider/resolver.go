package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// resolver makes the configuration of the client. It reads each setting from the provider block or
// else from the environment, and collects what is wrong with them.
type resolver struct {
	ctx        context.Context //nolint:containedctx // of the one request that the resolver serves
	config     tfsdk.Config
	getenv     func(string) string
	validating bool             // whether the environment isn't known yet
	diags      diag.Diagnostics // errors in the provider block, and warnings
	invalid    diag.Diagnostics // errors in the environment alone
	secrets    []string         // the values that the log masks
}

// resolve returns the configuration of the client.
func (r *resolver) resolve(transport egress.Transport) cas.Config {
	credentials := r.credentials()
	credentials.Transport, credentials.Logger = transport, newLogger(r.ctx, r.secrets...)
	if ignored := r.in("", anyEndpoint); ignored.set() {
		credentials.Logger.InfoContext(r.ctx, "A variable is ignored, because it names one endpoint for every "+
			"product; endpoints.cas in the provider block names the service's", "variable", ignored.variable)
	}
	timeout, _ := time.ParseDuration(r.text("request_timeout"))
	return cas.Config{
		Endpoint:          r.endpoint(credentials.Source),
		Credentials:       credential.New(credentials),
		Transport:         transport,
		Logger:            credentials.Logger,
		CacheDir:          filepath.Join(cacheDir(), "terraform-provider-cas"),
		RequestsPerSecond: r.number("requests_per_second"),
		MaxRetries:        r.number("max_retries"),
		RequestTimeout:    timeout,
	}
}

// endpoint returns the endpoint that the settings name, and warns if it may be the wrong one.
func (r *resolver) endpoint(source credential.Source) *url.URL {
	region, account := r.lookup("region"), r.text("account_type")
	id := r.use(region) // reports an invalid variable, even if an endpoint is named
	if endpoint, err := cas.ParseEndpoint(r.text("endpoints.cas")); err == nil {
		return endpoint
	}
	profileRegion, vpc := credential.RegionOf(source)
	if id = cmp.Or(id, profileRegion); id == "" {
		id = r.use(r.in("", regionID))
	}
	vpcBy := "endpoint_type of the CLI's profile"
	if !vpc {
		vpcBy = r.first([]string{"vpc"},
			"ALIBABA_CLOUD_ENDPOINT_TYPE", "ALIBABACLOUD_ENDPOINT_TYPE", "ALICLOUD_ENDPOINT_TYPE")
	}
	endpoint, certain := cas.Endpoint(id, account, vpcBy != "")
	if vpcBy != "" && !cas.Private(endpoint) {
		r.warn(region, "No endpoint within a VPC", "%s chooses the endpoint within a VPC, but region %s has none, so the "+
			"provider calls %s over the internet. If that can't be reached, name another one in endpoints.cas.",
			vpcBy, id, endpoint.Host)
	}
	if !certain {
		other, _ := cas.Endpoint(id, cas.International, vpcBy != "")
		r.warn(region, "Site of the account isn't known", "Region %s has no endpoint of its own, so the provider calls "+
			"%s, which is right for accounts of the China site. Those of the international site use %s: set "+
			"account_type or %s to International for that, or to Domestic to go on.",
			id, endpoint.Host, other.Host, find("account_type").variables[0])
	}
	return endpoint
}

// block is the provider block as a place. The others are families of variables, by their prefix.
const block = "provider block"

// value is a setting as one place sets it.
type value struct {
	setting
	place    string
	text     string // empty if the setting isn't set there
	variable string // the variable that sets it, or else the first one that could; empty for the block
	empty    bool   // whether the block sets it to ""
	unknown  bool   // whether it is unknown until apply
}

func (v value) set() bool { return v.text != "" }

// String returns the name of the variable or of the argument.
func (v value) String() string { return cmp.Or(v.variable, v.name) }

// inBlock returns a setting as the provider block sets it. The text of a nested block is its name.
func (r *resolver) inBlock(name string) value {
	v := value{setting: find(name), place: block}
	var found attr.Value
	r.diags.Append(r.config.GetAttribute(r.ctx, v.path(), &found)...)
	if found.IsNull() || found.IsUnknown() {
		v.unknown = found.IsUnknown()
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
	v.empty = v.text == ""
	return v
}

// in returns a setting as a place sets it. The empty place stands for all variables.
func (r *resolver) in(place string, s setting) value {
	if place == block {
		return r.inBlock(s.name)
	}
	v := value{setting: s, place: place}
	for _, variable := range s.variables {
		text := r.getenv(variable)
		if variable == sharedFile && !credential.IsCLIFile(text) {
			text = ""
		}
		if strings.HasPrefix(variable, place) && !v.set() && (text != "" || v.variable == "") {
			v.text, v.variable = text, variable
		}
	}
	return v
}

// orVariable returns v, or else the setting as a variable sets it.
func (r *resolver) orVariable(v value) value {
	if other := r.in("", v.setting); !v.set() && other.set() {
		return other
	}
	return v
}

func (r *resolver) lookup(name string) value { return r.orVariable(r.inBlock(name)) }

func (r *resolver) text(name string) string { return r.use(r.lookup(name)) }

// number returns the value of a setting that is a whole number.
func (r *resolver) number(name string) int {
	n, _ := strconv.Atoi(r.text(name)) // text reports what isn't one
	return n
}

// on are the values that switch on what a variable names.
var on = []string{"true", "1"}

// first returns the first of some variables that has one of some values.
func (r *resolver) first(values []string, variables ...string) string {
	for _, variable := range variables {
		if slices.Contains(values, strings.ToLower(r.getenv(variable))) {
			return variable
		}
	}
	return ""
}

// use returns the value to use. A variable is checked like the attribute, which the framework has
// checked, and isn't used if it is wrong.
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
		r.refuse(v, d.Summary(), "%s", strings.TrimPrefix(d.Detail(), "Attribute "))
	}
	if resp.Diagnostics.HasError() {
		return ""
	}
	r.compare(v)
	return v.text
}

// compare warns if another variable of v, which other tools may prefer, has a different value. The
// value of a secret isn't compared, and regions only by their endpoints.
func (r *resolver) compare(v value) {
	host := func(region string) string {
		endpoint, _ := cas.Endpoint(region, r.lookup("account_type").text, false)
		return endpoint.Host
	}
	for _, variable := range v.variables[slices.Index(v.variables, v.variable)+1:] {
		other := r.getenv(variable)
		if other != "" && other != v.text && !v.secret && (v.name != "region" || host(other) != host(v.text)) {
			r.warn(v, "Environment variables disagree", "%s and %s are set to different values. The provider uses the "+
				"first one; other tools may use the second one. Unset the wrong one.", v.variable, variable)
			return
		}
	}
}

// unknown returns an error for each argument that is unknown until apply.
func (r *resolver) unknown() (diags diag.Diagnostics) {
	for _, s := range settings {
		instead := ""
		if len(s.variables) > 0 {
			instead = ", set " + s.variables[0] + " instead"
		}
		if r.inBlock(s.name).unknown {
			diags.AddAttributeError(s.path(), "Unknown provider argument", fmt.Sprintf("%s depends on a value that is unknown "+
				"until apply, so nothing can be read yet. Use a value that is known at plan time%s, or let a data source wait "+
				"with a depends_on.", s.name, instead))
		}
	}
	return diags
}

func (r *resolver) warn(v value, summary, format string, args ...any) {
	r.diags.AddAttributeWarning(v.path(), summary, oneLine(fmt.Sprintf(format, args...)))
}

// refuse adds an error about v. That of a variable waits for the reads, since without a provider
// block, Terraform would report that the block is missing.
func (r *resolver) refuse(v value, summary, format string, args ...any) {
	detail := oneLine(fmt.Sprintf(format, args...))
	if v.variable != "" {
		r.invalid.AddError(summary, detail)
	} else {
		r.diags.AddAttributeError(v.path(), summary, detail)
	}
}

// require refuses the first of some values if none is set and the environment is known.
func (r *resolver) require(cause value, summary, advice string, values ...value) {
	var places []string
	for _, v := range values {
		if v.set() || r.validating {
			return
		}
		places = append(append(places, v.name), v.variables...)
	}
	first := values[0]
	first.variable = cause.variable
	r.refuse(first, summary, "Set one of: %s.%s", strings.Join(places, ", "), advice)
}
