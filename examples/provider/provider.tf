terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas", version = "~> 0.1" }
  }
}

provider "cas" {
  region = "cn-hangzhou" # China site; "ap-southeast-1" for the international site
}

data "cas_asset_count" "this" {
  lifecycle {
    postcondition {
      condition     = coalesce(self.point, 0) >= 80
      error_message = "The certificate health score is ${coalesce(self.point, "unknown")}; at least 80 is needed."
    }
  }
}
