"""`make replay`: what can happen, on a stage, against what `events/` foretells of it."""
