"""The workbench names no application: none of this one's names stands in its sources."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.template import template
from workbench.application.interface import application
from workbench.deployment import handover, outline
from workbench.stages.stage import PROJECT, ROOT
from workbench.workflow.definition import load

SOURCES = ROOT / "workbench" / "src"
# What the names below do not say by themselves: the words of this business.
WORDS = (
    *("partner", "ledger", "intake", "curated", "quarantine", "quiet hours"),
    *("invoice", "house currency", "exchange rate", "approval", "webhook", "incoming/"),
)
# A name of two words or more; one word alone, such as Failed, is everybody's.
COMPOUND = re.compile(r"[A-Z]\w*?[a-z0-9][A-Z]\w*")
# What a name of a resource ends in: `${Project}-${Stage}-outcomes`.
END = re.compile(r"\$\{Stage\}-([a-z][a-z-]*[a-z])")
# Of those, what is the workbench's or AWS's word, too: a folder of events/, an operator of IAM's.
GENERAL = {"uploads", "operators", "outcomes"}


def states(definition: Mapping[str, Any]) -> Iterator[str]:
    """The names of all states, however deep."""
    for name, state in definition["States"].items():
        yield name
        for inner in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from states(inner)


def names() -> set[str]:
    """The project, its packages, functions, machines, states, resources, parameters and events."""
    found = {PROJECT, PROJECT.replace("-", " ")}
    found |= {path.name for path in (ROOT / "src").iterdir() if (path / "__init__.py").exists()}
    compound = {*template()["Resources"], *template()["Parameters"], *application().published()}
    for machine, file in outline.definitions().items():
        compound |= {machine, *states(load(file))}
    found |= {name for name in compound if COMPOUND.fullmatch(name)}
    return found | own_ends()


def own_ends() -> set[str]:
    """What the names of its buses, buckets, tables and queues end in."""
    ends = set(END.findall((ROOT / "template.yaml").read_text(encoding="utf-8")))
    ends |= {path.split("/")[1] for path in handover.paths().values() if path.startswith("buses/")}
    return ends - GENERAL


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@pytest.fixture(scope="module")
def named() -> re.Pattern[str]:
    """Whatever names this application, as code and as text write it."""
    whole = {form for name in names() for form in (name, snake(name))}
    business = "|".join(map(re.escape, WORDS))
    own = "|".join(map(re.escape, sorted(whole, key=len, reverse=True)))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{own})(?![A-Za-z0-9])|(?i:\b(?:{business}))")


def test_no_line_of_the_workbench_names_the_application(named: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in sorted(SOURCES.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := named.search(f"{path.name} {line}"))
    ]

    assert found == [], "\n".join(["say it by a hook of Application, or derive it:", *found])


@pytest.mark.parametrize(
    "line",
    [
        'package = "order_intake.handlers"',
        '"/order-intake/local"',
        'if name == "PriceChunk":',
        "tests/unit/test_price_chunk.py",
        '"!Ref IntakeSmallFile"',
        "goes on with GatherTerms",
        "WorkflowThresholdBytes",
        "OrderFileAccepted",
        "the orders bus",
        "partners' profiles",
    ],
)
def test_each_kind_of_name_is_found(line: str, named: re.Pattern[str]) -> None:
    assert named.search(line)


@pytest.mark.parametrize("line", ["in the order of the file", "Failed", "an operator", "a table"])
def test_words_of_everybody_are_not(line: str, named: re.Pattern[str]) -> None:
    assert not named.search(line)
