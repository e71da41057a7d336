"""Step Functions: how executions run, and what their history says."""
