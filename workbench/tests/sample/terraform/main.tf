# A key, a bus, and what is handed over of them.
variable "project" {
  type    = string
  default = "parcels"
}

variable "stage" {
  type = string
}

locals {
  prefix = "${var.project}-${var.stage}"
  parameters = {
    "keys/data/arn"      = aws_kms_key.data.arn
    "buses/parcels/name" = aws_cloudwatch_event_bus.parcels.name
    "buses/parcels/arn"  = aws_cloudwatch_event_bus.parcels.arn
  }
}

provider "aws" {}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

resource "aws_kms_key" "data" {
  description             = "${local.prefix}: objects, queues"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  policy                  = data.aws_iam_policy_document.data_key.json
}

data "aws_iam_policy_document" "data_key" {
  statement {
    sid       = "AccountAdministration"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }

  statement {
    sid = "LogGroupsOfThisStage"
    actions = [
      "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey",
    ]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${data.aws_region.current.name}.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:*:logs:*:${data.aws_caller_identity.current.account_id}:log-group:/aws/lambda/${local.prefix}-*"]
    }
  }

  # What cannot be delivered; and where a replay watches what is published.
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
        for queue in ["lost-events", "replay-*"] :
        "arn:*:sqs:*:${data.aws_caller_identity.current.account_id}:${local.prefix}-${queue}"
      ]
    }
  }
}

resource "aws_cloudwatch_event_bus" "parcels" {
  name = "${local.prefix}-parcels"
}

resource "aws_ssm_parameter" "handover" {
  for_each = local.parameters

  name  = "/${var.project}/${var.stage}/${each.key}"
  type  = "String"
  value = each.value
}

output "key_arns" {
  value = { data = aws_kms_key.data.arn }
}
