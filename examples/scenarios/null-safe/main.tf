# A value that the service doesn't send is null. These conditions show three ways to treat null.

terraform {
  required_version = ">= 1.5" # for the check block

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

data "cas_asset_count" "this" {}

locals {
  now = data.cas_asset_count.this
}

check "unknown_counts_as_bad" {
  assert {
    condition     = coalesce(local.now.point, 0) >= 80
    error_message = "The certificate health score is ${coalesce(local.now.point, "unknown")}."
  }
}

check "unknown_counts_as_good" {
  assert {
    condition     = local.now.point_change == null ? true : local.now.point_change >= 0
    error_message = "The certificate health score has changed by ${coalesce(local.now.point_change, 0)} points."
  }
}

check "unknown_is_told_apart" {
  assert {
    condition     = local.now.buy_certificate_count != null
    error_message = "The service doesn't send the number of paid certificates."
  }

  assert {
    condition     = try(local.now.buy_certificate_count >= 1, true)
    error_message = "There is no paid certificate."
  }
}

output "certificates_known_of" {
  description = "Sum of the certificate counts that the service sends. If one is missing, total_certificate_count is null."
  value = sum([for count in [
    local.now.buy_certificate_count,
    local.now.free_certificate_count,
    local.now.upload_certificate_count,
  ] : coalesce(count, 0)])
}
