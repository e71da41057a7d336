"""Make a repository of SAM, Terraform and state machines run and be proved on a laptop."""
