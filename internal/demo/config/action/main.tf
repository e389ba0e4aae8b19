terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

action "cas_require_asset_count" "healthy" {
  config {
    minimum = { point = 80 }
  }
}

resource "terraform_data" "release" {
  input = "certificates are in order"

  lifecycle {
    action_trigger {
      events  = [before_create, before_update]
      actions = [action.cas_require_asset_count.healthy]
    }
  }
}
