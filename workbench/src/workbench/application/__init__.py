"""What an application says of itself, and where the workbench finds it."""
