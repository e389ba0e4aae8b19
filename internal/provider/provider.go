// Package provider implements what Terraform sees: the schema, the configuration, and errors that
// say what to do.
package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/userfile"
)

// Address is the provider's source address.
const Address = "registry.terraform.io/terraform-provider-cas/cas"

var (
	_ provider.ProviderWithValidateConfig     = (*Provider)(nil)
	_ provider.ProviderWithEphemeralResources = (*Provider)(nil)
	_ provider.ProviderWithActions            = (*Provider)(nil)
)

// Provider is what Terraform's plugin server serves.
type Provider struct {
	// Transport, if it isn't nil, is how all requests are sent.
	Transport egress.Transport

	version string
	getenv  func(string) string

	mu      sync.Mutex
	clients []*cas.Client // of each provider block that was configured
}

// New returns the provider. Close it before the process ends.
func New(version string) *Provider { return &Provider{version: version, getenv: os.Getenv} }

// Close closes the clients that were configured.
func (p *Provider) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, client := range p.clients {
		client.Close()
	}
}

// Metadata returns the prefix of the types' names, and the version.
func (p *Provider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "cas"
	resp.Version = p.version
}

// Schema returns the schema of the provider block.
func (p *Provider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerSchema()
}

// ValidateConfig refuses what can't work in any environment, so that terraform validate finds it.
// The schema's validators have checked each value.
func (p *Provider) ValidateConfig(
	ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse,
) {
	r := resolver{ctx: ctx, config: req.Config, getenv: func(string) string { return "" }, validating: true}
	r.credentials()
	resp.Diagnostics.Append(r.diags...)
}

// Configure sends nothing over the network. A value that is unknown before apply fails the read,
// not the provider, unless Terraform can defer the read. What is wrong with the environment alone
// fails the read, too.
func (p *Provider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	r := resolver{ctx: ctx, config: req.Config, getenv: p.getenv}
	ready := providerData{unknown: r.unknown(), told: new(told)}
	if ready.unknown.HasError() && req.ClientCapabilities.DeferralAllowed {
		resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
	} else if !ready.unknown.HasError() {
		config := r.resolve(p.Transport)
		ready.invalid = r.invalid
		resp.Diagnostics.Append(r.diags...)
		if resp.Diagnostics.HasError() {
			return
		}
		if !ready.invalid.HasError() {
			config.UserAgent = userAgent(p.version, req.TerraformVersion, p.getenv("TF_APPEND_USER_AGENT"))
			ready.client = cas.New(config)
			p.mu.Lock()
			p.clients = append(p.clients, ready.client)
			p.mu.Unlock()
		}
	}
	resp.DataSourceData, resp.EphemeralResourceData, resp.ActionData = ready, ready, ready
}

// DataSources returns the data source.
func (p *Provider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newDataSource}
}

// EphemeralResources returns the ephemeral resource.
func (p *Provider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newEphemeralResource}
}

// Actions returns the action.
func (p *Provider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{newRequireAction}
}

// Resources returns none: the service is only read.
func (p *Provider) Resources(context.Context) []func() resource.Resource { return nil }

// cacheDir returns the user's directory for caches. Without one, the client logs that it can't use
// the relative path.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if home, _ := userfile.HomeDir(); err != nil && home != "" {
		dir = filepath.Join(home, ".cache")
	}
	return dir
}

// userAgent names the provider and Terraform to the service, and adds the text of
// TF_APPEND_USER_AGENT. Control characters would make the header invalid, so it keeps printable
// ASCII only.
func userAgent(version, terraform, appended string) string {
	agent := fmt.Sprintf("terraform-provider-cas/%s Terraform/%s %s", version, terraform, appended)
	notPrintable := func(r rune) bool { return r <= ' ' || r > '~' }
	return strings.Join(strings.FieldsFunc(agent, notPrintable), " ")
}
