package provider

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// Serve serves p to the Terraform that started this process, or to a debugger such as delve.
func (p *Provider) Serve(debug bool) error {
	var options []tf6server.ServeOpt
	if debug {
		options = append(options, tf6server.WithManagedDebug())
	}
	return tf6server.Serve(Address, p.server, options...)
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
