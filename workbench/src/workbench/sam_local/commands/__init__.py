"""What a person runs in containers: all fixtures, one event, a shell."""
