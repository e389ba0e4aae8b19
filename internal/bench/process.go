package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	_ "github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server" // registers the messages of the protocol
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// process is a provider that was started and configured as Terraform does it.
type process struct {
	cmd  *exec.Cmd
	conn *grpc.ClientConn
}

// launch starts a provider with the arguments of its block as JSON.
func launch(t *testing.T, executable string, environment []string, block string) (*process, error) {
	cmd := exec.CommandContext(t.Context(), executable)
	cmd.Env = append(environment, "PLUGIN_PROTOCOL_VERSIONS=6",
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	t.Cleanup(p.kill)
	// Without a certificate of the client's, the line is core version, protocol version, network, address and "grpc".
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	fields := strings.Split(line, "|")
	if len(fields) < 5 {
		return nil, fmt.Errorf("handshake: %q", line)
	}
	p.conn, err = grpc.NewClient("passthrough:"+fields[2]+":"+fields[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return p, p.invoke(t.Context(), "ConfigureProvider", map[string]any{"terraform_version": "1.11.4", "config": dynamic(block)})
}

// kill ends the process as kill -9 does, before the connection, whose end would let it finish its calls in good order.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

// read reads the data source once.
func (p *process) read(ctx context.Context) error {
	return p.invoke(ctx, "ReadDataSource", map[string]any{"type_name": "cas_asset_count", "config": dynamic("{}")})
}

// dynamic is a DynamicValue of the protocol.
func dynamic(value string) map[string]any {
	return map[string]any{"json": []byte(value)}
}

// invoke calls a method of the protocol and fails with the first error of the response. The messages are looked up by
// name, because terraform-plugin-go doesn't export them.
func (p *process) invoke(ctx context.Context, method string, request map[string]any) error {
	in, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("tfplugin6." + method + ".Request"))
	if err != nil {
		return err
	}
	out, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("tfplugin6." + method + ".Response"))
	if err != nil {
		return err
	}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	message, response := in.New().Interface(), out.New().Interface()
	if err := protojson.Unmarshal(text, message); err != nil {
		return err
	}
	if err := p.conn.Invoke(ctx, "/tfplugin6.Provider/"+method, message, response, grpc.WaitForReady(true)); err != nil {
		return err
	}
	if text, err = protojson.Marshal(response); err != nil {
		return err
	}
	var result struct {
		Diagnostics []struct{ Severity, Summary, Detail string }
	}
	if err := json.Unmarshal(text, &result); err != nil {
		return err
	}
	for _, d := range result.Diagnostics {
		if d.Severity == "ERROR" {
			return errors.New(d.Summary + ": " + d.Detail)
		}
	}
	return nil
}
