# On your own machine, a profile in the Alibaba Cloud CLI's file has the keys.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {
  profile = "work"
}

data "cas_asset_count" "this" {}
