"""What a JSONata expression refers to outside itself, read from its syntax tree."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

CLOUD_PYTHON = ROOT / ".venv" / "cloud" / "bin" / "python"
PARSER = Path(__file__).with_name("jsonata_trees.py")
# Step Functions' own, and the one of JSONata's that it does not have.
OF_STEP_FUNCTIONS = {"partition", "range", "hash", "random", "uuid", "parse"}
NOT_THERE = {"eval"}


@dataclass
class References:
    """Names that an expression uses and does not define; `problem` when it has none to tell."""

    problem: str = ""
    variables: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)  # those of `variables` that are called: $name(…)
    states: set[tuple[str, ...]] = field(default_factory=set)  # the names that follow $states
    bare: set[str] = field(default_factory=set)  # fields of nothing: `file` instead of `$file`


def references(expressions: Iterable[str]) -> tuple[dict[str, References], set[str]]:
    """(what each expression refers to, the functions that Step Functions knows)."""
    asked = sorted(set(expressions))
    if not CLOUD_PYTHON.exists():
        raise UserError("the local cloud's environment is not there; run: make setup")
    done = subprocess.run(
        [str(CLOUD_PYTHON), str(PARSER)], input=json.dumps(asked), capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise UserError(f"JSONata's parser ended with {said[-1]}; run: make setup")
    output = json.loads(done.stdout)
    found = {}
    for expression, answer in zip(asked, output["answers"], strict=True):
        found[expression] = References(answer.get("error", ""))
        if "tree" in answer:
            _read(answer["tree"], found[expression], set(), False)
    return found, (set(output["functions"]) | OF_STEP_FUNCTIONS) - NOT_THERE


def _read(node: Any, into: References, bound: set[str], within: bool) -> None:
    """Collect what is read in a node. `bound`: names that the expression itself has given by then;
    `within`: whether there is something that a name without `$` is a field of.
    """
    if isinstance(node, list):
        for each in node:
            _read(each, into, bound, within)
    if not isinstance(node, dict):
        return
    match node.get("type"):
        case "path":
            _read_path(node, into, bound, within)
        case "variable":
            _read_variable(node, into, bound, within)
        case "name":
            if not within:
                into.bare.add(str(node["value"]))
            _read_children(node, into, bound, True)
        case "block":
            _read_children(node, into, set(bound), within)
        case "bind":
            name = node["lhs"]["value"]
            # A function may call itself.
            itself = {name} if node["rhs"].get("type") == "lambda" else set()
            _read(node["rhs"], into, bound | itself, within)
            bound.add(name)
        case "lambda":
            given = {each["value"] for each in node.get("arguments", [])}
            _read(node["body"], into, bound | given, within)
        case "function" | "partial":
            name = node["procedure"].get("value")
            if node["procedure"].get("type") == "variable" and name not in bound:
                into.called.add(name)
            _read_children(node, into, bound, within)
        case "transform":
            _read_children(node, into, bound, True)
        case _:
            _read_children(node, into, bound, within)


def _read_path(node: dict[str, Any], into: References, bound: set[str], within: bool) -> None:
    first, *rest = node["steps"]
    inside = set(bound)  # a path may bind names for its own later steps: $a@$each, $a#$index
    if first.get("type") == "variable" and first.get("value") == "states":
        names = []
        for step in rest:
            if step.get("type") != "name":
                break
            names.append(step["value"])
        into.states.add(tuple(names))
    _read(first, into, inside, within)
    for step in (first, *rest):
        inside |= {step[mark] for mark in ("focus", "index") if mark in step}
        if step is not first:
            _read(step, into, inside, True)
    _read(node.get("group"), into, inside, True)


def _read_variable(node: dict[str, Any], into: References, bound: set[str], within: bool) -> None:
    name = str(node["value"])
    if name in ("", "$"):  # `$`: what is at hand; `$$`: the expression's input, which has none here
        if not (within and name == ""):
            into.bare.add(f"${name}")
    elif name not in bound and name != "states":
        into.variables.add(name)
    inside = bound | {node[mark] for mark in ("focus", "index") if mark in node}
    for part in ("predicate", "stages", "group"):
        _read(node.get(part), into, inside, True)


def _read_children(node: dict[str, Any], into: References, bound: set[str], within: bool) -> None:
    for name, part in node.items():
        inside = within or name in ("predicate", "stages", "group")
        if isinstance(part, list | dict):
            _read(part, into, bound, inside)
