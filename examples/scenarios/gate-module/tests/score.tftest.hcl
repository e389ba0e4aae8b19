run "good_score" {
  command = plan

  variables {
    score = 80
  }
}

run "low_score_stops_the_plan" {
  command = plan

  variables {
    score = 79
  }

  expect_failures = [terraform_data.gate]
}

run "unknown_score_stops_the_plan" {
  command = plan

  variables {
    score = null
  }

  expect_failures = [terraform_data.gate]
}
