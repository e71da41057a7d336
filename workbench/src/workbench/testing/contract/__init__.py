"""What holds for every service: `workbench.testing.plugin` runs these beside the service's own."""
