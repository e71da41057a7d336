"""The entry points: one module a function, named as the function is. Decode, call, encode."""
