# What is deleted by mistake can be brought back for a month.
key_deletion_window_in_days    = 30
secret_recovery_window_in_days = 30
archive_retention_in_days      = 90
