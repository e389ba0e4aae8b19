# A gate: if the health score is too low, plan and apply stop before anything behind the gate is changed.

terraform {
  required_version = ">= 1.4" # for terraform_data; a postcondition needs 1.2

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

# This resource represents those behind the gate.
resource "terraform_data" "release" {
  input = "certificates are in order"

  depends_on = [data.cas_asset_count.this]
}
