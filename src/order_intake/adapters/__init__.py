"""One module for each thing outside: object store, ledger, database, rates API, secrets, bus."""
