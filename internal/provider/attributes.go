package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

// attribute is an attribute of both the data source and the ephemeral resource. The framework
// declares one interface for the attributes of either, so that one schema serves both. The action
// names its bounds after the numbers.
type attribute struct {
	name   string
	value  attr.Value
	schema schema.Attribute
}

// neverZero is part of the description of both.
const neverZero = "What the service doesn't send is null, never zero."

// attributes returns the service's response as attributes. Their names and schemas don't depend on
// it.
func attributes(c *cas.AssetCount) []attribute {
	const orNull = " Null if the service doesn't send it."
	computed := func(name string, value *int64, text string) attribute {
		return attribute{name, types.Int64PointerValue(value),
			schema.Int64Attribute{Computed: true, MarkdownDescription: text}}
	}
	sent := func(name string, value *int64, text string) attribute { return computed(name, value, text+orNull) }
	return []attribute{
		sent("point", c.Point, "Health score of the account's certificates, in points: higher is better."),
		sent("last_point", c.LastPoint, "Previous health score, in points."),
		computed("point_change", c.PointChange, "Points by which the health score has changed: `point` less `last_point`. "+
			"Null if either is null."),
		sent("point_ratio", c.PointRatio, "Health score ratio, as the service sends it. The service documents no scale."),
		sent("point_time", c.PointTime, "When the health score was updated, as the service sends it: Unix time, in "+
			"milliseconds or in seconds (see `point_updated_at`)."),
		{"point_updated_at", timetypes.NewRFC3339TimePointerValue(c.PointUpdatedAt), schema.StringAttribute{
			Computed:   true,
			CustomType: timetypes.RFC3339Type{},
			MarkdownDescription: "When the health score was updated: `point_time` in whole seconds, UTC, in RFC 3339 as in " +
				"`2026-01-06T06:33:30Z`. A `point_time` of 100000000000 and more is in milliseconds, a smaller one in " +
				"seconds. Null if `point_time` is null or isn't a time of the years 0 to 9999.",
		}},
		sent("buy_certificate_count", c.BuyCertificateCount, "Number of paid certificates."),
		sent("free_certificate_count", c.FreeCertificateCount, "Number of free certificates."),
		sent("upload_certificate_count", c.UploadCertificateCount, "Number of uploaded certificates."),
		computed("total_certificate_count", c.TotalCertificateCount, "Number of paid, free and uploaded certificates "+
			"together. Null if any of the three is null."),
		sent("aliyun_asset_count", c.AliyunAssetCount, "Number of cloud resources in Alibaba Cloud."),
		sent("tencent_asset_count", c.TencentAssetCount, "Number of cloud resources in Tencent Cloud."),
		sent("huawei_asset_count", c.HuaweiAssetCount, "Number of cloud resources in Huawei Cloud."),
		sent("aws_asset_count", c.AwsAssetCount, "Number of cloud resources in AWS."),
		computed("total_cloud_asset_count", c.TotalCloudAssetCount, "Number of cloud resources in the four clouds "+
			"together. Null if any of the four is null."),
		sent("domain_asset_count", c.DomainAssetCount, "Number of domain name resources."),
		{"request_id", types.StringPointerValue(c.RequestID), schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "ID of the request, for Alibaba Cloud's support. It differs for every read." + orNull,
		}},
	}
}

// boundable returns the attributes that can have a bound: the numbers, except a time whose unit the
// service doesn't document.
func boundable(c *cas.AssetCount) (names []string, values map[string]types.Int64) {
	values = map[string]types.Int64{}
	for _, a := range attributes(c) {
		if value, number := a.value.(types.Int64); number && a.name != "point_time" {
			names, values[a.name] = append(names, a.name), value
		}
	}
	return names, values
}
