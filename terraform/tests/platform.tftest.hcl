# The whole platform, made and taken away again; in the local cloud.

variables {
  stage                          = "unit"
  key_deletion_window_in_days    = 7
  secret_recovery_window_in_days = 0
  archive_retention_in_days      = 7
  database                       = { host = "db.example.com" }
  rates_api                      = { base_url = "https://rates.example.com", key = "generated" }
  partner_webhook                = { url = "https://partner.example.com/orders" }
}

run "apply" {
  command = apply

  assert {
    condition = toset([for parameter in aws_ssm_parameter.handover : parameter.name]) == toset([
      "/order-intake/unit/keys/data/arn",
      "/order-intake/unit/keys/config/arn",
      "/order-intake/unit/secrets/database/arn",
      "/order-intake/unit/secrets/database-owner/arn",
      "/order-intake/unit/secrets/rates-api/arn",
      "/order-intake/unit/secrets/partner-webhook/arn",
      "/order-intake/unit/buses/orders/name",
      "/order-intake/unit/buses/orders/arn",
    ])
    error_message = "The hand-over parameters must always be all there."
  }

  assert {
    condition = nonsensitive(alltrue([
      for parameter in aws_ssm_parameter.handover :
      can(regex("^(arn:aws:|order-intake-unit-orders$)", parameter.value))
    ]))
    error_message = "Parameters hold names and ARNs."
  }

  assert {
    condition = (
      aws_ssm_parameter.handover["keys/data/arn"].value == aws_kms_key.data.arn
      && aws_ssm_parameter.handover["keys/config/arn"].value == aws_kms_key.config.arn
      && aws_ssm_parameter.handover["buses/orders/arn"].value == aws_cloudwatch_event_bus.orders.arn
    )
    error_message = "Each parameter must hold the ARN of the thing that its path names."
  }

  assert {
    condition     = aws_cloudwatch_event_bus.orders.arn == local.orders_bus_arn
    error_message = "The key policy names the bus by an ARN that it does not have."
  }

  assert {
    condition     = aws_sqs_queue.orders_dlq.arn == "${local.queues_arn}:${local.orders_dlq_name}"
    error_message = "Key and queue policy name the queue by an ARN that it does not have."
  }

  assert {
    condition = (
      aws_cloudwatch_event_bus.orders.kms_key_identifier == aws_kms_key.data.arn
      && aws_cloudwatch_event_bus.orders.dead_letter_config[0].arn == aws_sqs_queue.orders_dlq.arn
      && aws_cloudwatch_event_archive.orders.event_source_arn == aws_cloudwatch_event_bus.orders.arn
    )
    error_message = "The bus must have the data key, its dead-letter queue and its archive."
  }

  assert {
    condition = alltrue([
      for secret in aws_secretsmanager_secret.this : secret.kms_key_id == aws_kms_key.config.arn
    ])
    error_message = "Secrets must be encrypted with the config key."
  }

  assert {
    condition = alltrue([
      for version in aws_secretsmanager_secret_version.this :
      version.secret_string == "" && version.has_secret_string_wo
    ])
    error_message = "Secret values are write-only: none may be in the state."
  }

  assert {
    condition = (
      output.key_arns == { data = aws_kms_key.data.arn, config = aws_kms_key.config.arn }
      && output.orders_bus.name == aws_cloudwatch_event_bus.orders.name
      && output.orders_bus.dead_letter_arn == aws_sqs_queue.orders_dlq.arn
    )
    error_message = "Each output must tell of the thing that it names."
  }
}
