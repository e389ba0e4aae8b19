# The provider assumes a role in another account. The credentials for that come from the environment or the default chain.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {
  assume_role {
    role_arn           = "acs:ram::1234567890123456:role/certificate-reader"
    session_name       = "audit"
    session_expiration = 900 # seconds
    external_id        = "audit-of-2026"
  }
}

data "cas_asset_count" "this" {}
