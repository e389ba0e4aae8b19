package provider

import (
	"cmp"
	"net/url"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// regionID are the variables that name a region if the provider block and the profile don't.
var regionID = []string{"ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION_ID"}

// endpoint returns the endpoint that a setting names, or else the one of the region and the
// account. It warns if that may be the wrong one.
func (r *resolver) endpoint(source credential.Source) *url.URL {
	region, account := r.lookup("region"), r.text("account_type")
	id := r.use(region)
	if endpoint, err := cas.ParseEndpoint(r.text("endpoints.cas")); err == nil {
		return endpoint
	}
	site := source.Site()
	if id = cmp.Or(id, site.Region); id == "" {
		region.variables = regionID
		id = r.use(r.orVariable(region))
	}
	network := "endpoint_type of the CLI's profile"
	if !site.VPC {
		network = r.first([]string{
			"ALIBABA_CLOUD_ENDPOINT_TYPE", "ALIBABACLOUD_ENDPOINT_TYPE", "ALICLOUD_ENDPOINT_TYPE"}, "vpc")
	}
	endpoint, certain := cas.Endpoint(id, account, network != "")
	if network != "" && !cas.Private(endpoint) {
		r.warn(region, "No endpoint within a VPC", "%s chooses the endpoint within a VPC, but region %s has none, so the "+
			"provider calls %s over the internet. If that can't be reached, name another one in endpoints.cas.",
			network, id, endpoint.Host)
	}
	if !certain {
		other, _ := cas.Endpoint(id, cas.International, network != "")
		r.warn(region, "Site of the account isn't known", "Region %s has no endpoint of its own, so the provider calls "+
			"%s, which is right for accounts of the China site. Those of the international site use %s: set "+
			"account_type or %s to International for that, or to Domestic to go on.",
			id, endpoint.Host, other.Host, find("account_type").variables[0])
	}
	return endpoint
}
