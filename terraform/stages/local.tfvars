# The laptop. Its database, rates API and webhook listen on ports that are found when they start:
# they come as TF_VAR_… from the environment, which a value in this file would override.
key_deletion_window_in_days    = 7
secret_recovery_window_in_days = 0
archive_retention_in_days      = 1
