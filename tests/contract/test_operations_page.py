"""docs/operations.md has a line for everything that an operator may meet by its name."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import get_args

import pytest

import order_intake
from order_intake.domain import chunks, lines, outcomes
from order_intake.domain.errors import PermanentError, TransientError
from tests.template import definition, resources
from workbench.stages.stage import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()


def first_column(heading: str) -> str:
    """The first column of the tables under a heading of the second level."""
    (section,) = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    return "\n".join(re.findall(r"^\| (.*?) \|", section, re.M))


def named(kind: type[Exception]) -> Iterator[str]:
    """The public errors of a kind, wherever the package defines them."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("order_intake.") and not each.__name__.startswith("_"):
            yield each.__name__
        yield from named(each)


def own_errors() -> set[str]:
    for module in pkgutil.walk_packages(order_intake.__path__, "order_intake."):
        importlib.import_module(module.name)
    # It fails a notification, never a file, and the page says so below the table.
    return {*named(TransientError), *named(PermanentError)} - {"WebhookUnavailable"}


def retried_errors(node: object) -> Iterator[str]:
    """The names in the `Retry` of every state of the workflow, and of states within states."""
    if isinstance(node, dict):
        for retrier in node.get("Retry", []):
            yield from retrier["ErrorEquals"]
        for value in node.values():
            yield from retried_errors(value)
    elif isinstance(node, list):
        for value in node:
            yield from retried_errors(value)


def test_every_outcome_has_its_line() -> None:
    reported = first_column("What to do about an outcome").splitlines()

    assert set(get_args(outcomes.OutcomeName)) <= set(reported)


@pytest.mark.parametrize("reason", get_args(chunks.FileReason) + get_args(lines.LineReason))
def test_every_reason_of_a_refusal_has_its_line(reason: str) -> None:
    assert f"`{reason}`" in first_column("Why a file or a line was refused")


def test_every_error_that_fails_a_file_has_its_line() -> None:
    reported = first_column("Why a file failed")
    met = own_errors() | set(retried_errors(definition())) - {"States.ALL"}

    missing = [
        name
        for name in sorted(met)
        if f"`{name}`" not in reported and f"`{name.partition('.')[0]}.…`" not in reported
    ]

    assert met > {"ServiceBusy", "OutOfTime", "Sandbox.Timedout"}
    assert missing == []


def test_every_alarm_has_its_line() -> None:
    reported = first_column("Alarms")
    names = {
        alarm["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${Project}-${Stage}-")
        for alarm in resources("AWS::CloudWatch::Alarm").values()
    }

    missing = [name for name in sorted(names) if f"`{name}`" not in reported]

    assert [name for name in missing if not name.endswith("-errors")] == []
    assert "`<Function>-errors`" in reported


def test_every_alarm_that_has_a_line_is_there() -> None:
    names = " ".join(
        alarm["Properties"]["AlarmName"]["Fn::Sub"]
        for alarm in resources("AWS::CloudWatch::Alarm").values()
    )

    for reported in re.findall(r"`(?:<Function>-)?([\w-]+)`", first_column("Alarms")):
        assert f"-{reported}" in names, f"there is no alarm {reported}"


def test_what_the_page_says_of_the_reconciliation_it_says() -> None:
    said = "".join(
        file.read_text() for file in sorted((ROOT / "operations" / "reconciliation").glob("*.py"))
    ).replace("{row['status']}", "…")

    reported = re.findall(r"`([^`]+)`", first_column("When the reconciliation finds a problem"))
    assert len(reported) >= 5
    reported = [words for words in reported if "/" not in words]  # the others are folders
    for words in reported:
        assert words.removesuffix(" …") in said, f"the reconciliation never says: {words}"


def test_every_drill_names_tests_that_are_there() -> None:
    (drills,) = re.findall(r"^## Drills$(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    files = list((ROOT / "tests").rglob("test_*.py"))
    tests = re.findall(r"^def (test_\w+)", "\n".join(file.read_text() for file in files), re.M)

    for drill in drills.split("\n### ")[1:]:
        title = drill.splitlines()[0]
        named = re.findall(r"\*Tests?:(.*?)\*", drill, re.S)
        assert named, f"no test performs: {title}"
        for name in re.findall(r"`(.*?)`", named[0]):
            found = (
                (ROOT / name).exists()
                if "/" in name
                else any(fnmatch(test, name.replace("…", "*")) for test in tests)
            )
            assert found, f"{title}: there is no test {name}"
