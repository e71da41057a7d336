terraform {
  # Write-only arguments and ephemeral resources, which keep secrets out of the state, need 1.11.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # One state file a stage: workbench/src/workbench/stages/backend.py names its path at `terraform init`. A team that shares
  # a stage names a bucket in stages/, as docs/operations.md says; this block stays.
  backend "local" {}
}
