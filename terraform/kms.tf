# Two keys. Who may use one?
#  - Services that act for their caller (S3, DynamoDB, Secrets Manager, Lambda environments, SQS
#    and SNS for senders with a role) use the caller's permission: it stands in the caller's role.
#  - Services that act by themselves have no role: they stand here, each bound to this account and
#    to the resources by name.
# In a key policy the resource "*" is the key itself.

# Objects, table, queues, topic, bus and logs.
resource "aws_kms_key" "data" {
  description             = "${local.prefix}: objects, table, queues, topic, bus, logs"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_window_in_days
  policy                  = data.aws_iam_policy_document.data_key.json
}

resource "aws_kms_alias" "data" {
  name          = local.data_key_alias
  target_key_id = aws_kms_key.data.key_id
}

# Secrets and the environments of Lambda functions.
resource "aws_kms_key" "config" {
  description             = "${local.prefix}: secrets, Lambda environments"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_window_in_days
  policy                  = data.aws_iam_policy_document.key_administration.json
}

resource "aws_kms_alias" "config" {
  name          = local.config_key_alias
  target_key_id = aws_kms_key.config.key_id
}

# Without this statement no IAM policy of the account would count for the key, and nobody could
# change it any more.
data "aws_iam_policy_document" "key_administration" {
  #checkov:skip=CKV_AWS_109:In a key policy "*" is this key only; the account's IAM policies say who
  #checkov:skip=CKV_AWS_111:In a key policy "*" is this key only; the account's IAM policies say who
  #checkov:skip=CKV_AWS_356:In a key policy "*" is this key only; it cannot name itself
  statement {
    sid       = "AccountAdministration"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }
}

data "aws_iam_policy_document" "data_key" {
  source_policy_documents = [
    data.aws_iam_policy_document.key_administration.json,
    data.aws_iam_policy_document.key_for_orders_bus.json,
    data.aws_iam_policy_document.key_for_rule_targets.json,
    data.aws_iam_policy_document.key_for_alarms.json,
    data.aws_iam_policy_document.key_for_logs.json,
  ]
}

# AWS's statements for a bus with an archive, which need more than those for a bus alone. The
# encryption context is the bus's ARN, and holds account and name: a condition on aws:SourceArn or
# aws:SourceAccount, which AWS's page has for a bus and not for its archive, would add nothing and
# could leave the archive empty.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-key-policy.html
data "aws_iam_policy_document" "key_for_orders_bus" {
  #checkov:skip=CKV_AWS_356:In a key policy "*" is this key only; it cannot name itself
  # No condition, as on AWS's page: DescribeKey has no encryption context, and only looks.
  statement {
    sid       = "OrdersBusDescribesKey"
    actions   = ["kms:DescribeKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }

  statement {
    sid       = "OrdersBusEncryptsEvents"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:events:event-bus:arn"
      values   = [local.orders_bus_arn]
    }
  }
}

# Rules that send to encrypted queues and topics. The encryption context holds the queue's or
# topic's ARN, thus account and name. aws:SourceAccount and aws:SourceArn do not come with these
# requests: AWS documents that they are not supported here, and deliveries would be lost. They
# stand in the queues' and the topic's own policies instead.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
data "aws_iam_policy_document" "key_for_rule_targets" {
  statement {
    sid       = "RulesSendToQueues"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:sqs:arn"
      values = [
        "${local.queues_arn}:${local.orders_dlq_name}",
        "${local.queues_arn}:${local.prefix}-events-dlq",
        "${local.queues_arn}:${local.prefix}-outcomes",
        "${local.queues_arn}:${local.prefix}-replay-*", # where a replay watches what is published
      ]
    }
  }

  statement {
    sid       = "RulesSendToOperators"
    actions   = ["kms:GenerateDataKey*", "kms:Decrypt"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "kms:EncryptionContext:aws:sns:topicArn"
      values   = ["${local.topics_arn}:${local.prefix}-operators"]
    }
  }
}

# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
data "aws_iam_policy_document" "key_for_alarms" {
  statement {
    sid       = "AlarmsSendToOperators"
    actions   = ["kms:GenerateDataKey*", "kms:Decrypt"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["${local.alarms_arn}:${local.prefix}-*"]
    }
    condition {
      test     = "ArnEquals"
      variable = "kms:EncryptionContext:aws:sns:topicArn"
      values   = ["${local.topics_arn}:${local.prefix}-operators"]
    }
  }
}

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
data "aws_iam_policy_document" "key_for_logs" {
  statement {
    sid = "LogGroupsEncryptEvents"
    actions = [
      "kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*",
    ]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values = [
        "${local.logs_arn}:/aws/lambda/${local.prefix}-*",
        "${local.logs_arn}:/aws/vendedlogs/states/${local.prefix}-*",
      ]
    }
  }
}
