# A laptop: keys stay in the Alibaba Cloud CLI's configuration, under a profile.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {
  profile = "work"
}

data "cas_asset_count" "this" {}
