# A module that other configurations can call. Its tests need no account.

terraform {
  required_version = ">= 1.5" # for the check block; its tests need 1.7

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

variable "minimum_score" {
  description = "The lowest health score that is good enough."
  type        = number
  default     = 80
}

data "cas_asset_count" "this" {
  lifecycle {
    postcondition {
      condition     = coalesce(self.point, 0) >= var.minimum_score
      error_message = "The certificate health score is ${coalesce(self.point, "unknown")}; at least ${var.minimum_score} is needed."
    }
  }
}

check "paid_certificates" {
  assert {
    condition     = coalesce(data.cas_asset_count.this.buy_certificate_count, 0) > 0
    error_message = "There is no paid certificate."
  }
}

output "score" {
  description = "The certificate health score."
  value       = data.cas_asset_count.this.point
}
