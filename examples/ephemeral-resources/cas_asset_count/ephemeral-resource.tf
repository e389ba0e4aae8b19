terraform {
  required_version = ">= 1.10" # for ephemeral resources; OpenTofu has them from 1.11

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

ephemeral "cas_asset_count" "this" {
  timeouts {
    open = "2m"
  }
}

# Resources that depend on this one are neither created nor updated while the score is too low.
resource "terraform_data" "gate" {
  lifecycle {
    precondition {
      condition     = coalesce(ephemeral.cas_asset_count.this.point, 0) >= 80
      error_message = "The certificate health score is below 80."
    }
  }
}

check "paid_certificates" {
  assert {
    condition     = coalesce(ephemeral.cas_asset_count.this.buy_certificate_count, 0) > 0
    error_message = "There is no paid certificate."
  }
}
