package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// defaultTimeout is how long a read may take where no timeouts block sets another duration.
const defaultTimeout = 5 * time.Minute

// configured is what the provider passes to its data source and ephemeral resource: a client, or the arguments that are
// unknown before apply.
type configured struct {
	client      *cas.Client
	credentials *credential.Source // the client's source of credentials
	unknown     diag.Diagnostics
}

// read calls the service, and passes each attribute to set. The operation is the argument's name in the timeouts block.
func (c configured) read(
	ctx context.Context, config tfsdk.Config, operation string, set func(context.Context, path.Path, any) diag.Diagnostics,
) diag.Diagnostics {
	timeout, diags := timeoutFor(ctx, config, operation)
	diags.Append(c.unknown...)
	if diags.HasError() {
		return diags
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, reading{}, true), timeout)
	defer cancel()
	count, err := c.client.GetAssetCount(ctx)
	diags.Append(unsaved(c.credentials.Warning())...)
	if err != nil {
		diags.Append(diagnose(err))
		return diags
	}
	for _, attribute := range attributes(count) {
		diags.Append(set(ctx, path.Root(attribute.name), attribute.value)...)
	}
	return diags
}

// timeoutFor returns how long an operation may take. It refuses a duration of zero or less.
func timeoutFor(ctx context.Context, config tfsdk.Config, operation string) (time.Duration, diag.Diagnostics) {
	var text types.String
	at := path.Root("timeouts").AtName(operation)
	diags := config.GetAttribute(ctx, at, &text)
	if diags.HasError() || text.IsNull() || text.IsUnknown() {
		return defaultTimeout, diags
	}
	timeout, err := time.ParseDuration(text.ValueString())
	if err == nil && timeout <= 0 { // the schema's validator refuses what isn't a duration
		diags.AddAttributeError(at, "Timeout too short",
			operation+" is "+timeout.String()+", which leaves no time for an answer. Use a duration above zero, such as \"5m\".")
	}
	return timeout, diags
}
