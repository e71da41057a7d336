"""Lambda: how functions start, run, fail and are throttled."""
