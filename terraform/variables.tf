variable "project" {
  description = "The project's name: the start of every resource's name."
  type        = string
  default     = "order-intake"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,12}[a-z0-9]$", var.project))
    error_message = "project must be 2 to 14 of a-z, 0-9 and -, starting with a letter."
  }
}

variable "stage" {
  description = "The stage: `local`, `prod`, or any other name, which is a development stage."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,11}$", var.stage))
    error_message = <<-EOT
      stage must be a lower-case letter, then at most 11 lower-case letters or digits,
      such as local, dev, ana or prod.
    EOT
  }
}

variable "key_deletion_window_in_days" {
  description = "How many days a deleted KMS key can still be brought back (7 to 30)."
  type        = number

  validation {
    condition     = contains(range(7, 31), var.key_deletion_window_in_days)
    error_message = "key_deletion_window_in_days must be a whole number from 7 to 30."
  }
}

variable "secret_recovery_window_in_days" {
  description = <<-EOT
    How many days a deleted secret can still be brought back: 7 to 30, or 0 to delete it at once,
    so that the stage can be made again under the same name.
  EOT
  type        = number

  validation {
    condition     = contains(concat([0], range(7, 31)), var.secret_recovery_window_in_days)
    error_message = "secret_recovery_window_in_days must be 0 or a whole number from 7 to 30."
  }
}

variable "archive_retention_in_days" {
  description = "How many days the archive keeps the orders bus's events; 0 keeps them for ever."
  type        = number

  validation {
    condition     = can(regex("^[0-9]+$", var.archive_retention_in_days))
    error_message = "archive_retention_in_days must be a whole number of days, or 0 for ever."
  }
}

variable "secrets_version" {
  description = "Raise it by one to have new passwords and keys generated for all secrets."
  type        = number
  default     = 1

  validation {
    condition     = can(regex("^[1-9][0-9]*$", var.secrets_version))
    error_message = "secrets_version must be a whole number from 1 on."
  }
}

variable "database" {
  description = <<-EOT
    The PostgreSQL database that accepted orders are loaded into, without its password, which is
    generated. null when the stage has none: nothing is loaded then.
  EOT
  type = object({
    host     = string
    port     = optional(number, 5432)
    dbname   = optional(string, "orders")
    username = optional(string, "order_intake")
  })
  default = null

  validation {
    condition = var.database == null ? true : (
      can(regex("^[^\\s/]+$", var.database.host))
      && can(regex("^[1-9][0-9]*$", var.database.port)) && var.database.port < 65536
    )
    error_message = "database needs a host, and a port from 1 to 65535."
  }

  validation {
    condition = var.database == null ? true : alltrue([
      for name in [var.database.dbname, var.database.username] :
      can(regex("^[a-z_][a-z0-9_]{0,62}$", name))
    ])
    error_message = "database.dbname and .username must be of a-z, 0-9 and _, no digit first."
  }
}

variable "rates_api" {
  description = <<-EOT
    The API of exchange rates. key: `none` sends no key, `generated` makes one. The default is the
    European Central Bank's rates through frankfurter.dev, which takes no key.
  EOT
  type = object({
    base_url = string
    key      = optional(string, "none")
  })
  default  = { base_url = "https://api.frankfurter.dev/v1" }
  nullable = false

  validation {
    condition     = can(regex("^https?://[^/\\s]+(/\\S*)?$", var.rates_api.base_url))
    error_message = "rates_api.base_url must be an address: https://api.frankfurter.dev/v1."
  }

  validation {
    condition     = contains(["none", "generated"], var.rates_api.key)
    error_message = "rates_api.key must be `none` or `generated`."
  }

  validation {
    condition     = var.stage == "local" || startswith(var.rates_api.base_url, "https://")
    error_message = "rates_api.base_url must be https outside the laptop: a key goes over it."
  }
}

variable "partner_webhook" {
  description = <<-EOT
    The webhook that outcomes are sent to; null when the stage has none. key: `generated` makes an
    API key, `none` sends none.
  EOT
  type = object({
    url = string
    key = optional(string, "generated")
  })
  default = null

  validation {
    condition = var.partner_webhook == null ? true : (
      can(regex("^https?://[^/\\s]+(/\\S*)?$", var.partner_webhook.url))
    )
    error_message = "partner_webhook.url must be an http or https address."
  }

  validation {
    condition = var.partner_webhook == null ? true : (
      contains(["none", "generated"], var.partner_webhook.key)
    )
    error_message = "partner_webhook.key must be `none` or `generated`."
  }

  validation {
    condition = var.partner_webhook == null ? true : (
      var.stage == "local" || startswith(var.partner_webhook.url, "https://")
    )
    error_message = "partner_webhook.url must be https outside the laptop: a key goes over it."
  }
}
