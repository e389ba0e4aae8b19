# A warning when most free certificates are used. It appears with every plan and apply, and stops neither.

terraform {
  required_version = ">= 1.5" # for the check block

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

variable "free_certificates" {
  description = "How many free certificates the account may have."
  type        = number
  default     = 20
}

data "cas_asset_count" "this" {}

locals {
  used = data.cas_asset_count.this.free_certificate_count
}

check "free_certificates" {
  assert {
    condition     = local.used != null
    error_message = "The service doesn't send the number of free certificates."
  }

  assert {
    condition     = coalesce(local.used, 0) <= 0.9 * var.free_certificates
    error_message = "${coalesce(local.used, 0)} of ${var.free_certificates} free certificates are used."
  }
}
