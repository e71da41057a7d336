# Names and ARNs are worked out here, not asked of the resources: the keys come first, and their
# policies name things that the application's stack makes later.
locals {
  prefix    = "${var.project}-${var.stage}"
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
  account   = data.aws_caller_identity.current.account_id

  events_arn = "arn:${local.partition}:events:${local.region}:${local.account}"
  queues_arn = "arn:${local.partition}:sqs:${local.region}:${local.account}"
  topics_arn = "arn:${local.partition}:sns:${local.region}:${local.account}"
  alarms_arn = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm"
  logs_arn   = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group"

  data_key_alias   = "alias/${local.prefix}-data"
  config_key_alias = "alias/${local.prefix}-config"

  orders_dlq_name = "${local.prefix}-orders-dlq"
  orders_bus_name = "${local.prefix}-orders"
  orders_bus_arn  = "${local.events_arn}:event-bus/${local.orders_bus_name}"
}
