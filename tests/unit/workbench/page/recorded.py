"""A workflow with every kind of state, and executions of it as they would be read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workbench.history.model import CAUGHT, FAILED, SUCCEEDED, Branch, Child, Execution, State, Try
from workbench.page import replayed
from workbench.page.document import document
from workbench.replay.figures import Figures, Row
from workbench.replay.result import Result, Taken
from workbench.replay.scenarios import EVENTS, Scenario
from workbench.replay.session import Session
from workbench.stages.deployed import Deployed
from workbench.stages.stage import LOCAL_ACCOUNT, Stage

START = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

DEFINITION: dict[str, Any] = {
    "StartAt": "Look",
    "States": {
        "Look": {"Type": "Pass", "Next": "Ask"},
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Catch": [{"ErrorEquals": ["States.Timeout", "Busy"], "Next": "Sorry"}],
            "Next": "Answer",
        },
        "Answer": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $states.input.again %}", "Next": "Ask"},
                {"Variable": "$.ok", "BooleanEquals": True, "Next": "Both"},
            ],
            "Default": "Sorry",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Left",
                    "States": {"Left": {"Type": "Wait", "Seconds": 1, "End": True}},
                },
                {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "End": True}}},
            ],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED"},
                "StartAt": "One",
                "States": {
                    "One": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::dynamodb:getItem",
                        "End": True,
                    }
                },
            },
            "Next": "Done",
        },
        "Sorry": {"Type": "Fail", "Error": "Sorry"},
        "Done": {"Type": "Succeed"},
    },
}
MACHINE = "shop-local-Flow"

# As Lambda says why a function has failed.
CAUSE = json.dumps({"errorMessage": "Come again.", "stackTrace": ["  File a.py, line 7\n"]})


def state(
    name: str, kind: str, at: float, took: float | None = 0.1, status: str = SUCCEEDED, **more: Any
) -> State:
    """Return a visit to a state, `at` seconds after the execution began."""
    entered = START + timedelta(seconds=at)
    left = None if took is None else entered + timedelta(seconds=took)
    output = more.pop("output", {"left": name})
    return State(name, kind, entered, {"at": at}, left, output, status, **more)


def execution(states: list[State], status: str = "SUCCEEDED", name: str = "first") -> Execution:
    """Return an execution with these states."""
    arn = f"arn:aws:states:eu-central-1:000000000000:execution:{MACHINE}:{name}"
    end = START + timedelta(seconds=9)
    return Execution(arn, name, MACHINE, status, START, end, {"file": 1}, states=states)


def through() -> Execution:
    """Return an execution that asks twice, tries an item again, and succeeds."""
    tried = [
        Try(START + timedelta(seconds=5), START + timedelta(seconds=6), "Busy", CAUSE),
        Try(START + timedelta(seconds=7), START + timedelta(seconds=8)),
    ]
    item = Child(0, status=SUCCEEDED, states=[state("One", "Task", 5, 3, tries=tried)])
    both = [Branch(states=[state("Left", "Wait", 4)]), Branch(states=[state("Right", "Pass", 4)])]
    return execution(
        [
            state("Look", "Pass", 0),
            state("Ask", "Task", 1),
            state("Answer", "Choice", 2),
            state("Ask", "Task", 2.5),
            state("Answer", "Choice", 3),
            state("Both", "Parallel", 4, branches=both),
            state("Each", "Map", 5, 3, children=[item]),
            state("Done", "Succeed", 8),
        ]
    )


def failing() -> Execution:
    """Return an execution whose question nobody answers, so that it fails."""
    caught = state("Ask", "Task", 1, 2, CAUGHT, error="States.Timeout", cause="Silence.")
    end = state("Sorry", "Fail", 3, None, FAILED, error="Sorry", cause="Nobody answered.")
    found = execution([state("Look", "Pass", 0), caught, end], "FAILED", "second")
    found.error, found.cause = "Sorry", "Nobody answered."
    return found


class Balanced:
    """A reconciliation that has found nothing."""

    balanced = True

    def lines(self) -> list[str]:
        """Return its only line."""
        return ["reconciled 3 uploads: balanced"]


class Recorded(Session):
    """A replay's session that asks nobody."""

    def totals(self, results: Any) -> list[Figures]:
        """Return figures of all kinds."""
        return [Figures("3 files", [Row("Accepted", "2"), Row("Rejected", "1", 1)], bars=True)]

    def details(self, result: Result) -> list[tuple[str, str]]:
        """Return a detail."""
        return [("lines", "3 in")]


def replay(
    monkeypatch: pytest.MonkeyPatch,
    executions: list[Execution],
    definition: dict[str, Any] = DEFINITION,
) -> str:
    """Return the page of a replay with a scenario for each execution, and some without one."""
    by_arn = {one.arn: one for one in executions}
    rule = {"bus": "default", "name": "Uploaded", "pattern": "{}", "targets": ["Flow"]}
    monkeypatch.setattr(replayed, "read_all", lambda _, arns: [by_arn[arn] for arn in arns])
    monkeypatch.setattr(replayed, "rules_of", lambda _: [rule])
    monkeypatch.setattr(replayed, "definitions_of", lambda *_: {MACHINE: definition})
    event = {"source": "aws.s3", "detail-type": "Object Created", "time": "2026-11-30T12:00:00Z"}
    results = [
        Result(
            Scenario(EVENTS / "uploads" / f"{one.name}.csv"), "Uploaded", "Look → Done",
            one.status, 1.5, [], {}, fields=(("status", "SUCCEEDED", one.status),),
            executions=(one.arn,), events=(Taken("default", event, ("Uploaded",)),), started=START,
        )
        for one in executions
    ]  # fmt: skip
    ignored = Result(
        Scenario(EVENTS / "bus" / "nobody.json"), "none", "asked", "ignored", 0.2,
        ["rules: expected Uploaded, got none"], events=(Taken("default", event, ()),),
        fields=(("rules", "Uploaded", "none"),), started=START,
    )  # fmt: skip
    session = object.__new__(Recorded)
    session.deployed = Deployed(Stage("local"), LOCAL_ACCOUNT)
    return document(*replayed.content_of(session, [*results, ignored], Balanced()))
