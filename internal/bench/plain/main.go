// Command plain is the provider that one would write first: each read makes a call of its own,
// behind a token bucket of its own, and makes another when it is throttled. Without CAS_ENDPOINT
// its reads do nothing.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"golang.org/x/time/rate"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/openapi"
)

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return plain{} },
		providerserver.ServeOpts{Address: "registry.terraform.io/terraform-provider-cas/cas"})
	if err != nil {
		log.Fatal(err)
	}
}

type plain struct{}

func (plain) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "cas"
}
func (plain) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (plain) Resources(context.Context) []func() resource.Resource                     { return nil }

func (plain) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.DataSourceData = rate.NewLimiter(10, 1)
}

func (plain) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return new(assetCount) }}
}

type assetCount struct{ limiter *rate.Limiter }

func (*assetCount) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "cas_asset_count"
}

func (*assetCount) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{"point": schema.Int64Attribute{Computed: true}}}
}

func (a *assetCount) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	a.limiter, _ = req.ProviderData.(*rate.Limiter)
}

func (a *assetCount) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	model := struct {
		Point *int64 `tfsdk:"point"`
	}{}
	for os.Getenv("CAS_ENDPOINT") != "" {
		err := a.limiter.Wait(ctx)
		if err == nil {
			model.Point, err = call(ctx)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, errThrottled) {
			resp.Diagnostics.AddError("Can't read", err.Error())
			return
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

var errThrottled = errors.New("throttled")

func call(ctx context.Context) (*int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("CAS_ENDPOINT"), http.NoBody)
	if err != nil {
		return nil, err
	}
	openapi.Sign(req, "GetAssetCount", "2020-04-07",
		openapi.Key{
			AccessKeyID:     os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"),
			AccessKeySecret: os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
		},
		time.Now(), rand.Text())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var result struct {
		Code  string
		Point *int64
	}
	err = json.NewDecoder(resp.Body).Decode(&result)
	switch {
	case err != nil:
		return nil, err
	case result.Code == "Throttling.User":
		return nil, errThrottled
	case result.Code != "":
		return nil, fmt.Errorf("HTTP %d %s", resp.StatusCode, result.Code)
	}
	return result.Point, nil
}
