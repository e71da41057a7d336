"""Stages: where they are, what is deployed there, and how commands speak."""
