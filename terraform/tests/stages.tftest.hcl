# What a stage may be called and what it may be given.

variables {
  stage                          = "ana"
  key_deletion_window_in_days    = 7
  secret_recovery_window_in_days = 0
  archive_retention_in_days      = 7
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    stage                          = "Ana-1"
    project                        = "Order_Intake"
    key_deletion_window_in_days    = 3
    secret_recovery_window_in_days = 1
    archive_retention_in_days      = -1
    secrets_version                = 0
    database                       = { host = "db.example.com", port = 70000 }
  }

  expect_failures = [
    var.stage, var.project, var.key_deletion_window_in_days, var.secret_recovery_window_in_days,
    var.archive_retention_in_days, var.secrets_version, var.database,
  ]
}

run "the_least_and_the_most_are_taken" {
  command = plan

  variables {
    stage                          = "abcdefghijkl"
    key_deletion_window_in_days    = 30
    secret_recovery_window_in_days = 30
    archive_retention_in_days      = 0
    database                       = { host = "db.example.com", port = 65535 }
  }
}

run "one_less_and_unknown_ways_to_a_key_are_refused" {
  command = plan

  variables {
    key_deletion_window_in_days    = 6
    secret_recovery_window_in_days = 6
    database                       = { host = "db.example.com", port = 0 }
    rates_api                      = { base_url = "https://rates.example.com", key = "abc" }
    partner_webhook                = { url = "https://partner.example.com", key = "abc" }
  }

  expect_failures = [
    var.key_deletion_window_in_days, var.secret_recovery_window_in_days, var.database,
    var.rates_api, var.partner_webhook,
  ]
}

run "one_more_is_refused" {
  command = plan

  variables {
    stage                          = "abcdefghijklm"
    key_deletion_window_in_days    = 31
    secret_recovery_window_in_days = 31
    database                       = { host = "db.example.com", port = 65536 }
  }

  expect_failures = [
    var.stage, var.key_deletion_window_in_days, var.secret_recovery_window_in_days, var.database,
  ]
}

run "a_key_never_goes_over_plain_http_outside_the_laptop" {
  command = plan

  variables {
    rates_api       = { base_url = "http://rates.example.com", key = "generated" }
    partner_webhook = { url = "http://partner.example.com" }
  }

  expect_failures = [var.rates_api, var.partner_webhook]
}

run "without_settings_a_stage_uses_the_central_banks_rates_and_no_key" {
  command = plan

  assert {
    condition = local.secret_fields == {
      rates-api = { base_url = "https://api.frankfurter.dev/v1" }
    }
    error_message = "Without settings there is the rates API alone."
  }

  assert {
    condition     = length(local.secret_generated) == 0
    error_message = "The public rates API takes no key: none may be made."
  }

  assert {
    condition = [
      for name in ["database", "partner-webhook"] :
      aws_ssm_parameter.handover["secrets/${name}/arn"].value
    ] == ["none", "none"]
    error_message = "What the stage does not have must be handed over as `none`."
  }
}
