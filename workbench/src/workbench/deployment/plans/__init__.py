"""What a plan of Terraform changes, and what of it exists already."""
