# make demo runs this configuration against a fake of the service. With the credentials of an account in the environment,
# terraform plan reads that account.

terraform {
  required_version = ">= 1.5" # for the check block

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {}

data "cas_asset_count" "this" {
  lifecycle {
    postcondition {
      condition     = self.point >= 80
      error_message = "The certificate health score is ${self.point}."
    }
  }
}

check "cloud_assets" {
  assert {
    condition     = data.cas_asset_count.this.total_cloud_asset_count > 0
    error_message = "No cloud resources are known to Certificate Management Service."
  }
}

output "score" {
  value = data.cas_asset_count.this.point
}

output "updated_at" {
  value = data.cas_asset_count.this.point_updated_at
}

output "certificates" {
  value = data.cas_asset_count.this.total_certificate_count
}

output "cloud_assets" {
  value = data.cas_asset_count.this.total_cloud_asset_count
}
