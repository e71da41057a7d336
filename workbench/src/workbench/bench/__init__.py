"""`make bench`: what the system takes, in time and memory, against what it is to reach."""
