# On an ECS instance, the credentials come from the RAM role that is attached to it.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {
  ecs_role_name = "certificate-reader"
}

data "cas_asset_count" "this" {}
