terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

data "cas_asset_count" "this" {}

check "free_certificates" {
  assert {
    condition     = data.cas_asset_count.this.free_certificate_count < 18
    error_message = "${data.cas_asset_count.this.free_certificate_count} of 20 free certificates are used."
  }
}
