# In GitHub Actions, the provider assumes the role with the job's token. ALIBABA_CLOUD_OIDC_TOKEN_FILE names its file.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {
  assume_role_with_oidc {
    oidc_provider_arn = "acs:ram::1234567890123456:oidc-provider/github"
    role_arn          = "acs:ram::1234567890123456:role/certificate-reader"
    role_session_name = "github-actions"
  }
}

data "cas_asset_count" "this" {
  lifecycle {
    postcondition {
      condition     = coalesce(self.point, 0) >= 80
      error_message = "The certificate health score is ${coalesce(self.point, "unknown")}; at least 80 is needed."
    }
  }
}
