output "key_arns" {
  description = "The ARNs of the KMS keys, by name."
  value = {
    data   = aws_kms_key.data.arn
    config = aws_kms_key.config.arn
  }
}

output "secret_arns" {
  description = "The ARNs of the secrets, by name; `none` for one that the stage does not have."
  value       = local.secret_arns
}

output "orders_bus" {
  description = "The orders bus, its archive and its dead-letter queue."
  value = {
    name            = aws_cloudwatch_event_bus.orders.name
    arn             = aws_cloudwatch_event_bus.orders.arn
    archive         = aws_cloudwatch_event_archive.orders.name
    dead_letter_arn = aws_sqs_queue.orders_dlq.arn
    dead_letter_url = aws_sqs_queue.orders_dlq.id
  }
}

output "parameters" {
  description = "What the hand-over parameters hold, by their full name."
  value = {
    for path, value in local.parameters : "/${var.project}/${var.stage}/${path}" => value
  }
}
