"""Whether each state of the workflow has the data that its JSONata expressions read.

AWS accepts a definition in which a variable is misspelt, and the file that comes that way fails.
Found here, by the rules that AWS documents:

- a variable is there when every way to the state has assigned it; what a state assigns counts from
  the next state on, what a Catch or a Choice rule assigns on its own edge;
- branches and items read the variables around them, a Distributed Map's items do not; what they
  assign is theirs, under a name that is not one of those;
- a field of `$states.input` is there when every state before gives it: what its Output says, its
  own input where it only passes that on (Pass, Choice and Wait without Output), else the answer of
  the service that a Task calls;
- `$states.input` and `$states.context` are everywhere, `$states.result` in a Task's, Parallel's or
  Map's Assign and Output, `$states.errorOutput` in those of its Catch.
"""

import difflib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.checks.linting.expressions import References, references
from workbench.checks.linting.inputs import inputs
from workbench.checks.linting.scopes import Scope, scopes
from workbench.stages.errors import UserError, run

# What stands in these fields is never an expression.
PLAIN_FIELDS = {
    "Type", "Resource", "Next", "End", "Default", "Comment", "QueryLanguage", "Label",
    "ErrorEquals", "JitterStrategy",
}  # fmt: skip
INNER = {"Branches", "ItemProcessor"}
ANYTHING: dict[str, Any] = {}
# The context object; what has no fields here holds anything, or is text.
CONTEXT: dict[str, Any] = {
    "Execution": dict.fromkeys(
        ("Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"), ANYTHING
    ),
    "State": dict.fromkeys(("EnteredTime", "Name", "RetryCount"), ANYTHING),
    "StateMachine": dict.fromkeys(("Id", "Name"), ANYTHING),
    "Task": {"Token": ANYTHING},
    "Map": {"Item": dict.fromkeys(("Index", "Key", "Value", "Source"), ANYTHING)},
}
ERROR_OUTPUT = dict.fromkeys(("Error", "Cause"), ANYTHING)
EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
VARIABLE_NAME = re.compile(r"[^\W\d]\w{0,79}")
WORKING = ("Task", "Parallel", "Map")


@dataclass(frozen=True)
class Text:
    """A text in a field of a state that may hold an expression; `field` such as `Assign.file`."""

    scope: Scope
    name: str
    field: str
    text: str

    @property
    def state(self) -> dict[str, Any]:
        """The state it stands in."""
        found: dict[str, Any] = self.scope.machine["States"][self.name]
        return found

    @property
    def expression(self) -> str | None:
        """What stands between `{%` and `%}`; None when it is not an expression."""
        inside = EXPRESSION.fullmatch(self.text)
        return inside[1] if inside else None

    def finding(self, what: str) -> str:
        """A finding about it, as a line."""
        return f"{self.name}, {self.field}: {' '.join(self.text.split())}: {what}"


def texts(scope: Scope) -> Iterator[Text]:
    """All texts in the fields of a scope's own states that may hold expressions."""
    for name, state in scope.machine["States"].items():
        for path, text in _texts(state, ""):
            yield Text(scope, name, path, text)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for name, each in value.items():
                if path or name not in INNER:
                    inside = f"{path}.{name}".lstrip(".")
                    plain = name in PLAIN_FIELDS and not re.search("Arguments|Assign|Output", path)
                    yield from () if plain else _texts(each, inside)
        case list():
            for number, each in enumerate(value, 1):
                yield from _texts(each, f"{path}[{number}]")


def findings(machine: dict[str, Any]) -> list[str]:
    """Everything that is wrong with the data of a definition, a line each."""
    every = list(scopes(machine))
    all_texts = [text for scope in every for text in texts(scope)]
    known, functions = references(each.expression for each in all_texts if each.expression)
    found = [*_of_language(machine, every)]
    found += [line for scope in every for line in _assignments(scope)]
    for text in all_texts:
        if text.expression is None:
            found += [text.finding(what) for what in _forgotten(text)]
            continue
        refers = known[text.expression]
        if refers.problem:
            found.append(text.finding(f"is not valid JSONata: {refers.problem}"))
        found += [text.finding(what) for what in _of_names(text, refers, functions)]
        found += [text.finding(what) for path in sorted(refers.states) for what in _of(text, path)]
    read = {name for refers in known.values() for name in refers.variables}
    for scope in every:
        for name in sorted(scope.assigned - read):
            found.append(f"{_where(scope)}: assigns ${name}, and no expression reads it")
    return found


def _of_language(machine: dict[str, Any], every: list[Scope]) -> Iterator[str]:
    if machine.get("QueryLanguage") != "JSONata":
        yield "the workflow: without QueryLanguage: JSONata no expression is evaluated"
    for scope in every:
        for name, state in scope.machine["States"].items():
            if state.get("QueryLanguage", "JSONata") != "JSONata":
                yield f"{name}, QueryLanguage: all states of a JSONata workflow are JSONata's"


def _where(scope: Scope) -> str:
    return f"in {scope.inside}" if scope.inside else "the workflow"


