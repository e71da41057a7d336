"""The orders database of a stage: connection, certificates, migrations."""
