"""One state of the real definition at a time, run by the TestState API on a mocked result."""

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from tests.local_cloud.emulator import Emulator
from tests.template import definition
from workbench.workflow import edges

EXECUTION = "arn:aws:states:eu-central-1:000000000000:execution:m:e"
ENTERED = "2026-11-23T10:30:00.000Z"
CONTEXT = {
    "Execution": {"Id": EXECUTION, "Name": EXECUTION.rpartition(":")[2]},
    "State": {"EnteredTime": ENTERED},
    "Task": {"Token": "token"},
}
SUBSTITUTIONS = {
    "Partition": "aws",
    "LedgerTable": "ledger",
    "OrdersBusName": "orders",
    "DatabaseSecretArn": "arn:aws:secretsmanager:eu-central-1:000000000000:secret:database",
    "MapMaxConcurrency": "5",
    "ApprovalTimeoutSeconds": "60",
    "QuietFromMinute": "0",
    "QuietToMinute": "0",
}


@functools.cache
def _definition() -> str:
    return json.dumps(definition())


def substituted(**values: str) -> dict[str, Any]:
    """The definition with its substitutions filled in: those above, or `values`.

    What ends in Arn and is named nowhere stands for a function of that name.
    """
    given = SUBSTITUTIONS | values

    def value(found: re.Match[str]) -> str:
        return given.get(found[1], found[1].removesuffix("Arn"))

    filled: dict[str, Any] = json.loads(re.sub(r"\$\{(\w+)\}", value, _definition()))
    return filled


@dataclass(frozen=True)
class Taken:
    """What `state` did: its status, output, next state, error, and all variables afterwards."""

    state: str
    status: str
    output: Any
    following: str | None
    error: str | None
    cause: str | None
    variables: dict[str, Any]
    inspected: dict[str, Any]

    @property
    def arguments(self) -> Any:
        """What the state asked its service for."""
        asked = self.inspected.get("afterArguments")
        assert asked is not None, f"{self.state}: it evaluated no Arguments: are they lost?"
        return json.loads(asked)

    @property
    def payload(self) -> Any:
        """What the state gave to its function."""
        asked = self.arguments
        assert "Payload" in asked, f"{self.state}: its Arguments say no Payload for the function"
        return asked["Payload"]

    @property
    def item(self) -> Any:
        """What a Map gives to its first item."""
        return json.loads(self.inspected["afterItemSelector"])


@functools.cache
def _client(cloud: Emulator) -> Any:
    return cloud.client_as("stepfunctions", Config(inject_host_prefix=False))


@dataclass(frozen=True)
class SingleStates:
    """Runs states; `note` is called with each edge that was taken."""

    cloud: Emulator
    note: Callable[[str], None]

    def run(
        self,
        name: str,
        value: Any = None,
        variables: dict[str, Any] | None = None,
        *,
        definition: dict[str, Any] | None = None,
        entered: str = ENTERED,
        **mock: Any,
    ) -> Taken:
        """Run the state `name` on an input and variables.

        `mock` is `result=…`, or `error=…` with `tried=…`: how often it was tried again before.
        """
        tried = mock.get("tried", 0)
        definition = definition or substituted()
        request: dict[str, Any] = {
            "definition": json.dumps(definition),
            "stateName": name,
            "input": json.dumps(value if value is not None else {}),
            "variables": json.dumps(variables or {}),
            "context": json.dumps(CONTEXT | {"State": {"EnteredTime": entered}}),
            "inspectionLevel": "DEBUG",
            "stateConfiguration": {"retrierRetryCount": tried},
        }
        if "items" in mock:
            request["stateConfiguration"]["mapItemReaderData"] = json.dumps(mock["items"])
        if "error" in mock:
            request["mock"] = {"errorOutput": {"error": mock["error"], "cause": "mocked"}}
        elif "result" in mock:
            request["mock"] = {"result": json.dumps(mock["result"])}
        answer = _client(self.cloud).test_state(**request)
        for edge in edges.of_test_state(definition, name, answer, tried):
            self.note(edge)
        return Taken(
            state=name,
            status=answer["status"],
            output=json.loads(answer.get("output") or "null"),
            following=answer.get("nextState"),
            error=answer.get("error"),
            cause=answer.get("cause"),
            variables=json.loads(answer["inspectionData"]["variables"]),
            inspected=answer["inspectionData"],
        )

    def evaluate(self, expression: str, entered: str) -> Any:
        """What an expression of the definition gives in a state that was entered then."""
        machine = {
            "QueryLanguage": "JSONata",
            "StartAt": "Evaluate",
            "States": {"Evaluate": {"Type": "Pass", "Output": expression, "End": True}},
        }
        answer = _client(self.cloud).test_state(
            definition=json.dumps(machine),
            stateName="Evaluate",
            context=json.dumps({"State": {"EnteredTime": entered}}),
        )
        return json.loads(answer["output"])
