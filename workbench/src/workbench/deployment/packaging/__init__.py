"""The functions on their way into a stage: their package, and SAM."""
