"""How `make check` runs its parts, keeps what they found, and says where things are wrong."""
