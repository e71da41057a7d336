"""The state machines' definitions: structure, substitutions, data, and the public validators."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.checks.checking import places
from workbench.checks.checking.finding import Finding, near
from workbench.checks.checking.places import Places, Step
from workbench.checks.linting import data_flow, definition, deployed_form
from workbench.deployment import outline
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT
from workbench.workflow.definition import load, machines

# What each type of state may say, in JSONata, and what it must.
# https://states-language.net/, https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
EVERYWHERE = {"Type", "Comment", "QueryLanguage"}
GOES_ON = {"Next", "End", "Assign", "Output"}
WORKS = {*GOES_ON, "Retry", "Catch"}
FIELDS: dict[str, set[str]] = {
    "Task": {
        *WORKS, "Resource", "Arguments", "TimeoutSeconds", "HeartbeatSeconds", "Credentials",
    },
    "Parallel": {*WORKS, "Branches", "Arguments"},
    "Map": {
        *WORKS, "ItemProcessor", "Items", "ItemReader", "ItemSelector", "ItemBatcher", "Label",
        "MaxConcurrency", "ResultWriter", "ToleratedFailureCount", "ToleratedFailurePercentage",
    },
    "Choice": {"Choices", "Default", "Assign", "Output"},
    "Pass": GOES_ON,
    "Wait": {*GOES_ON, "Seconds", "Timestamp"},
    "Succeed": {"Output"},
    "Fail": {"Error", "Cause"},
}  # fmt: skip
OF_JSONPATH = {
    "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "ItemsPath",
    "TimeoutSecondsPath", "HeartbeatSecondsPath", "SecondsPath", "TimestampPath", "ErrorPath",
    "CausePath", "MaxConcurrencyPath",
}  # fmt: skip
NEEDED = {"Task": "Resource", "Parallel": "Branches", "Map": "ItemProcessor", "Choice": "Choices"}
RETRY = {
    "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds",
    "JitterStrategy", "Comment",
}  # fmt: skip
CATCH = {"ErrorEquals", "Next", "Assign", "Output", "Comment"}
RULE = {"Condition", "Next", "Assign", "Output", "Comment"}
SUBSTITUTION = re.compile(r"\$\{(\w+)\}")
AT_A_FIELD = re.compile(r"(?P<state>.+?), (?P<field>[A-Z][\w.\[\]:-]*): (?P<what>.*)", re.DOTALL)
GIVES_NO = re.compile(
    r"(?P<source>[^ :][^:]*) before it gives (?P<gives>.+), no (?P<field>\S+): say it"
)
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
NAMED = re.compile(r"\$?\b\w[\w-]+")


def reads() -> list[str]:
    """Return what is read: the template, and the definitions that it names."""
    return [
        outline.TEMPLATE.name,
        *(str(path.relative_to(ROOT)) for path in outline.definitions().values()),
        *(".venv/node/packages.sha256",),
    ]


def find() -> Iterator[Finding]:
    """Return what is wrong with each definition; each kind of check where the one before passes."""
    sound = []
    for name, path in outline.definitions().items():
        found = [*_structure(path)] or [*_states(path)] or [*_substitutions(name, path)]
        yield from found
        if not found:
            sound.append(path)
    if sound:
        yield from _as_deployed(sound)


def _structure(path: Path) -> Iterator[Finding]:
    if problem := places.syntax(path):
        yield problem
        return
    try:
        load(path)
    except UserError as error:
        said = str(error).removeprefix(path.name).strip()
        at = places.of(path)
        yield Finding(at.file, places.line_of_message(at, said.partition(": ")[2]) or 1, said)


def _states(path: Path) -> Iterator[Finding]:
    """Return fields and types that there are not, and what a state needs and has not."""
    at = places.of(path)
    for machine in machines(load(path)):
        for name, state in machine["States"].items():
            kind, where = state["Type"], at.state(name)
            if kind not in FIELDS:
                line = at.line((*where, "Type"))
                yield Finding(at.file, line, f"{name}: there is no Type {kind}{near(kind, FIELDS)}")
                continue
            yield from _fields(at, where, state, {*FIELDS[kind], *EVERYWHERE}, f"a {kind} state")
            yield from _entries(at, where, state)
            for problem in _lacking(kind, state):
                yield Finding(at.file, at.line(where), f"{name}: {problem}")


def _entries(at: Places, where: tuple[Step, ...], state: dict[str, Any]) -> Iterator[Finding]:
    for field, known in (("Retry", RETRY), ("Catch", CATCH), ("Choices", RULE)):
        for number, entry in enumerate(state.get(field, [])):
            inside = (*where, field, number)
            yield from _fields(at, inside, entry, known, f"an entry of {field}")


def _fields(
    at: Places, where: tuple[Step, ...], found: dict[str, Any], known: set[str], what: str
) -> Iterator[Finding]:
    for field in found:
        if field in OF_JSONPATH:
            said = f"{field} is JSONPath's; this workflow is in JSONata: use Arguments and Output"
            yield Finding(at.file, at.line((*where, field)), said)
        elif field not in known:
            said = f"{what} has no field {field}{near(field, known)}"
            yield Finding(at.file, at.line((*where, field)), said)


def _lacking(kind: str, state: dict[str, Any]) -> Iterator[str]:
    if kind in NEEDED and NEEDED[kind] not in state:
        yield f"a {kind} state needs {NEEDED[kind]}"
    if kind not in ("Choice", "Succeed", "Fail") and "Next" not in state and not state.get("End"):
        yield "it does not say what comes after it; write Next: <a state>, or End: true"
    if "Next" in state and "End" in state:
        yield "it says both Next and End; write one of them"
    if kind == "Choice" and "Default" not in state:
        yield (
            "when no Condition holds, the execution fails with States.NoChoiceMatched; write "
            "Default: <the safe state>"
        )
    if kind == "Wait" and len({"Seconds", "Timestamp"} & set(state)) != 1:
        yield "a Wait state needs either Seconds or Timestamp"


def _substitutions(machine: str, path: Path) -> Iterator[Finding]:
    template, at = places.of(outline.TEMPLATE), places.of(path)
    body = outline.fields(outline.fields(outline.whole()).get("Resources"))[machine]
    properties = outline.fields(outline.fields(body).get("Properties"))
    given = outline.fields(properties.get("DefinitionSubstitutions"))
    used = dict.fromkeys(SUBSTITUTION.findall(at.text))
    spare = [name for name in given if name not in used]
    for name in used:
        if name not in given:
            # The name of another one that has its own place is not meant.
            meant = near(name, spare)
            write = f"give it one in {template.file}, {machine}: DefinitionSubstitutions"
            what = f"${{{name}}} has no value{meant or f'; {write}'}"
            yield Finding(at.file, at.of_word(f"${{{name}}}"), what)
            spare = [other for other in spare if other not in meant]
    for name in spare:
        where = ("Resources", machine, "Properties", "DefinitionSubstitutions", name)
        what = f"nothing in {path.name} uses the substitution {name}; take it out"
        yield Finding(template.file, template.line(where), what)


def _as_deployed(paths: list[Path]) -> Iterator[Finding]:
    """Return what is found in the definitions with their substitutions filled in."""
    _, forms = deployed_form.prepare()
    why_not = definition.missing()
    for path, form in zip(outline.definitions().values(), forms, strict=True):
        if path not in paths:
            continue
        at = places.of(path)
        found = list(_of_data(at, data_flow.findings(json.loads(form.read_text()))))
        yield from found
        if not found and not why_not:
            yield from _of_validators(at, form)


def _of_data(at: Places, lines: list[str]) -> Iterator[Finding]:
    """Return the lines of `data_flow` with their places in the source.

    What a state does not give is said once, at this state, with all that read it.
    """
    lacking: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        said = AT_A_FIELD.fullmatch(line)
        if said and (where := at.state(said["state"])):
            if lacks := GIVES_NO.search(line):
                asked = f"{lacks['field']} (read by {said['state']})"
                lacking.setdefault((lacks["source"], lacks["gives"]), []).append(asked)
                continue
            steps = (*where, *steps_of(said["field"]))
            yield Finding(at.file, at.line(steps), f"{said['state']}: {said['what']}")
        else:
            words = [word.lstrip("$") for word in NAMED.findall(line) if word.startswith("$")]
            place = next((found for word in words if (found := at.of_word(word))), 1)
            yield Finding(at.file, place, line)
    for (source, gives), fields in lacking.items():
        what = f"{source} gives {gives}, but no {', no '.join(dict.fromkeys(fields))}"
        place = at.line((*at.state(source), "Output"))
        yield Finding(at.file, place, f"{what}; write it in the Output of {source}")


def steps_of(field: str) -> list[Step]:
    """Return `Choices[1].Condition` as the steps of a path: lists there count from 1."""
    return [name or int(number) - 1 for name, number in STEP.findall(field)]


def _of_validators(at: Places, form: Path) -> Iterator[Finding]:
    done = subprocess.run(
        ["node", str(definition.VALIDATE), "--json", str(form)],
        env=definition.environment(), capture_output=True, text=True,
    )  # fmt: skip
    try:
        every = json.loads(done.stdout)
    except ValueError:
        raise UserError(f"{at.file}: the validators failed: {done.stderr}") from None
    whole = places.of(form)
    first = every[0]["by"] if every else ""  # the others find the same
    for each in (one for one in every if one["by"] == first):
        path = [int(one) if one.isdecimal() else one for one in each.get("path", [])]
        steps = path or whole.at(each.get("line", 0))
        yield Finding(at.file, at.line(steps) or 1, f"{each['what']} ({each['by']})")
