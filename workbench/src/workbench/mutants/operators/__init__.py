"""The operators that make flaws, by the sources they change."""
