"""`make check-books`: uploads, ledger, objects, database and events, held against each other."""
