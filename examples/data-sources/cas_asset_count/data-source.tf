terraform {
  required_version = ">= 1.5" # for the check block

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

data "cas_asset_count" "this" {
  timeouts {
    read = "2m"
  }
}

check "cloud_assets" {
  assert {
    condition     = coalesce(data.cas_asset_count.this.total_cloud_asset_count, 0) > 0
    error_message = "No cloud resources are known to Certificate Management Service."
  }
}

output "health_score" {
  value = data.cas_asset_count.this.point
}

output "health_score_updated_at" {
  value = data.cas_asset_count.this.point_updated_at
}

output "certificates" {
  value = data.cas_asset_count.this.total_certificate_count
}
