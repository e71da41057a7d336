"""Event patterns: as EventBridge parses them, and whether they take the events of events/."""

import json
from collections.abc import Iterator
from typing import Any

from workbench.checks.checking import places
from workbench.checks.checking.finding import Finding, near
from workbench.checks.checking.places import Places
from workbench.deployment import outline
from workbench.permissions.template import Template
from workbench.replay.scenarios import EVENTS, shown
from workbench.routes import patterns as limits
from workbench.routes import planned, questions
from workbench.routes.near_misses import leaves
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

PATTERNS = ("EventPattern", "Pattern")


def reads() -> list[str]:
    """Return what is read: the template with what it is rendered with, and all events."""
    definitions = (str(path.relative_to(ROOT)) for path in outline.definitions().values())
    return [outline.TEMPLATE.name, *definitions, str(EVENTS.relative_to(ROOT)), "operations/*.py"]


def find() -> Iterator[Finding]:
    """Return the patterns that AWS would refuse, and those that take too much or too little."""
    template = Template.load()
    at, every = places.of(outline.TEMPLATE), planned.patterns(template)
    unreadable = dict(_unreadable(at, every))
    yield from unreadable.values()
    sound = {name: text for name, text in every.items() if name not in unreadable}
    problems = planned.ask(list(sound.values())).problems
    refused = {
        name: Finding(at.file, _line(at, name, str(why)), f"{name}: EventBridge refuses it: {why}")
        for (name, _), why in zip(sound.items(), problems, strict=True)
        if why
    }
    yield from refused.values()
    for name in sound.keys() - refused.keys():
        for problem in limits.problems(json.loads(sound[name])):
            yield Finding(at.file, _line(at, name, problem), f"{name}: {problem}")
    if not unreadable and not refused:
        yield from _routes(at, planned.stage_of(template))


def _unreadable(at: Places, every: dict[str, str]) -> Iterator[tuple[str, Finding]]:
    """Return the patterns that are text and not JSON; a text begins on the line after its key."""
    for name, text in every.items():
        try:
            json.loads(text)
        except ValueError as error:
            what = f"{name}: the pattern is not valid JSON: {error}"
            if isinstance(error, json.JSONDecodeError):
                # What is missing at a line's end is seen at the next word.
                line = _line_before(text, error.pos)
                what = f"{name}: the pattern is not valid JSON: {error.msg}"
                yield name, Finding(at.file, _field(at, name) + 1 + line, what)
            else:
                yield name, Finding(at.file, _field(at, name), what)


def _line_before(text: str, at: int) -> int:
    """Return the line, from 0, of what is missing where the parser stopped.

    A comma is missing before the next word; a bracket on the line before a key, whose colon stops
    the parser.
    """
    seen = text[at : at + 1]
    if seen == ":":
        at = text.rfind("\n", 0, at)
    before = text[:at].rstrip() if seen in ('"', "}", "]", ":") else text[:at]
    return before.count("\n")


def _field(at: Places, name: str) -> int:
    return at.line(("Resources", name, "Properties", "EventPattern")) or at.of_word(name)


def _line(at: Places, name: str, problem: str) -> int:
    """Return the line of the word of a pattern that a problem names; else of the pattern."""
    where = ("Resources", name, "Properties", "EventPattern")
    return places.line_of_message(at, problem, where) or _field(at, name)


def _routes(at: Places, deployed: Deployed) -> Iterator[Finding]:
    """Return a finding for each rule that does not take what events/ expects of it, or more."""
    makers = (questions.scenarios, questions.function_events, questions.aws_events)
    try:
        asked = [each for make in makers for each in make(deployed)]
    except UserError:
        return  # the part `scenarios` says it, with its place
    rules = {rule.name: rule for rule in deployed.rules}
    ids = {
        str(body.get("Name", name)).removeprefix(deployed.rule_prefix): name
        for name, body in Template.load().of_type(planned.RULE).items()
    }
    events = [each.event for each in asked]
    taken = planned.ask([rule.pattern for rule in deployed.rules], events).taken
    for rule, takes in zip(deployed.rules, taken, strict=True):
        for question, is_taken in zip(asked, takes, strict=True):
            wanted = rule.name in question.expected
            if wanted == is_taken:
                continue
            name = ids[rule.name]
            if is_taken:
                what = f"{rule.name} takes {question.name}, which does not expect it"
                yield Finding(at.file, _field(at, name), f"{what}; see its `rules` in events/")
            else:
                field, said = _differs(rule.pattern, question.event)
                line = _line(at, name, field.rpartition(".")[2]) if field else _field(at, name)
                what = f"{rule.name} does not take {question.name}, which expects it"
                yield Finding(at.file, line, what + said)
            break
    yield from _unknown(rules)


def _differs(pattern: str, event: dict[str, Any]) -> tuple[str, str]:
    """Return the field that keeps a pattern from taking an event, and what it is there."""
    every = list(leaves(json.loads(pattern)))
    alone = []
    for path, wanted in every:
        inside: Any = wanted
        for name in reversed(path):
            inside = {name: inside}
        alone.append(json.dumps(inside))
    for (path, wanted), (taken,) in zip(every, planned.ask(alone, [event]).taken, strict=True):
        if not taken:
            value: Any = event
            for name in path:
                value = value.get(name) if isinstance(value, dict) else None
            said = f": {'.'.join(path)} is {json.dumps(value)}, the pattern wants "
            return ".".join(path), said + json.dumps(wanted)
    return "", ""


def _unknown(rules: dict[str, Any]) -> Iterator[Finding]:
    """Return the rules that events/ names and the template does not have."""
    for path in sorted(EVENTS.rglob("*.toml")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            key, equals, value = line.partition("=")
            if equals and key.strip() == "rules":
                for name in [each.strip(" []\"'") for each in value.partition("#")[0].split(",")]:
                    if name and name not in rules:
                        what = f"the template has no rule {name}{near(name, rules)}"
                        yield Finding(shown(path), number, what)
