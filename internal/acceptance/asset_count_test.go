// Package acceptance tests the provider with the real service, on a real account. Its tests change
// nothing.
package acceptance

import (
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/provider"
)

func TestMain(m *testing.M) {
	egress.Intercept() // as main does
	os.Exit(m.Run())
}

// TestAccAssetCount reads the account of the credentials in the environment. The service documents
// no element of its response as required, so only the request ID is certain.
func TestAccAssetCount(t *testing.T) { //nolint:paralleltest // calls of an account are limited
	resource.Test(t, resource.TestCase{
		PreCheck: func() {
			for _, name := range []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"} {
				if os.Getenv(name) == "" && os.Getenv("ALIBABA_CLOUD_PROFILE") == "" {
					t.Fatalf("neither %s nor ALIBABA_CLOUD_PROFILE is set: the tests need an account to read", name)
				}
			}
		},
		// Ephemeral resources need this version.
		TerraformVersionChecks: []tfversion.TerraformVersionCheck{tfversion.RequireAbove(tfversion.Version1_10_0)},
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"cas":  providerserver.NewProtocol6WithError(provider.New("acceptance")),
			"echo": echoprovider.NewProviderServer(),
		},
		Steps: []resource.TestStep{{
			Config: `
data "cas_asset_count" "this" {}

ephemeral "cas_asset_count" "this" {}

provider "echo" {
  data = ephemeral.cas_asset_count.this
}

resource "echo" "this" {}
`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.cas_asset_count.this", tfjsonpath.New("request_id"), knownvalue.NotNull()),
				statecheck.ExpectKnownValue("echo.this", tfjsonpath.New("data").AtMapKey("request_id"), knownvalue.NotNull()),
			},
		}},
	})
}
