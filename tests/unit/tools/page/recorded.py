"""A workflow with every kind of state, and executions of it as they would be read."""

from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.history.model import CAUGHT, FAILED, SUCCEEDED, Branch, Child, Execution, State, Try

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


def state(
    name: str, kind: str, at: float, took: float | None = 0.1, status: str = SUCCEEDED, **more: Any
) -> State:
    """Return a visit to a state, `at` seconds after the execution began."""
    entered = START + timedelta(seconds=at)
    left = None if took is None else entered + timedelta(seconds=took)
    return State(name, kind, entered, {"at": at}, left, {"left": name}, status, **more)


def execution(states: list[State], status: str = "SUCCEEDED", name: str = "first") -> Execution:
    """Return an execution with these states."""
    arn = f"arn:aws:states:eu-central-1:000000000000:execution:{MACHINE}:{name}"
    end = START + timedelta(seconds=9)
    return Execution(arn, name, MACHINE, status, START, end, {"file": 1}, states=states)


def through() -> Execution:
    """Return an execution that asks twice, tries an item again, and succeeds."""
    tried = [
        Try(START + timedelta(seconds=5), START + timedelta(seconds=6), "Busy", "Come again."),
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
    return execution([state("Look", "Pass", 0), caught, end], "FAILED", "second")
