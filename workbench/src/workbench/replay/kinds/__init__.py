"""The kinds of scenarios: how each is played, and what is waited for."""
