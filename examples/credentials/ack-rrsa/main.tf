# A pod in ACK with RRSA: ack-pod-identity-webhook sets the variables that say which role to assume, and with which token.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {}

data "cas_asset_count" "this" {}
