"""Every event against every deployed rule: `make routes`."""
