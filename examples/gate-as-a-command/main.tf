# A gate that needs no resource: gate.sh invokes the action.

terraform {
  required_version = ">= 1.14" # for actions; OpenTofu has none

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

action "cas_require_asset_count" "healthy" {
  config {
    minimum = { point = 80 }
  }
}
