package provider

import (
	"encoding/json"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// plugin is the provider behind the protocol that Terraform uses.
type plugin struct {
	tfprotov6.ProviderServer
	tfprotov6.ActionServer // which ProviderServer will embed
	schema                 *tfprotov6.GetProviderSchemaResponse
}

func newPlugin(t *testing.T, env environment) plugin {
	t.Helper()
	server := (&Provider{Transport: isolated, version: "1.2.3", getenv: env.get}).server()
	schema, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	actions, ok := server.(tfprotov6.ActionServer)
	if !ok {
		t.Fatal("got a server without actions, want one that has them")
	}
	return plugin{server, actions, schema}
}

func (e environment) get(name string) string { return e[name] }

// keyed is an environment with a key that the server knows, and where to find it.
func keyed(server *castest.Server) environment {
	return environment{
		"ALIBABA_CLOUD_ACCESS_KEY_ID":     castest.DefaultKey.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET": castest.DefaultKey.AccessKeySecret,
		"ALIBABA_CLOUD_ENDPOINT_CAS":      server.URL(),
	}
}

func start(t *testing.T, options castest.Options) *castest.Server {
	t.Helper()
	server := castest.Start(options)
	t.Cleanup(server.Close)
	return server
}

func (p plugin) configure(t *testing.T, block arguments) []*tfprotov6.Diagnostic {
	t.Helper()
	resp, err := p.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: "1.11.4", Config: dynamic(t, p.schema.Provider, block),
	})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

// read returns the attributes of the data source, numbers as int64.
func (p plugin) read(t *testing.T, block arguments) (map[string]any, []*tfprotov6.Diagnostic) {
	t.Helper()
	const name = "cas_asset_count"
	schema := p.schema.DataSourceSchemas[name]
	resp, err := p.ReadDataSource(t.Context(),
		&tfprotov6.ReadDataSourceRequest{TypeName: name, Config: dynamic(t, schema, block)})
	if err != nil {
		t.Fatal(err)
	}
	return values(t, schema, resp.State), resp.Diagnostics
}

// open returns the attributes of the ephemeral resource, numbers as int64.
func (p plugin) open(t *testing.T, block arguments) (map[string]any, []*tfprotov6.Diagnostic) {
	t.Helper()
	const name = "cas_asset_count"
	schema := p.schema.EphemeralResourceSchemas[name]
	resp, err := p.OpenEphemeralResource(t.Context(),
		&tfprotov6.OpenEphemeralResourceRequest{TypeName: name, Config: dynamic(t, schema, block)})
	if err != nil {
		t.Fatal(err)
	}
	return values(t, schema, resp.Result), resp.Diagnostics
}

func values(t *testing.T, schema *tfprotov6.Schema, encoded *tfprotov6.DynamicValue) map[string]any {
	t.Helper()
	value, err := encoded.Unmarshal(schema.ValueType())
	if err != nil {
		t.Fatal(err)
	}
	attributes, _ := plain(t, value).(map[string]any)
	return attributes
}

// readers returns each way to read the counts.
func (p plugin) readers() map[string]func(*testing.T, arguments) (map[string]any, []*tfprotov6.Diagnostic) {
	return map[string]func(*testing.T, arguments) (map[string]any, []*tfprotov6.Diagnostic){
		"data source": p.read, "ephemeral resource": p.open,
	}
}

// dynamic encodes a block, and sets what it leaves out to null, as Terraform does.
func dynamic(t *testing.T, schema *tfprotov6.Schema, block arguments) *tfprotov6.DynamicValue {
	t.Helper()
	value, err := tfprotov6.NewDynamicValue(schema.ValueType(), encoded(t, schema.ValueType(), block))
	if err != nil {
		t.Fatal(err)
	}
	return &value
}

func encoded(t *testing.T, kind tftypes.Type, v any) tftypes.Value {
	t.Helper()
	switch v := v.(type) {
	case unknown:
		return tftypes.NewValue(kind, tftypes.UnknownValue)
	case arguments:
		values := map[string]tftypes.Value{}
		switch kind := kind.(type) {
		case tftypes.Object:
			for name, kind := range kind.AttributeTypes {
				values[name] = encoded(t, kind, v[name])
			}
		case tftypes.Map:
			for name, value := range v {
				values[name] = encoded(t, kind.ElementType, value)
			}
		default:
			t.Fatalf("got %s, want a block or a map", kind)
		}
		return tftypes.NewValue(kind, values)
	}
	return tftypes.NewValue(kind, v)
}

func plain(t *testing.T, value tftypes.Value) any {
	t.Helper()
	var err error
	defer func() {
		if err != nil {
			t.Fatal(err)
		}
	}()
	switch {
	case value.IsNull():
		return nil
	case value.Type().Is(tftypes.Number):
		var n big.Float
		err = value.As(&n)
		whole, _ := n.Int64()
		return whole
	case value.Type().Is(tftypes.String):
		var s string
		err = value.As(&s)
		return s
	}
	var fields map[string]tftypes.Value
	err = value.As(&fields)
	values := map[string]any{}
	for name, field := range fields {
		values[name] = plain(t, field)
	}
	return values
}

