"""Values of a history without task tokens and secrets: whoever has a token can answer a task."""

import json
import re
from typing import Any

HIDDEN = "(hidden)"
_NAME = re.compile("token|password|api_?key", re.IGNORECASE)
# On AWS a token is a long text of this form, wherever it stands.
_TOKEN = re.compile(r"AAAA[0-9A-Za-z+/=_-]{150,}")


def value_of(text: str | None) -> Any:
    """Return the value that JSON `text` has, or the text itself; without task tokens."""
    if text is None:
        return None
    try:
        return without_tokens(json.loads(text))
    except ValueError:
        return without_tokens(text)


def without_tokens(value: Any) -> Any:
    """Return `value` without what stands under a name of a secret, or looks like a token."""
    if isinstance(value, dict):
        return {
            name: HIDDEN if _NAME.search(name) and each else without_tokens(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [without_tokens(each) for each in value]
    return _TOKEN.sub(HIDDEN, _inner(value)) if isinstance(value, str) else value


def _inner(text: str) -> str:
    """Return a text; where it is JSON with a secret in it, that JSON without it."""
    if not _NAME.search(text) or text[:1] not in "{[":
        return text
    try:
        return json.dumps(without_tokens(json.loads(text)))
    except ValueError:
        return text
