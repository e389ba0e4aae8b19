# A configuration with each kind of setting. Few configurations need more than two of them.

terraform {
  required_providers {
    cas = {
      source  = "terraform-provider-cas/cas"
      version = "~> 0.1"
    }
  }
}

provider "cas" {
  region  = "ap-southeast-1" # the international site
  profile = "audit"          # in the Alibaba Cloud CLI's file

  # This leaves four calls a second to other tools of the account.
  requests_per_second = 6
  max_retries         = 3
  request_timeout     = "20s"

  assume_role {
    role_arn           = "acs:ram::1234567890123456:role/certificate-reader"
    session_name       = "terraform"
    session_expiration = 900 # seconds
  }

  endpoints {
    sts = "sts.ap-southeast-1.aliyuncs.com"
  }
}

data "cas_asset_count" "this" {
  timeouts {
    read = "2m"
  }
}

output "health_score" {
  value = data.cas_asset_count.this.point
}
