"""Which field of an event keeps a rule from matching it, in words.

EventBridge itself is asked about each field of the pattern by itself; only the words are made here.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from workbench.stages.visible import visible

LONGEST = 120  # characters of a value
OR = "$or"

type Path = tuple[str, ...]
type Matches = Callable[[dict[str, Any]], bool]
"""Whether the event matches a pattern."""


def mismatches(pattern: dict[str, Any], event: dict[str, Any], matches: Matches) -> list[str]:
    """Return what keeps the event from matching, a line for each field; empty when it matches."""
    if matches(pattern):
        return []
    lines = [
        f"{'.'.join(path)} {_found(event, path)}; the rule wants {_wanted(value)}"
        + _hint(event, path, value)
        for path, value in fields(pattern)
        if not matches(_only(path, value))
    ]
    return lines or [
        "each field matches by itself, but not all of them in the same element of a list"
    ]


def fields(pattern: dict[str, Any], at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Return path and wanted values of each field of a pattern; of `$or`, its alternatives."""
    for name, inside in pattern.items():
        if isinstance(inside, dict):
            yield from fields(inside, (*at, name))
        else:
            yield (*at, name), inside


def _only(path: Path, value: Any) -> dict[str, Any]:
    """Return a pattern of that one field."""
    for name in reversed(path):
        value = {name: value}
    only: dict[str, Any] = value
    return only


def _at(event: Any, path: Path) -> Any:
    """Return what stands at a path; `...` where nothing does."""
    for name in path:
        if not isinstance(event, dict) or name not in event:
            return ...
        event = event[name]
    return event


def _found(event: dict[str, Any], path: Path) -> str:
    if path[-1] == OR:
        return "has none of the alternatives"
    value = _at(event, path)
    return "is missing" if value is ... else f"is {_short(value)}"


def _wanted(value: Any) -> str:
    """Return in words which values a pattern takes."""
    return " or ".join(_one(each) for each in value)


def _one(wanted: Any) -> str:
    """Return one of a pattern's values in words; a field's alternative of `$or`, too."""
    if not isinstance(wanted, dict):
        return _short(wanted)
    ((name, value), *more) = wanted.items()
    if more or isinstance(value, dict) or name not in _WORDS:
        parts = [f"{'.'.join(path)} {_wanted(each)}" for path, each in fields(wanted)]
        return f"({' and '.join(parts)})" if _is_of_fields(wanted) else _short(wanted)
    return _WORDS[name](value)


def _is_of_fields(wanted: dict[str, Any]) -> bool:
    return all(isinstance(value, list) for _, value in fields(wanted))


def _case(words: str) -> Callable[[Any], str]:
    def said(value: Any) -> str:
        if isinstance(value, dict) and "equals-ignore-case" in value:
            return f"{words} {_short(value['equals-ignore-case'])}, in any case of letters"
        return f"{words} {_short(value)}"

    return said


def _numeric(value: Any) -> str:
    pairs = zip(value[::2], value[1::2], strict=False)
    return "a number " + " and ".join(f"{sign} {bound}" for sign, bound in pairs)


def _anything_but(value: Any) -> str:
    if isinstance(value, dict):
        return f"anything but {_one(value)}"
    values = value if isinstance(value, list) else [value]
    return f"anything but {' or '.join(map(_short, values))}"


_WORDS: dict[str, Callable[[Any], str]] = {
    "prefix": _case("a text that begins with"),
    "suffix": _case("a text that ends with"),
    "wildcard": _case("a text like"),
    "equals-ignore-case": lambda value: f"{_short(value)}, in any case of letters",
    "numeric": _numeric,
    "anything-but": _anything_but,
    "exists": lambda value: "any value" if value else "that it is not there",
    "cidr": lambda value: f"an address in {value}",
}


def _hint(event: dict[str, Any], path: Path, wanted: Any) -> str:
    """Return what often goes wrong, where it did here."""
    value = _at(event, path)
    texts = [each for each in wanted if isinstance(each, str)]
    if isinstance(value, str):
        if any(value.lower() == each.lower() for each in texts):
            return " (only upper and lower case differ)"
        if any(value.strip() == each.strip() for each in texts):
            return " (only spaces differ)"
        if any(isinstance(each, dict) and "numeric" in each for each in wanted):
            return " (the value is a text, not a number)"
        if any(value == str(each) for each in wanted if isinstance(each, int | float)):
            return " (the value is a text, not a number)"
    if isinstance(value, int | float) and str(value) in texts:
        return " (the value is a number, not a text)"
    return ""


def _short(value: Any) -> str:
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
