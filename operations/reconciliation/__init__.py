"""`make reconcile`: uploads, ledger, objects, database and events, held against each other."""
