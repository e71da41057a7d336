"""What stands for the world outside in the local cloud: database, rates API, webhook."""
