terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

data "cas_asset_count" "this" {
  count = 20
}
