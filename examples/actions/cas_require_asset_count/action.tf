terraform {
  required_version = ">= 1.14" # for actions; OpenTofu has none

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

action "cas_require_asset_count" "healthy" {
  config {
    minimum = {
      point                 = 80
      buy_certificate_count = 1
    }

    maximum = {
      free_certificate_count = 18
    }

    timeouts {
      invoke = "2m"
    }
  }
}

# This resource represents those that change only while the certificates are in order.
resource "terraform_data" "release" {
  input = "certificates are in order"

  lifecycle {
    action_trigger {
      events  = [before_create, before_update]
      actions = [action.cas_require_asset_count.healthy]
    }
  }
}
