"""What a stage's state machines do now: their newest executions, read again while they run."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from workbench.history import finding
from workbench.history.model import FAILED, Execution
from workbench.history.reading import read_execution
from workbench.page.content import Json, Texts, execution_data
from workbench.page.drawing.graph import Definition
from workbench.page.replayed import AT_ONCE, heading, rules_of
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError
from workbench.stages.visible import visible

SHOWN = 40  # executions, the newest
RUNNING = "RUNNING"
TONES = {"SUCCEEDED": "good", RUNNING: "info"}


class Live:
    """The newest executions of a stage; those that have ended are read once."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._client = deployed.stage.client("stepfunctions")
        self._ended: dict[str, Execution] = {}
        self._rules = rules_of(deployed)
        self._lock = threading.Lock()

    def definitions(self) -> dict[str, Definition]:
        """Return the definitions of all state machines as deployed now, by their names."""
        found = {}
        for arn in finding.machines(self._deployed):
            answer = self._client.describe_state_machine(stateMachineArn=arn)
            found[arn.rpartition(":")[2]] = json.loads(answer["definition"])
        return found

    def content(self) -> Json:
        """Return what the page shows now; where it cannot be read, why."""
        with self._lock:  # several windows ask for the same
            try:
                return self._content(self._read())
            except (UserError, ClientError, BotoCoreError) as error:
                return self._content(list(self._ended.values())) | {"trouble": visible(error)}

    def _read(self) -> list[Execution]:
        arns = [one["executionArn"] for one in finding.newest(self._deployed, SHOWN)]
        unread = [arn for arn in arns if arn not in self._ended]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            fresh = list(pool.map(lambda arn: read_execution(self._client, arn), unread))
        self._ended = {arn: one for arn, one in self._ended.items() if arn in arns}
        self._ended |= {one.arn: one for one in fresh if one.status != RUNNING}
        known = self._ended | {one.arn: one for one in fresh}
        return [known[arn] for arn in arns]

    def _content(self, executions: list[Execution]) -> Json:
        texts = Texts()
        return heading(self._deployed) | {
            "kind": "live",
            "entries": [_entry(one, number) for number, one in enumerate(executions)],
            "executions": [execution_data(one, texts) for one in executions],
            "rules": self._rules,
            "texts": texts.all,
        }


def _entry(execution: Execution, number: int) -> Json:
    ended = execution.ended
    took = None if ended is None else round((ended - execution.started).total_seconds() * 1000)
    failed = [one for one in execution.states if one.status == FAILED]
    return {
        "id": f"{execution.machine}/{execution.name}",
        "folder": execution.machine,
        "name": visible(title_of(execution)),
        "title": visible(execution.name),
        "ok": execution.status in TONES,
        "outcome": visible(execution.error or execution.status.lower()),
        "tone": TONES.get(execution.status, "bad"),
        "rule": "",
        "path": "",
        "started": round(execution.started.timestamp() * 1000),
        "took": took,
        "fields": [],
        "differences": [f"{one.name}: {visible(one.error or 'failed')}" for one in failed],
        "why": [],
        "details": [],
        "events": [],
        "executions": [number],
    }


def title_of(execution: Execution) -> str:
    """Return what an execution is about: of an S3 event its object's name, else its own name."""
    given: Any = execution.input
    for key in ("detail", "object", "key"):
        given = given.get(key) if isinstance(given, dict) else None
    return given.rpartition("/")[2] if isinstance(given, str) and given else execution.name
