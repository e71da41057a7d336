"""What lies in events/: scenarios and fixtures that read, of functions that there are."""

import re
from collections.abc import Iterator
from pathlib import Path

from workbench.checks.checking.finding import Finding, near
from workbench.deployment import outline
from workbench.replay import scenarios
from workbench.replay.scenarios import EVENTS, FAULTS, shown
from workbench.sam_local import fixtures
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

UNKNOWN = re.compile(r"unknown field `([^`]+)`")
NAMED = re.compile(r"- at `\$\.?([^`]*)`|missing required field `([^`]+)`")
KEY = re.compile(r"^\s*([\w-]+)\s*=", re.MULTILINE)
LINE = re.compile(r"(?:at )?line (\d+)")
FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")


def reads() -> list[str]:
    """Return what is read: all of events/, and who reads it."""
    return [str(EVENTS.relative_to(ROOT)), outline.TEMPLATE.name, "operations/*.py"]


def find() -> Iterator[Finding]:
    """Return what does not read, each with its place."""
    if not EVENTS.is_dir():
        return
    known = [EVENTS / name for name in scenarios.kinds() if name != "functions"]
    for folder in dict.fromkeys([*known, FAULTS]):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.name.startswith("."):
                yield from _read(path)
    yield from _fixtures()


def _read(path: Path) -> Iterator[Finding]:
    """A file that is neither a scenario's nor named by one belongs to it all the same."""
    if path.suffix != ".toml":
        return
    try:
        scenarios.read_scenario(path)
    except UserError as error:
        yield of_toml(path, str(error))


def _fixtures() -> Iterator[Finding]:
    resources = outline.fields(outline.fields(outline.whole()).get("Resources"))
    functions = {
        name
        for name, body in resources.items()
        if outline.text(outline.fields(body).get("Type")) in FUNCTIONS
    }
    for path in sorted(fixtures.FUNCTIONS.glob("*/*.json")):
        function = path.parent.name
        if functions and function not in functions:
            what = f"the template has no function {function}{near(function, functions)}"
            yield Finding(shown(path.parent), 0, what)
            continue
        try:
            fixtures.read_fixture(path)
        except UserError as error:
            said = str(error)
            in_json = said.startswith(f"{shown(path)} ")
            yield of_toml(path if in_json else path.with_suffix(".toml"), said)


def of_toml(path: Path, said: str) -> Finding:
    """Return what is wrong with a TOML or JSON file, with its line and the nearest known key."""
    file = shown(path)
    what = said.removeprefix(file).lstrip(": ")
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if line := LINE.search(what):
        return Finding(file, int(line[1]), what)
    unknown, named = UNKNOWN.search(what), NAMED.search(what)
    key = unknown[1] if unknown else (named[1] or "").rpartition(".")[2] if named else ""
    key = re.sub(r"\[.*", "", key)
    if unknown:
        beside = {
            each
            for other in (EVENTS / path.relative_to(EVENTS).parts[0]).rglob("*.toml")
            if other != path
            for each in KEY.findall(other.read_text(encoding="utf-8", errors="replace"))
        }
        what = f"there is no field {key}{near(key, beside - {key})}"
    return Finding(file, _line_of(key, text), what)


def _line_of(key: str, text: str) -> int:
    form = re.compile(rf"^\s*(?:\[+[\w.-]*\b)?{re.escape(key)}\b")
    return next((n for n, line in enumerate(text.splitlines(), 1) if key and form.match(line)), 1)
