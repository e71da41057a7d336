# Region, credentials and, for the local cloud, the endpoint come from the environment (AWS_*).
provider "aws" {
  default_tags {
    tags = {
      project    = var.project
      stage      = var.stage
      managed-by = "terraform"
    }
  }
}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {
  lifecycle {
    postcondition {
      condition     = var.stage != "local" || self.account_id == "000000000000"
      error_message = "Stage `local` is for the local cloud: name another for an account."
    }
  }
}
