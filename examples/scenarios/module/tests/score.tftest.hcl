# With mock_provider, no provider is configured and nothing is called.
mock_provider "cas" {
  mock_data "cas_asset_count" {
    defaults = {
      point                 = 92
      buy_certificate_count = 2
    }
  }
}

run "good_score" {
  command = plan

  assert {
    condition     = output.score == 92
    error_message = "The output is ${output.score}."
  }
}

run "low_score_stops_the_plan" {
  command = plan

  override_data {
    target = data.cas_asset_count.this
    values = {
      point                 = 79
      buy_certificate_count = 2
    }
  }

  expect_failures = [data.cas_asset_count.this]
}

run "unknown_score_stops_the_plan" {
  command = plan

  override_data {
    target = data.cas_asset_count.this
    values = {
      point                 = null
      buy_certificate_count = 2
    }
  }

  expect_failures = [data.cas_asset_count.this]
}

run "minimum_score_can_be_chosen" {
  command = plan

  variables {
    minimum_score = 95
  }

  expect_failures = [data.cas_asset_count.this]
}

run "no_paid_certificate_is_a_warning" {
  command = plan

  override_data {
    target = data.cas_asset_count.this
    values = {
      point                 = 92
      buy_certificate_count = 0
    }
  }

  expect_failures = [check.paid_certificates]
}
