# Outputs that change when a count does, and not with every plan.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

data "cas_asset_count" "this" {}

output "asset_count" {
  description = "All that the service sends, but for the ID of the request, which differs with every read."
  value       = { for name, value in data.cas_asset_count.this : name => value if name != "request_id" }
}
