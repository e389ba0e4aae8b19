terraform {
  required_version = ">= 1.10" # for ephemeral resources; OpenTofu has them from 1.11

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

ephemeral "cas_asset_count" "this" {}

resource "terraform_data" "gate" {
  lifecycle {
    precondition {
      condition     = coalesce(ephemeral.cas_asset_count.this.point, 0) >= 80
      error_message = "The certificate health score is below 80."
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
