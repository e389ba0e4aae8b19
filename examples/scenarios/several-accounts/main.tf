# One provider block for each account. Terraform has no for_each for provider blocks, but one map can have all scores.

terraform {
  required_version = ">= 1.5" # for the check block

  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

provider "cas" {
  alias   = "production"
  profile = "production"
}

provider "cas" {
  alias   = "staging"
  profile = "staging"
}

data "cas_asset_count" "production" {
  provider = cas.production
}

data "cas_asset_count" "staging" {
  provider = cas.staging
}

locals {
  scores = {
    production = data.cas_asset_count.production.point
    staging    = data.cas_asset_count.staging.point
  }
}

check "scores" {
  assert {
    condition     = alltrue([for score in values(local.scores) : coalesce(score, 0) >= 80])
    error_message = "Below 80: ${join(", ", [for account, score in local.scores : account if coalesce(score, 0) < 80])}."
  }
}

output "scores" {
  value = local.scores
}
