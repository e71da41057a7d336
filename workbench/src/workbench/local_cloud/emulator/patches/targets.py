"""The parts of MiniStack that are patched."""

import importlib
from typing import Any


def module(name: str) -> Any:
    """MiniStack's module of that name, such as `services.s3`.

    It is loaded by name because MiniStack is installed in the local cloud's environment only.
    """
    return importlib.import_module(f"ministack.{name}")


def replaced(text: str, old: str, new: str) -> str:
    """`text` with `old` replaced by `new`; RuntimeError unless `old` occurs exactly once."""
    if text.count(old) != 1:
        raise RuntimeError(f"MiniStack is not as its patches expect it, near: {old.strip()[:60]}")
    return text.replace(old, new)
