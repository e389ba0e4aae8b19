# What the service doesn't send is null. Conditions have to say what that means; here, each says it in another way.

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
    error_message = "The service doesn't say how many paid certificates there are."
  }

  assert {
    condition     = try(local.now.buy_certificate_count >= 1, true)
    error_message = "There is no paid certificate."
  }
}

output "certificates_known_of" {
  description = "The sum of the certificate counts that the service sends, where total_certificate_count is null if one is missing."
  value = sum([for count in [
    local.now.buy_certificate_count,
    local.now.free_certificate_count,
    local.now.upload_certificate_count,
  ] : coalesce(count, 0)])
}
