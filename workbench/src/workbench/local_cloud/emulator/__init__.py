"""MiniStack: how it is started, guarded and patched."""
