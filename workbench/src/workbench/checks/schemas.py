"""The published events' JSON Schemas, made from the code that publishes them: `make schemas`.

`events/schemas/<detail-type>/<version>.json` (Draft 4, which EventBridge's schema registry takes)
is what was released; a released file is never written again. Readers of an event rely on it, so
what the code says now is compared with the last release: additions need a new second number of
`SCHEMA_VERSION`, everything else a new first one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from workbench.application.interface import application
from workbench.checks.released_schemas import FOLDER, latest, version
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT

DRAFT = "http://json-schema.org/draft-04/schema#"


@dataclass(frozen=True)
class Change:
    """A difference that a reader of an event meets; `breaks` when an old reader may stumble."""

    breaks: bool
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def kinds() -> Mapping[str, tuple[str, type[msgspec.Struct]]]:
    """Return source and struct of the detail, by detail type, of all published events."""
    return application().published()


def current_version() -> str:
    """Return the version that the code publishes."""
    return application().schema_version()


def schema_of(detail_type: str) -> dict[str, Any]:
    """The schema of an event as the code publishes it now: source, detail-type and detail."""
    source, struct = kinds()[detail_type]
    structs = msgspec.json.schema(struct)["$defs"]
    form = structs[struct.__name__]
    detail: dict[str, Any] = {
        "type": "object",
        "properties": {name: _plain(each, structs) for name, each in form["properties"].items()},
        "required": list(struct.__struct_fields__),  # as published, even where code has a default
    }
    detail["properties"] |= application().fixed_fields(detail_type)
    return {
        "$schema": DRAFT,
        "title": detail_type,
        "type": "object",
        "properties": {
            "source": {"enum": [source]},
            "detail-type": {"enum": [detail_type]},
            "detail": detail,
        },
        "required": ["source", "detail-type", "detail"],
    }


def changes(old: dict[str, Any], new: dict[str, Any], place: str = "event") -> Iterator[Change]:
    """What differs for a reader that knows the `old` schema and meets events of the `new` one."""
    yield from _of_values(old, new, place)
    before, after = old.get("properties", {}), new.get("properties", {})
    must, still = set(old.get("required", [])), set(new.get("required", []))
    for name in sorted(set(before) - set(after)):
        yield Change(name in must, f"{place}.{name}", "is no longer there")
    for name in sorted(set(after) - set(before)):
        yield Change(False, f"{place}.{name}", "is new")
    for name in sorted(set(before) & set(after)):
        if name in must - still:
            yield Change(True, f"{place}.{name}", "may be missing now")
        yield from changes(before[name], after[name], f"{place}.{name}")
    rest = old.get("additionalProperties"), new.get("additionalProperties")
    if isinstance(rest[0], dict) and isinstance(rest[1], dict):
        yield from changes(rest[0], rest[1], f"{place}.*")


def verdict(detail_type: str) -> str | None:
    """What must be done about an event before it can be published; None when nothing must."""
    last = latest(detail_type)
    now = current_version()
    if last is None:
        return f"{detail_type}: no released schema; run: make schemas"
    newest, old = last
    new, last_release = schema_of(detail_type), f"{newest[0]}.{newest[1]}"
    if version(now) == newest:
        if new == old:
            return None
        found = list(changes(old, new))
        broken = [each for each in found if each.breaks]
        kind = "breaks" if broken else "adds to"
        wanted = f"{newest[0] + 1}.0" if broken else f"{newest[0]}.{newest[1] + 1}"
        said = "; ".join(map(str, broken or found)) or "only its form differs"
        return (
            f"{detail_type}: the code {kind} the released version {now} ({said}); "
            f"set SCHEMA_VERSION to {wanted}, then: make schemas"
        )
    if version(now) < newest:
        return f"{detail_type}: version {now} is older than the released {last_release}"
    broken = [each for each in changes(old, new) if each.breaks]
    if version(now)[0] == newest[0] and broken:
        return (
            f"{detail_type}: {now} must be readable for who knows {last_release}, and is not: "
            + "; ".join(map(str, broken))
        )
    return f"{detail_type}: {now} is not released; run: make schemas"


def main() -> int:
    """Release what is new and fits; 1 when something does not fit."""
    problems = []
    for detail_type in kinds():
        said = verdict(detail_type)
        if said and said.endswith("run: make schemas"):
            path = FOLDER / detail_type / f"{current_version()}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(schema_of(detail_type), indent=2) + "\n", encoding="utf-8")
            print(f"released {path.relative_to(ROOT)}")
        elif said:
            problems.append(said)
        else:
            print(f"{detail_type} {current_version()}: as released")
    if problems:
        raise UserError("\n       ".join(problems))
    return 0


def _plain(form: Any, structs: dict[str, Any]) -> Any:
    """A property's schema: the structs in it written out, without what is only about our code."""
    if isinstance(form, list):
        return [_plain(each, structs) for each in form]
    if not isinstance(form, dict):
        return form
    if "$ref" in form:
        struct = structs[form["$ref"].rpartition("/")[2]]
        fields = {name: _plain(each, structs) for name, each in struct["properties"].items()}
        return {"type": "object", "properties": fields, "required": list(fields)}
    return {name: _plain(value, structs) for name, value in form.items() if name != "default"}


def _of_values(old: dict[str, Any], new: dict[str, Any], place: str) -> Iterator[Change]:
    """Differences between the values that two schemas allow at one place."""
    more = _types(new) - _types(old)
    if more and _types(old):
        yield Change(True, place, f"may be {' or '.join(sorted(more))} now")
    known, possible = _constraint(old, "enum"), _constraint(new, "enum")
    if known is not None and (possible is None or not set(possible) <= set(known)):
        yield Change(True, place, "may have values that were not known")
    for constraint in ("pattern", "minimum", "minLength"):
        before, after = _constraint(old, constraint), _constraint(new, constraint)
        if before == after or before is None:
            continue
        tighter = isinstance(before, int) and isinstance(after, int) and after >= before
        if not tighter:
            yield Change(True, place, f"{constraint} was {before}, is {after or 'gone'}")


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return list(schema.get("anyOf", [schema]))


def _types(schema: dict[str, Any]) -> set[str]:
    return {each["type"] for each in _alternatives(schema) if "type" in each}


def _constraint(schema: dict[str, Any], name: str) -> Any:
    return next((each[name] for each in _alternatives(schema) if name in each), None)


if __name__ == "__main__":
    run(main)
