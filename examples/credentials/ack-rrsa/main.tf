# In a pod in ACK with RRSA, ack-pod-identity-webhook sets the variables for the role and its token.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {}

data "cas_asset_count" "this" {}
