terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

ephemeral "cas_asset_count" "this" {}

resource "terraform_data" "gate" {
  lifecycle {
    precondition {
      condition     = ephemeral.cas_asset_count.this.point >= 80
      error_message = "The certificate health score is below 80."
    }
  }
}

resource "terraform_data" "release" {
  input      = "certificates are in order"
  depends_on = [terraform_data.gate]
}