def _assignments(scope: Scope) -> Iterator[str]:
    """What is wrong with the names that a scope's states assign."""
    around = set() if scope.outer is None or scope.cut_off else scope.outer.visible
    for name in sorted(scope.assigned):
        if not VARIABLE_NAME.fullmatch(name):
            yield f"{_where(scope)}: Assign: {name!r} cannot be a variable's name (it has no $)"
        if name == "states":
            yield f"{_where(scope)}: Assign: 'states' is Step Functions' own name"
        if name in around:
            yield f"{_where(scope)}: Assign: ${name} is already the name of a variable around it"


def _forgotten(text: Text) -> Iterator[str]:
    """What tells that a text was meant to be an expression."""
    if "{%" in text.text or "%}" in text.text:
        yield "an expression begins with {% and ends with %}, with nothing around them"
    elif text.text.startswith("$") or "$states." in text.text:
        yield "is taken as plain text; an expression stands between {% and %}"


def _of_names(text: Text, refers: References, functions: set[str]) -> Iterator[str]:
    """What is wrong with the variables and functions that an expression names."""
    for name in sorted(refers.bare):
        said = f"{name} has no value here" if name.startswith("$") else f"{name} is not a variable"
        near = _near(name, text.scope.visible | {"states"})
        yield f"{said}: a variable begins with $, a state's input is $states.input{near}"
    for name in sorted(refers.variables - text.scope.visible - functions):
        if name in refers.called:
            yield f"Step Functions knows no function ${name}{_near(name, functions)}"
        else:
            yield _unknown(text.scope, name, functions)
    for name in sorted((refers.variables & text.scope.visible) - functions):
        way = text.scope.way_without(name, text.name)
        if way:
            yield f"${name} is not assigned on the way {' → '.join(way)}"


def _unknown(scope: Scope, name: str, functions: set[str]) -> str:
    if scope.outer and scope.cut_off and name in scope.outer.visible:
        return f"a Distributed Map's items do not see ${name}; hand it on in the ItemSelector"
    return f"no state before it assigns ${name}{_near(name, scope.visible | functions)}"


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), 1)
    return f"; is ${close[0]} meant?" if close else ""


def _of(text: Text, path: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with `$states.` and the names that follow it."""
    if not path:
        return
    root, *names = path
    fields = text.field.split(".")
    caught = fields[0].startswith("Catch[")
    gives = fields[1 if caught else 0].partition("[")[0] in ("Assign", "Output")
    match root:
        case "result" if text.state["Type"] not in WORKING or not gives or caught:
            yield "$states.result is only in Assign and Output of a Task, Parallel or Map"
        case "errorOutput" if not (gives and caught):
            yield "$states.errorOutput is only in Assign and Output of a Catch"
        case "errorOutput":
            yield from _unknown_field("$states.errorOutput", names, ERROR_OUTPUT)
        case "context":
            yield from _unknown_field("$states.context", names, CONTEXT)
            yield from _of_context(text, names)
        case "input":
            yield from _of_input(text, names)
        case "result":
            pass
        case _:
            known = ("input", "result", "errorOutput", "context")
            close = difflib.get_close_matches(root, known, 1)
            meant = f"; is $states.{close[0]} meant?" if close else ""
            yield f"Step Functions knows no $states.{root}{meant}"


def _of_input(text: Text, names: list[str]) -> Iterator[str]:
    """The states before that do not give a field of their output which is read here."""
    for given in inputs(text.scope, text.name):
        if given.lacks(names):
            field = ".".join(names)
            yield f"{given.source} before it gives {given.said}, no {field}: say it in its Output"


def _of_context(text: Text, names: list[str]) -> Iterator[str]:
    """What is in the context object of some states only."""
    if names[:1] == ["Task"] and not text.state.get("Resource", "").endswith(".waitForTaskToken"):
        yield "$states.context.Task is only there when the Resource ends in .waitForTaskToken"
    in_items = text.scope.inside and not text.scope.cut_off
    if names[:1] == ["Map"] and text.field.split(".")[0] != "ItemSelector" and not in_items:
        yield "$states.context.Map is only there in a Map's ItemSelector"


def _unknown_field(place: str, names: list[str], known: dict[str, Any]) -> Iterator[str]:
    """The first of the names that is not a field of what `place` holds."""
    if not (names and known):
        return
    first, *rest = names
    if first in known:
        yield from _unknown_field(f"{place}.{first}", rest, known[first])
        return
    close = difflib.get_close_matches(first, known, 1)
    yield f"{place} has no {first}" + (f"; is {close[0]} meant?" if close else "")


def main() -> int:
    """Check the rendered definitions whose paths are the arguments; 1 when anything is found."""
    found = False
    for path in map(Path, sys.argv[1:]):
        try:
            definition = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        for line in findings(definition):
            found = True
            print(line if len(sys.argv) == 2 else f"{path.stem.rpartition('-')[2]}: {line}")
    return 1 if found else 0


if __name__ == "__main__":
    run(main)
