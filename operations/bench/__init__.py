"""Benchmarks of this application."""

from workbench.stages.stage import ROOT

REAL_FILE = ROOT / "events" / "uploads" / "online_retail_real_file.csv"
