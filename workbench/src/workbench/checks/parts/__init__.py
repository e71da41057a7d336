"""The parts of `make check`. Each has `reads()`, what it depends on, and `find()`."""
