# The platform as it is planned for the stage `local`, without any cloud: what the checks of
# permissions read. The values here stand for what only AWS could answer.

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_resource {
  target          = aws_kms_key.data
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-central-1:000000000000:key/data", key_id = "data" }
}

override_resource {
  target          = aws_cloudwatch_event_bus.parcels
  override_during = plan
  values          = { arn = "arn:aws:events:eu-central-1:000000000000:event-bus/parcels-local-parcels" }
}

variables {
  stage = "local"
}

run "plan" {
  command = plan

  assert {
    condition     = aws_ssm_parameter.handover["keys/data/arn"].value == aws_kms_key.data.arn
    error_message = "The key must be handed over under its own path."
  }
}
