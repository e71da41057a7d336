"""Where SAM, CloudFormation or Terraform fail, the reason stands alone."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workbench.checks import check, only
from workbench.checks.checking.finding import Finding, near, sifted
from workbench.deployment import terraform
from workbench.deployment.packaging import failure
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

TRACEBACK = """\
Traceback (most recent call last):
  File "/x/samcli/commands/exceptions.py", line 42, in wrapped
    return func(*args, **kwargs)
samtranslator.model.exceptions.InvalidResourceException: Resource with id [PriceChunk] is invalid. \
property Timout not defined for resource of type AWS::Serverless::Function
"""
SINCE = datetime(2026, 11, 30, tzinfo=UTC)


def test_of_a_stack_trace_the_sentence_is_left_with_its_line() -> None:
    said = failure.of_output(TRACEBACK)
    assert said.startswith("template.yaml:")
    assert said.endswith(
        "property Timout not defined for resource of type AWS::Serverless::Function"
    )
    assert "Traceback" not in said


def test_sams_own_error_is_left() -> None:
    said = "Building…\n\nError: PythonPipBuilder:ResolveDependencies - {msgspec==9}\nBuild Failed\n"
    assert failure.of_output(said).startswith("PythonPipBuilder:ResolveDependencies - {msgspec==9}")
    assert failure.of_output("") == "it said nothing"


class Events:
    """Answers as CloudFormation does for a stack that rolled back."""

    def get_paginator(self, _: str) -> "Events":
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        def event(minutes: int, name: str, why: str) -> dict[str, Any]:
            return {
                "Timestamp": SINCE + timedelta(minutes=minutes),
                "LogicalResourceId": name,
                "ResourceType": "AWS::SQS::Queue",
                "ResourceStatus": "CREATE_FAILED",
                "ResourceStatusReason": why,
            }

        return [
            {
                "StackEvents": [
                    event(3, "order-intake-local", "The following resource(s) failed to create: …"),
                    event(2, "Operators", "Resource creation cancelled"),
                    event(1, "OutcomesQueue", "Invalid value for\n VisibilityTimeout"),
                    event(-1, "Ledger", "of an earlier deployment"),
                ]
            }
        ]


def test_the_first_resource_that_failed_is_named_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Stage, "client", lambda *_: Events())
    said = failure.reason(Stage("local"), "a table of narrow columns", SINCE)
    assert said.endswith("OutcomesQueue (AWS::SQS::Queue): Invalid value for VisibilityTimeout")
    assert said.startswith("template.yaml:")


def test_terraforms_error_is_said_with_file_and_line_and_without_its_drawing() -> None:
    text = """\
╷
│ Error: Terraform encountered problems during initialisation
│
│ The configuration must be valid.
╵
╷
│ Error: Unsupported argument
│
│   on events.tf line 3, in resource "aws_cloudwatch_event_bus" "orders":
│    3:   nam = local.orders_bus_name
│
│ An argument named "nam" is not expected here. Did you mean "name"?
╵
"""
    assert terraform._first_error(text) == (
        "terraform/events.tf:3: Unsupported argument An argument named "
        '"nam" is not expected here. Did you mean "name"?'
    )


def test_what_only_follows_is_left_out_and_a_line_is_said_once() -> None:
    found = [
        Finding("template.yaml", 7, "first"),
        Finding("template.yaml", 7, "the same in other words"),
        Finding("a.asl.yaml", 0, "cannot go on", follows=True),
        Finding("samconfig.toml", 0, "another thing", follows=True),
    ]
    assert [each.what for each in sifted(found)] == ["another thing", "first"]


def test_a_name_that_is_near_is_named() -> None:
    assert near("Taks", ["Task", "Wait"]) == "; did you mean Task?"
    assert near("Task", ["Task"]) == ""


def test_an_unknown_part_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLY", "workflow, patern")
    with pytest.raises(UserError, match=r"ONLY=patern: .* did you mean patterns\?"):
        only.check(only.named(), check.parts())


def test_nothing_is_imported_where_nothing_changed() -> None:
    code = (
        "import sys, workbench.checks.check; print('boto3' in sys.modules, 'yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
