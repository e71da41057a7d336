"""`make replay`: what can happen, on a stage, and what `events/` expects of it."""