func texts(diagnostics []*tfprotov6.Diagnostic) string {
	var b strings.Builder
	for _, d := range diagnostics {
		b.WriteString(d.Attribute.String() + ": " + d.Summary + "\n\n" + d.Detail + "\n\n")
	}
	return b.String()
}

// answered returns the attributes for castest.Assets. Each element has a value of its own, and so
// has each sum.
func answered() map[string]any {
	return map[string]any{
		"point": int64(92), "last_point": int64(88), "point_change": int64(4), "point_ratio": int64(1),
		"point_time": int64(1767681210879), "point_updated_at": "2026-01-06T06:33:30Z",
		"buy_certificate_count": int64(2), "free_certificate_count": int64(3), "upload_certificate_count": int64(5),
		"total_certificate_count": int64(10),
		"aliyun_asset_count":      int64(7), "tencent_asset_count": int64(11), "huawei_asset_count": int64(13),
		"aws_asset_count":         int64(17),
		"total_cloud_asset_count": int64(48), "domain_asset_count": int64(19),
		"request_id": "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E", "timeouts": nil,
	}
}

// TestReadValues checks each attribute of the data source and of the ephemeral resource, with each
// element there, null and left out.
func TestReadValues(t *testing.T) {
	t.Parallel()
	elements := map[string][]string{ // and the attributes that rest on them
		"Point":                  {"point", "point_change"},
		"LastPoint":              {"last_point", "point_change"},
		"PointRatio":             {"point_ratio"},
		"PointTime":              {"point_time", "point_updated_at"},
		"BuyCertificateCount":    {"buy_certificate_count", "total_certificate_count"},
		"FreeCertificateCount":   {"free_certificate_count", "total_certificate_count"},
		"UploadCertificateCount": {"upload_certificate_count", "total_certificate_count"},
		"AliyunAssetCount":       {"aliyun_asset_count", "total_cloud_asset_count"},
		"TencentAssetCount":      {"tencent_asset_count", "total_cloud_asset_count"},
		"HuaweiAssetCount":       {"huawei_asset_count", "total_cloud_asset_count"},
		"AwsAssetCount":          {"aws_asset_count", "total_cloud_asset_count"},
		"DomainAssetCount":       {"domain_asset_count"},
		"RequestId":              {"request_id"},
	}
	type variant struct {
		change, want map[string]any
		warnings     int
	}
	tests := map[string]variant{
		"everything":    {},
		"more elements": {change: map[string]any{"GoogleAssetCount": 23, "Details": map[string]any{"Point": 1}}},
		"zeros": {
			change: map[string]any{"Point": 0, "AwsAssetCount": 0, "PointTime": 0},
			want: map[string]any{
				"point": int64(0), "point_change": int64(-88), "aws_asset_count": int64(0), "total_cloud_asset_count": int64(31),
				"point_time": int64(0), "point_updated_at": "1970-01-01T00:00:00Z",
			},
		},
		"beyond a float": {change: map[string]any{"DomainAssetCount": int64(9007199254740993)},
			want: map[string]any{"domain_asset_count": int64(9007199254740993)}},
		"seconds": {change: map[string]any{"PointTime": 1767681210}, want: map[string]any{"point_time": int64(1767681210)}},
	}
	missing := struct{}{}
	all := variant{change: map[string]any{}, want: map[string]any{}, warnings: 1}
	for element, attributes := range elements {
		null := map[string]any{}
		for _, attribute := range attributes {
			null[attribute], all.want[attribute] = nil, nil
		}
		tests[element+" null"] = variant{change: map[string]any{element: nil}, want: null}
		tests[element+" missing"] = variant{change: map[string]any{element: missing}, want: null}
		all.change[element] = missing
	}
	delete(all.change, "RequestId")
	delete(all.want, "request_id")
	tests["a RequestId alone"] = all

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, castest.Options{})
			elements := castest.Assets()
			elements["RequestId"] = "EECA10D5-BD0F-4EF1-B3EA-B4578E5C6F8E"
			maps.Copy(elements, test.change)
			maps.DeleteFunc(elements, func(_ string, v any) bool { return v == missing })
			response := castest.Body(200, "application/json", jsonOf(t, elements))
			server.Script(response, response)

			p := newPlugin(t, keyed(server))
			if diagnostics := p.configure(t, nil); len(diagnostics) > 0 {
				t.Fatal(texts(diagnostics))
			}
			want := answered()
			maps.Copy(want, test.want)
			for name, get := range p.readers() {
				got, diagnostics := get(t, nil)
				if len(diagnostics) != test.warnings {
					t.Errorf("%s: got %d diagnostics, want %d warnings:\n%s", name, len(diagnostics), test.warnings,
						texts(diagnostics))
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: got  %v\nwant %v", name, got, want)
				}
			}
			if got := len(server.Calls()); got != 2 {
				t.Errorf("got %d calls, want 2", got)
			}
		})
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

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
