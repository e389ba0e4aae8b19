# A gate whose score is a variable, so that its tests need no ephemeral resource.

terraform {
  required_version = ">= 1.10" # for ephemeral variables; OpenTofu has them from 1.11
}

variable "score" {
  description = "The certificate health score."
  type        = number
  ephemeral   = true
}

resource "terraform_data" "gate" {
  lifecycle {
    precondition {
      condition     = coalesce(var.score, 0) >= 80
      error_message = "The certificate health score is below 80."
    }
  }
}
