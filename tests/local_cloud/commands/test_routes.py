"""Every event, and the near misses of every rule, against the rules as they are deployed."""

import dataclasses
import json
from argparse import ArgumentError
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from workbench.replay.kinds.bus_events import filled_in
from workbench.replay.scenarios import EVENTS
from workbench.routes import __main__ as command
from workbench.routes.matrix import ask, questions
from workbench.routes.near_misses import near_misses
from workbench.routes.questions import (
    AWS_EVENTS,
    EXPECTED_RULES,
    Question,
    aws_events,
    read_expected,
)
from workbench.sam_local.fixtures import all_fixtures
from workbench.stages.deployed import Deployed, Rule
from workbench.stages.errors import UserError


def test_every_event_goes_where_it_should_and_nowhere_else(deployed: Deployed) -> None:
    rules = {rule.name for rule in deployed.rules}

    answers = list(ask(deployed, questions(deployed)))

    assert [command.difference(answer) for answer in answers if not answer.as_expected] == []
    assert [answer.question.name for answer in answers if len(answer.taken_by) > 1] == []
    known = [answer for answer in answers if ":" not in answer.question.name]
    assert {rule for answer in known for rule in answer.taken_by} == rules
    missed = Counter(one.question.name.split(":")[0] for one in answers if one not in known)
    assert set(missed) == rules
    assert min(missed.values()) >= 10


def test_every_file_and_event_is_asked_about(deployed: Deployed) -> None:
    asked = {one.name for one in questions(deployed)}
    folders = ("uploads", "faults", "bus")
    files = {path for folder in folders for path in (EVENTS / folder).glob("*.toml")}
    files |= set(AWS_EVENTS.glob("*.json"))

    assert {f"{path.parent.name}/{path.stem}" for path in files} <= asked
    routed = [one for one in all_fixtures() if one.rules is not None]
    assert {f"functions/{one.function}/{one.name}" for one in routed} <= asked


def test_every_event_of_aws_has_expectation() -> None:
    assert sorted(read_expected()) == sorted(path.stem for path in AWS_EVENTS.glob("*.json"))
    assert EXPECTED_RULES.is_file()


def with_pattern(deployed: Deployed, name: str, **fields: Any) -> Deployed:
    """The stage as if its rule had another pattern for the object of an upload."""

    def other(rule: Rule) -> Rule:
        if rule.name != name:
            return rule
        pattern = json.loads(rule.pattern)
        pattern["detail"]["object"] |= fields
        return dataclasses.replace(rule, pattern=json.dumps(pattern))

    copy = dataclasses.replace(deployed)
    copy.__dict__["rules"] = tuple(other(rule) for rule in deployed.rules)
    return copy


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        (
            {"key": [{"prefix": "incoming/"}, {"suffix": ".csv"}]},
            '/orders.csv": expected no rule, taken by SmallFileUploaded',
        ),
        (
            {"key": [{"wildcard": "incoming/*/*.csv"}]},
            "bus/upload_without_a_partner: expected SmallFileUploaded, taken by no rule",
        ),
        (
            {"size": [{"numeric": ["<=", 65536]}]},
            "bus/upload_of_65536_bytes: expected LargeFileUploaded, "
            "taken by LargeFileUploaded + SmallFileUploaded",
        ),
    ],
)
def test_a_wrong_pattern_is_reported(
    deployed: Deployed, fields: dict[str, Any], reported: str
) -> None:
    wrong = with_pattern(deployed, "SmallFileUploaded", **fields)
    asked = [
        one
        for one in questions(wrong)
        if one.name.startswith(("bus/upload", "SmallFileUploaded: detail.object.key"))
    ]

    found = [command.difference(one) for one in ask(wrong, asked) if not one.as_expected]

    assert any(reported in each for each in found), found


def test_a_near_miss_differs_in_one_field(deployed: Deployed) -> None:
    known = list(aws_events(deployed))
    base = known[0]
    misses = [one for one in near_misses(deployed, [base]) if "size" in one.name]

    for one in misses:
        changed = json.loads(json.dumps(one.event))
        size = base.event["detail"]["object"]["size"]
        changed["detail"]["object"]["size"] = size
        assert changed == base.event
    sizes = [one.event["detail"]["object"].get("size") for one in misses]
    assert {65535, 65536, 65537, "65536", 5_000_000_001, None} <= set(sizes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "is not an event: Input data was truncated"),
        (b"[]", "is not an event: Expected `object`, got `array`"),
        (b"\xff", "is not an event: 'utf-8' codec can't decode"),
        (b'{"a": "${nope}"}', r"has \$\{nope\}; there are \$\{uploads_bucket\}"),
        (b'{"a": "$"}', "is not an event: Invalid placeholder"),
        (None, "is not an event: .*No such file"),
    ],
)
def test_an_event_that_does_not_read_is_one_line(
    text: bytes | None, says: str, deployed: Deployed, tmp_path: Path
) -> None:
    path = tmp_path / "event.json"
    if text is not None:
        path.write_bytes(text)

    with pytest.raises(UserError, match=says):
        filled_in(deployed, path)


def test_near_misses_of_an_event_that_lacks_a_field_are_left_to_the_event_itself(
    deployed: Deployed,
) -> None:
    bare = Question("bus/bare", {"source": "aws.s3"}, ("SmallFileUploaded",))

    asked = [one.name for one in near_misses(deployed, [bare])]

    assert asked
    assert all(name.startswith("SmallFileUploaded: source ") for name in asked)


def test_a_wrong_argument_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="unrecognized arguments: --everything"):
        command.main(["--everything"])


def test_the_command_shows_the_matrix_and_fails_when_something_differs(
    monkeypatch: pytest.MonkeyPatch, deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    event = next(iter(aws_events(deployed)))
    wrong = Question("aws/wrong", event.event, ("LargeFileUploaded",))
    monkeypatch.setattr(command, "questions", lambda _: [event, wrong])
    monkeypatch.setenv("STAGE", "local")

    assert command.main([]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == ("asked 6 rules about 2 events (0 near misses), as expected 1, differ 1")
    assert "differs: aws/wrong: expected LargeFileUploaded, taken by SmallFileUploaded" in said
    assert "· · · · x ·  aws/s3_object_created_by_put_object" in said
