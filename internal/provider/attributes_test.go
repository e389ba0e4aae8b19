package provider

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// TestSchemas checks the schemas as Terraform sees them. All that sets the data source and the
// ephemeral resource apart is the argument of their timeouts block.
func TestSchemas(t *testing.T) {
	t.Parallel()
	p := newPlugin(t, nil)
	if len(p.schema.Diagnostics) > 0 {
		t.Error(texts(p.schema.Diagnostics))
	}
	sensitive := []string{}
	var attributes func(prefix string, block *tfprotov6.SchemaBlock) map[string]*tfprotov6.SchemaAttribute
	attributes = func(prefix string, block *tfprotov6.SchemaBlock) map[string]*tfprotov6.SchemaAttribute {
		described, found := map[string]string{}, map[string]*tfprotov6.SchemaAttribute{}
		for _, attribute := range block.Attributes {
			described[attribute.Name], found[attribute.Name] = attribute.Description, attribute
			if attribute.Sensitive {
				sensitive = append(sensitive, prefix+attribute.Name)
			}
		}
		for _, nested := range block.BlockTypes {
			if attributes(prefix+nested.TypeName+".", nested.Block); nested.TypeName != "timeouts" {
				described[nested.TypeName] = nested.Block.Description
			}
		}
		for name, description := range described {
			if !strings.HasSuffix(description, ".") {
				t.Errorf("%s%s: got description %q, want a sentence", prefix, name, description)
			}
		}
		return found
	}
	attributes("", p.schema.Provider.Block)
	slices.Sort(sensitive)
	if want := []string{"assume_role_with_oidc.oidc_token", "secret_key", "security_token"}; !slices.Equal(sensitive,
		want) {
		t.Errorf("got sensitive %v, want %v", sensitive, want)
	}
	attributes("", p.schema.ActionSchemas["cas_require_asset_count"].Schema.Block)
	data := attributes("", p.schema.DataSourceSchemas["cas_asset_count"].Block)
	ephemeral := attributes("", p.schema.EphemeralResourceSchemas["cas_asset_count"].Block)
	want := answered()
	delete(want, "timeouts")
	if got, want := slices.Sorted(maps.Keys(data)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("got the attributes %v, want %v", got, want)
	}
	if !reflect.DeepEqual(data, ephemeral) {
		t.Errorf("got the attributes\n%v\nof the ephemeral resource, want\n%v\nas of the data source", ephemeral, data)
	}
	for name, attribute := range data {
		if !attribute.Computed || attribute.Optional || attribute.Required {
			t.Errorf("%s: got %+v, want an attribute that is computed and can't be set", name, attribute)
		}
	}
}
