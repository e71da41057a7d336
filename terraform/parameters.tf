# The hand-over to the application's stack: names and ARNs, never values of secrets. Always all of
# them, so that the template can ask for each; `none` where the stage has no such thing.

locals {
  parameters = {
    "keys/data/arn"   = aws_kms_key.data.arn
    "keys/config/arn" = aws_kms_key.config.arn

    "secrets/database/arn"        = local.secret_arns["database"]
    "secrets/database-owner/arn"  = local.secret_arns["database-owner"]
    "secrets/rates-api/arn"       = local.secret_arns["rates-api"]
    "secrets/partner-webhook/arn" = local.secret_arns["partner-webhook"]

    "buses/orders/name" = aws_cloudwatch_event_bus.orders.name
    "buses/orders/arn"  = aws_cloudwatch_event_bus.orders.arn
  }

  # Known before the apply which secrets there are, so a missing one is no guess of `try`.
  secret_arns = {
    for name in ["database", "database-owner", "rates-api", "partner-webhook"] : name => (
      contains(keys(local.secret_fields), name) ? aws_secretsmanager_secret.this[name].arn : "none"
    )
  }
}

resource "aws_ssm_parameter" "handover" {
  #checkov:skip=CKV2_AWS_34:Names and ARNs are no secrets; templates read no SecureString here
  for_each = local.parameters

  name  = "/${var.project}/${var.stage}/${each.key}"
  type  = "String"
  value = each.value
}
