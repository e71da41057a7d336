"""The Python environments of this machine, and what it must have."""
