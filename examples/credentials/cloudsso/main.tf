# Sign in with aliyun configure --mode CloudSSO --profile sso, and again when the provider reports that the sign-in has
# expired.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {
  profile = "sso"
}

data "cas_asset_count" "this" {}
