// Package provider implements what Terraform sees: schemas, settings, errors that say what to do.
package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

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
	Transport egress.Transport // sends every request; nil means the default transport

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

// Serve serves p to the Terraform that started this process, or to a debugger such as delve.
func (p *Provider) Serve(debug bool) error {
	var options []tf6server.ServeOpt
	if debug {
		options = append(options, tf6server.WithManagedDebug())
	}
	return tf6server.Serve(Address, p.server, options...)
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

// ValidateConfig finds what can't work in any environment, after the schema's validators.
func (p *Provider) ValidateConfig(
	ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse,
) {
	r := resolver{ctx: ctx, config: req.Config, getenv: func(string) string { return "" }, validating: true}
	r.credentials()
	resp.Diagnostics.Append(r.diags...)
}

// Configure sends nothing over the network. What is unknown before apply, or wrong with the
// environment alone, fails the reads and not the provider, unless Terraform can defer them.
func (p *Provider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	r := resolver{ctx: ctx, config: req.Config, getenv: p.getenv}
	ready := providerData{unknown: r.unknown(), explained: new(explained)}
	if ready.unknown.HasError() && req.ClientCapabilities.DeferralAllowed {
		resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
	} else if !ready.unknown.HasError() {
		config := r.resolve(p.Transport)
		config.UserAgent = userAgent(p.version, req.TerraformVersion, p.getenv("TF_APPEND_USER_AGENT"))
		ready.invalid = r.invalid
		if !r.invalid.HasError() {
			ready.client = cas.New(config)
			p.mu.Lock()
			p.clients = append(p.clients, ready.client)
			p.mu.Unlock()
		}
	}
	resp.Diagnostics.Append(r.diags...)
	resp.DataSourceData, resp.EphemeralResourceData, resp.ActionData = ready, ready, ready
}

// DataSources returns the data source.
func (p *Provider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return new(dataSource) }}
}

// EphemeralResources returns the ephemeral resource.
func (p *Provider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{func() ephemeral.EphemeralResource { return new(ephemeralCount) }}
}

// Actions returns the action.
func (p *Provider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{func() action.Action { return new(boundsAction) }}
}

// Resources returns none: the service is only read.
func (p *Provider) Resources(context.Context) []func() resource.Resource { return nil }

// cacheDir returns the user's cache directory, or else a relative path, which the quota refuses.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if home, _ := userfile.HomeDir(); err != nil && home != "" {
		dir = filepath.Join(home, ".cache")
	}
	return dir
}

// userAgent names the provider and Terraform to the service, and adds TF_APPEND_USER_AGENT. Only
// printable ASCII is kept, because control characters would make the header invalid.
func userAgent(version, terraform, appended string) string {
	agent := fmt.Sprintf("terraform-provider-cas/%s Terraform/%s %s", version, terraform, appended)
	notPrintable := func(r rune) bool { return r <= ' ' || r > '~' }
	return strings.Join(strings.FieldsFunc(agent, notPrintable), " ")
}

func (p *Provider) server() tfprotov6.ProviderServer {
	s := providerserver.NewProtocol6(p)()
	actions, _ := s.(tfprotov6.ActionServer)
	return &server{ProviderServer: s, ActionServer: actions}
}

// server is the framework's server, except that an action that was interrupted ends with an error.
// terraform-plugin-go sends no event of it once Terraform has stopped the provider, and Terraform
// would go on with the change that the action was to stop.
type server struct {
	tfprotov6.ProviderServer
	tfprotov6.ActionServer // which ProviderServer doesn't embed yet
	stopped                atomic.Bool
}

// StopProvider cancels what the provider does, because Terraform was interrupted.
func (s *server) StopProvider(
	ctx context.Context, req *tfprotov6.StopProviderRequest,
) (*tfprotov6.StopProviderResponse, error) {
	s.stopped.Store(true)
	return s.ProviderServer.StopProvider(ctx, req)
}

// InvokeAction returns when the action has ended, so that it can return an error then.
func (s *server) InvokeAction(
	ctx context.Context, req *tfprotov6.InvokeActionRequest,
) (*tfprotov6.InvokeActionServerStream, error) {
	stream, err := s.ActionServer.InvokeAction(ctx, req)
	if err != nil {
		return nil, err
	}
	events := slices.Collect(stream.Events)
	if s.stopped.Load() {
		return nil, context.Canceled
	}
	return &tfprotov6.InvokeActionServerStream{Events: slices.Values(events)}, nil
}
