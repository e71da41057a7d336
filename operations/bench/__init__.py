"""Benchmarks of this application."""
