# A gate before each creation, update, replacement and destruction of a resource. It doesn't stop terraform destroy, or
# the removal of the whole block.

terraform {
  required_version = ">= 1.16" # for before_destroy; actions themselves need 1.14

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

variable "minimum_score" {
  description = "The lowest health score that is good enough."
  type        = number
  default     = 80
}

variable "releases" {
  description = "What each release consists of, by the name of the release."
  type        = map(string)
  default     = { blue = "first", green = "first" }
}

action "cas_require_asset_count" "healthy" {
  config {
    minimum = { point = var.minimum_score }
  }
}

resource "terraform_data" "release" {
  for_each = var.releases
  input    = each.value

  lifecycle {
    action_trigger {
      events  = [before_create, before_update, before_destroy]
      actions = [action.cas_require_asset_count.healthy]
    }
  }
}
