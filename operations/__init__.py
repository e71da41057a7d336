"""What operators of this application do, and what the workbench asks an application for."""
