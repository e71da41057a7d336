# Every stage but local and prod: made, thrown away and made again under the same name.
# A stage's own settings, such as its database, go into stages/<stage>.tfvars, read after this.
key_deletion_window_in_days    = 7
secret_recovery_window_in_days = 0
archive_retention_in_days      = 7
