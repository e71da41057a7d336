"""What the checks of the workbench ask of this application."""
