terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

data "cas_asset_count" "this" {
  lifecycle {
    postcondition {
      condition     = self.point >= 80
      error_message = "The certificate health score is ${self.point}; at least 80 is needed."
    }
  }
}

output "score" {
  value = data.cas_asset_count.this.point
}
