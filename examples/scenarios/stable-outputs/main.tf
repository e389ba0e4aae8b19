# An output that changes when a value does, but not with every plan.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

data "cas_asset_count" "this" {}

output "asset_count" {
  description = "All attributes except the request ID, which differs with every read."
  value       = { for name, value in data.cas_asset_count.this : name => value if name != "request_id" }
}
