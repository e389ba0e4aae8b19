package provider

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// TestSchemasHaveTheSameAttributes compares the data source and the ephemeral resource as Terraform
// sees them. All that sets them apart is the argument of their timeouts block.
func TestSchemasHaveTheSameAttributes(t *testing.T) {
	t.Parallel()
	p := newPlugin(t, nil)
	of := func(schema *tfprotov6.Schema) map[string]*tfprotov6.SchemaAttribute {
		attributes := map[string]*tfprotov6.SchemaAttribute{}
		for _, attribute := range schema.Block.Attributes {
			attributes[attribute.Name] = attribute
		}
		return attributes
	}
	data, ephemeral := of(p.schema.DataSourceSchemas["cas_asset_count"]), of(p.schema.EphemeralResourceSchemas["cas_asset_count"])
	want := answered()
	delete(want, "timeouts")
	if got, want := slices.Sorted(maps.Keys(data)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("got the attributes %v, want %v", got, want)
	}
	if !reflect.DeepEqual(data, ephemeral) {
		t.Errorf("got the attributes\n%v\nof the ephemeral resource, want\n%v\nas of the data source", ephemeral, data)
	}
	for name, attribute := range data {
		if attribute.Description == "" {
			t.Errorf("%s: got no description, want one", name)
		}
		if !attribute.Computed {
			t.Errorf("%s: got an attribute that isn't computed, want one that is", name)
		}
	}
}
