"""The commands of who operates this application, each behind a `make` target."""
