"""On save: check, bring what changed to the stage, replay: `make watch`."""
