"""The steps of a file's way, from its registration to its announced outcome."""
