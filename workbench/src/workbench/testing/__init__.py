"""What tests of an application get from the workbench."""
