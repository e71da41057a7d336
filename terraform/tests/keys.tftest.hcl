# The keys' policies: who stands in them and what binds each. Planned, nothing is made.

variables {
  stage                          = "ana"
  key_deletion_window_in_days    = 7
  secret_recovery_window_in_days = 0
  archive_retention_in_days      = 7
}

# One run: each plans anew, and that takes seconds.
run "policies" {
  command = plan

  assert {
    condition     = aws_kms_key.data.enable_key_rotation && aws_kms_key.config.enable_key_rotation
    error_message = "Both keys must rotate."
  }

  assert {
    condition = [aws_kms_alias.data.name, aws_kms_alias.config.name] == [
      "alias/order-intake-ana-data", "alias/order-intake-ana-config"
    ]
    error_message = "The aliases must carry project and stage."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.config.policy).Statement : statement.Principal
    ] == [{ AWS = "arn:aws:iam::000000000000:root" }]
    error_message = "The config key's policy must name the account only: no service acts by itself."
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      try(statement.Principal.Service, [])
      ])) == toset([
      "events.amazonaws.com", "cloudwatch.amazonaws.com", "logs.eu-central-1.amazonaws.com"
    ])
    error_message = "S3, DynamoDB, Lambda, SQS and SNS act for their caller and have no place here."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      can(statement.Condition)
      if can(statement.Principal.Service) && statement.Action != "kms:DescribeKey"
    ])
    error_message = "Every service's statement must be bound by a condition, but for DescribeKey."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      !contains(flatten([statement.Action]), "kms:*") if can(statement.Principal.Service)
    ])
    error_message = "A service may encrypt and decrypt; only the account may do all with a key."
  }

  assert {
    condition = alltrue([
      for values in flatten([
        for statement in jsondecode(aws_kms_key.data.policy).Statement :
        [for test in values(try(statement.Condition, {})) : flatten(values(test))]
      ]) : strcontains(values, "000000000000")
    ])
    error_message = "Every condition must be bound to this account."
  }

  assert {
    condition = alltrue([
      for value in flatten([
        for statement in jsondecode(aws_kms_key.data.policy).Statement :
        [for test in values(try(statement.Condition, {})) : flatten(values(test))]
      ]) : value == "000000000000" || strcontains(value, "order-intake-ana-")
    ])
    error_message = "Every ARN in a condition must be of this project and stage."
  }

  assert {
    condition     = endswith(local.orders_bus_arn, ":000000000000:event-bus/${local.prefix}-orders")
    error_message = "The bus must be this account's, project's and stage's."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      statement.Condition if statement.Sid == "OrdersBusEncryptsEvents"
      ]) == {
      StringEquals = { "kms:EncryptionContext:aws:events:event-bus:arn" = local.orders_bus_arn }
    }
    error_message = "The bus's statement must have the condition that AWS publishes for its archive."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      !can(statement.Condition) if statement.Action == "kms:DescribeKey"
    ])
    error_message = "AWS publishes DescribeKey without a condition: with one a bus may not be made."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      !strcontains(jsonencode(try(statement.Condition, {})), "aws:Source")
      if startswith(statement.Sid, "RulesSendTo")
    ])
    error_message = "AWS supports no aws:Source… key here: deliveries would be lost."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      toset(values(statement.Condition.ArnLike)[0]) if statement.Sid == "RulesSendToQueues"
      ]) == toset([
      for name in ["orders-dlq", "events-dlq", "outcomes", "replay-*"] :
      "arn:aws:sqs:eu-central-1:000000000000:order-intake-ana-${name}"
    ])
    error_message = "Rules may send to the dead-letter queues and a replay's queues only."
  }

  assert {
    condition     = aws_sqs_queue.orders_dlq.message_retention_seconds == 14 * 24 * 60 * 60
    error_message = "The queue must keep what nobody has looked at as long as SQS can: 14 days."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.orders_dlq.policy).Statement :
      [statement.Effect, statement.Principal, statement.Action, statement.Resource]
      ] == [[
        "Allow", { Service = "events.amazonaws.com" }, "sqs:SendMessage",
        "${local.queues_arn}:${local.orders_dlq_name}",
    ]]
    error_message = "EventBridge, and nobody else, must be able to send to the queue."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.orders_dlq.policy).Statement[0].Condition == {
      StringEquals = { "aws:SourceAccount" = "000000000000" }
      ArnEquals    = { "aws:SourceArn" = local.orders_bus_arn }
    }
    error_message = "EventBridge may send for this bus of this account only."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      statement.Condition if statement.Sid == "AlarmsSendToOperators"
      ]) == {
      StringEquals = { "aws:SourceAccount" = "000000000000" }
      ArnLike      = { "aws:SourceArn" = "${local.alarms_arn}:${local.prefix}-*" }
      ArnEquals = {
        "kms:EncryptionContext:aws:sns:topicArn" = "${local.topics_arn}:${local.prefix}-operators"
      }
    }
    error_message = "Only this stage's alarms may use the key, and only to tell the operators."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      toset(statement.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"])
      if statement.Sid == "LogGroupsEncryptEvents"
      ]) == toset([
      for groups in ["/aws/lambda", "/aws/vendedlogs/states"] :
      "${local.logs_arn}:${groups}/${local.prefix}-*"
    ])
    error_message = "CloudWatch Logs may use the key for this stage's log groups only."
  }

  # The actions are those that AWS's documentation asks for; the pages are named in kms.tf.
  assert {
    condition = {
      for statement in jsondecode(aws_kms_key.data.policy).Statement :
      statement.Sid => toset(flatten([statement.Action])) if can(statement.Principal.Service)
      } == {
      OrdersBusDescribesKey   = toset(["kms:DescribeKey"])
      OrdersBusEncryptsEvents = toset(["kms:GenerateDataKey", "kms:Decrypt", "kms:ReEncrypt*"])
      RulesSendToQueues       = toset(["kms:GenerateDataKey", "kms:Decrypt"])
      RulesSendToOperators    = toset(["kms:GenerateDataKey*", "kms:Decrypt"])
      AlarmsSendToOperators   = toset(["kms:GenerateDataKey*", "kms:Decrypt"])
      LogGroupsEncryptEvents = toset([
        "kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*",
      ])
    }
    error_message = "A service's statement allows more or less than its documentation asks for."
  }
}
