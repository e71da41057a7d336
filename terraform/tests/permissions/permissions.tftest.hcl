# What the checks of permissions read (workbench/src/workbench/permissions/platform.py): the platform as it is planned
# for the stage `local`, without any cloud. The values here stand for what only AWS could answer.

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_resource {
  target          = aws_kms_key.data
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-central-1:000000000000:key/data", key_id = "data" }
}

override_resource {
  target          = aws_kms_key.config
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-central-1:000000000000:key/config", key_id = "config" }
}

override_resource {
  target          = aws_cloudwatch_event_bus.orders
  override_during = plan
  values = {
    arn = "arn:aws:events:eu-central-1:000000000000:event-bus/order-intake-local-orders"
  }
}

override_resource {
  target          = aws_sqs_queue.orders_dlq
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:order-intake-local-orders-dlq" }
}

# No setting here has a password or a key generated: that would ask AWS.
variables {
  stage                          = "local"
  key_deletion_window_in_days    = 7
  secret_recovery_window_in_days = 0
  archive_retention_in_days      = 7
  partner_webhook                = { url = "https://partner.example.com/orders", key = "none" }
}

run "plan" {
  command = plan

  assert {
    condition = alltrue([
      for name in ["data", "config"] :
      aws_ssm_parameter.handover["keys/${name}/arn"].value
      == "arn:aws:kms:eu-central-1:000000000000:key/${name}"
    ])
    error_message = "Each key must be handed over under its own path."
  }

  assert {
    condition = (
      [aws_kms_alias.data.target_key_id, aws_kms_alias.config.target_key_id] == ["data", "config"]
      && aws_kms_alias.data.name != aws_kms_alias.config.name
    )
    error_message = "Each alias must lead to its own key."
  }
}
