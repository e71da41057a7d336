"""Linters, tests and released schemas."""
