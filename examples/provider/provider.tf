terraform {
  required_providers {
    cas = {
      source  = "terraform-provider-cas/cas"
      version = "~> 0.1"
    }
  }
}

# Credentials come from the environment, or from the other places where all Alibaba Cloud tools look.
provider "cas" {
  region = "cn-hangzhou" # the China site; an account of the international site uses "ap-southeast-1"
}

data "cas_asset_count" "this" {
  lifecycle {
    postcondition {
      condition     = coalesce(self.point, 0) >= 80
      error_message = "The certificate health score is ${coalesce(self.point, "unknown")}; at least 80 is needed."
    }
  }
}

output "certificates" {
  value = data.cas_asset_count.this.total_certificate_count
}
