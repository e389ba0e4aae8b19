# A gate that also holds when a saved plan is applied: Terraform then opens the ephemeral resource again, and evaluates the
# gate's condition again.

terraform {
  required_version = ">= 1.10" # for ephemeral resources; OpenTofu has them from 1.11

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

variable "minimum_score" {
  description = "The lowest health score that is good enough."
  type        = number
  default     = 80
}

ephemeral "cas_asset_count" "this" {}

resource "terraform_data" "gate" {
  lifecycle {
    precondition {
      condition     = coalesce(ephemeral.cas_asset_count.this.point, 0) >= var.minimum_score
      error_message = "The certificate health score is below ${var.minimum_score}."
    }
  }
}

# This resource represents those behind the gate.
resource "terraform_data" "release" {
  input = "certificates are in order"

  depends_on = [terraform_data.gate]

  lifecycle {
    create_before_destroy = true # otherwise a replacement destroys the old one before the gate
  }
}
