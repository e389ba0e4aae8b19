# The numbers of cloud resources, by cloud, as outputs for a dashboard or another configuration.

terraform {
  required_providers {
    cas = { source = "terraform-provider-cas/cas" }
  }
}

data "cas_asset_count" "this" {}

output "assets_by_cloud" {
  description = "Number of cloud resources, null if the service doesn't send it."
  value = {
    alibaba_cloud = data.cas_asset_count.this.aliyun_asset_count
    aws           = data.cas_asset_count.this.aws_asset_count
    huawei_cloud  = data.cas_asset_count.this.huawei_asset_count
    tencent_cloud = data.cas_asset_count.this.tencent_asset_count
  }
}

output "assets" {
  description = "Number of cloud resources in all clouds, null if the service doesn't send one of them."
  value       = data.cas_asset_count.this.total_cloud_asset_count
}

output "domains" {
  description = "Number of domain name resources."
  value       = data.cas_asset_count.this.domain_asset_count
}
