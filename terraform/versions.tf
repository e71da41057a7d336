terraform {
  # Write-only arguments and ephemeral resources, which keep secrets out of the state, need 1.11.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # One state file a stage: tools/terraform.py names its path at `terraform init`. A team that
  # shares a stage puts an `s3` backend here.
  backend "local" {}
}
