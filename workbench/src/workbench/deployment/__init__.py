"""From sources to a deployed stage, and back."""
