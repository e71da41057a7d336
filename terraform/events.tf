# No bus policy: without one only this account may publish and make rules, by IAM.
resource "aws_cloudwatch_event_bus" "orders" {
  name               = local.orders_bus_name
  description        = "Outcomes of order files, requests for approval and decisions"
  kms_key_identifier = aws_kms_key.data.arn

  # For events that cannot be encrypted or decrypted. What a rule cannot deliver goes to the
  # rule's own queue.
  dead_letter_config {
    arn = aws_sqs_queue.orders_dlq.arn
  }
}

# Everything that was said on the bus, to be looked up or replayed. Provider 5.100 knows no key
# for archives: the archive is encrypted with a key that AWS owns.
resource "aws_cloudwatch_event_archive" "orders" {
  name             = local.orders_bus_name
  description      = "All events of ${local.orders_bus_name}"
  event_source_arn = aws_cloudwatch_event_bus.orders.arn
  retention_days   = var.archive_retention_in_days
}

resource "aws_sqs_queue" "orders_dlq" {
  name = local.orders_dlq_name
  # The key by its alias, and the policy right here: the queue takes half a minute to be ready, and
  # so needs not wait for the key first nor for a policy afterwards.
  kms_master_key_id         = local.data_key_alias
  policy                    = data.aws_iam_policy_document.orders_dlq.json
  message_retention_seconds = 14 * 24 * 60 * 60 # the longest there is
}

data "aws_iam_policy_document" "orders_dlq" {
  statement {
    sid       = "OrdersBusSends"
    actions   = ["sqs:SendMessage"]
    resources = ["${local.queues_arn}:${local.orders_dlq_name}"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.orders_bus_arn]
    }
  }
}
