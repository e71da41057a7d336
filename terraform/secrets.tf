# Passwords and keys are generated, written and forgotten: an ephemeral resource and a write-only
# argument leave no trace of them in a plan or a state.

locals {
  # What each secret holds besides its password or key; a stage has only those that it needs.
  secret_fields = {
    for name, fields in {
      database = var.database == null ? null : {
        engine   = "postgres" # the form that AWS's rotation functions expect
        host     = var.database.host
        port     = var.database.port
        dbname   = var.database.dbname
        username = var.database.username
      }
      database-owner = var.database == null ? null : {
        engine   = "postgres"
        host     = var.database.host
        port     = var.database.port
        dbname   = var.database.dbname
        username = "order_intake_owner" # made by migrations/bootstrap.sql
      }
      rates-api       = { base_url = var.rates_api.base_url }
      partner-webhook = var.partner_webhook == null ? null : { url = var.partner_webhook.url }
    } : name => fields if fields != null
  }

  secret_generated = toset([
    for name, kind in {
      database        = var.database == null ? "none" : "generated"
      database-owner  = var.database == null ? "none" : "generated"
      rates-api       = var.rates_api.key
      partner-webhook = var.partner_webhook == null ? "none" : var.partner_webhook.key
    } : name if kind == "generated"
  ])
}

ephemeral "aws_secretsmanager_random_password" "generated" {
  for_each = local.secret_generated

  password_length     = 40
  exclude_punctuation = true # safe in a connection string, a header and a shell
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:The application rotates the database's; the others are changed with secrets_version
  for_each = local.secret_fields

  name                    = "${local.prefix}/${each.key}"
  description             = "${local.prefix}: connection to the ${each.key}"
  kms_key_id              = aws_kms_key.config.arn
  recovery_window_in_days = var.secret_recovery_window_in_days
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = local.secret_fields

  secret_id = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo = jsonencode(merge(each.value, {
    (startswith(each.key, "database") ? "password" : "api_key") = (
      contains(local.secret_generated, each.key)
      ? ephemeral.aws_secretsmanager_random_password.generated[each.key].random_password
      : "" # no key: none is sent
    )
  }))

  # Terraform cannot compare what it must not know: it writes again, with a new password or key,
  # when this number changes, thus when an address does, or secrets_version.
  secret_string_wo_version = parseint(substr(sha256(jsonencode([
    var.secrets_version, each.value, contains(local.secret_generated, each.key),
  ])), 0, 12), 16)
}
