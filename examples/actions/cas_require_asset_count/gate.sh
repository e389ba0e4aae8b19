#!/bin/sh
# A step of a pipeline. It fails while the certificates aren't in order, and also if the service can't be read.
set -eu
terraform init -input=false
terraform apply -input=false -auto-approve -invoke=action.cas_require_asset_count.healthy
