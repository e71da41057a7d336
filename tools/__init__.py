"""What runs on a laptop and is never deployed."""
