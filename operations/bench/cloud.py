"""The local cloud as a whole: replay, the real file, one task, and many files at once."""

import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from operations.bench import REAL_FILE
from operations.deployed import Deployed
from operations.files.decide import give_decision
from operations.files.follow import follow, wait_for_execution
from operations.files.order_file import FINAL, Uploaded, put, upload
from operations.scenarios.fresh import fresh, new_mark
from workbench.bench.figures import Figure, seconds
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT, Stage
from workbench.stages.waiting import within

REPLAYS = 3
REAL_FILES = 5
TASKS = 40
CROWDS = (10, 100, 1000)
CROWD_LIMIT = 600.0  # seconds
HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis\n"


def replay_all() -> None:
    """Everything of events/, in a process of its own; UserError names what differs."""
    done = subprocess.run(
        [sys.executable, "-m", "workbench.replay"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        lines = (line.strip() for line in done.stdout.splitlines())
        differing = [line for line in lines if not line.startswith("OK ")]
        raise UserError("\n".join(["the replay is not as expected:", *differing]))


def real_file(deployed: Deployed) -> None:
    """The real file from its upload to its outcome; its approval is given as soon as asked for.

    Its orders are new each time: orders that came before are not loaded again.
    """
    content = fresh(REAL_FILE.read_bytes(), "online-retail", new_mark())
    sent = put(deployed, f"incoming/online-retail/{uuid.uuid4().hex}.csv", content)

    def approve() -> bool:
        give_decision(deployed, sent.file_id, "approved", "bench")
        return True

    row = follow(deployed, sent.file_id, approve)
    if row["status"] != "Accepted":
        raise UserError(f"the real file is {row['status']}: {row.get('explanation')}")


@contextmanager
def one_task(deployed: Deployed) -> Iterator[str]:
    """A state machine of one task, which asks for the rates of a file that needs none; its ARN."""
    states = deployed.stage.client("stepfunctions")
    prefix = deployed.stage.prefix
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": deployed.arn("lambda", f"function:{prefix}-FetchExchangeRates"),
            "Payload.$": "$",
        },
        "End": True,
    }
    role = states.describe_state_machine(
        stateMachineArn=deployed.arn("states", f"stateMachine:{prefix}-OrderIntake")
    )["roleArn"]
    machine = states.create_state_machine(
        name=f"{prefix}-bench-{uuid.uuid4().hex[:8]}",
        definition=json.dumps({"StartAt": "Task", "States": {"Task": task}}),
        roleArn=role,
    )["stateMachineArn"]
    try:
        yield str(machine)
    finally:
        states.delete_state_machine(stateMachineArn=machine)


def task_seconds(deployed: Deployed, machine: str) -> float:
    """One execution, from its start to its end as the service notes them."""
    file = {
        "file_id": "0" * 24, "bucket": "b", "key": "incoming/nordwind/a.csv", "version_id": "v",
        "partner": "nordwind", "size": 1, "uploaded_at": "2026-03-04T12:00:00Z",
        "route": "workflow", "correlation_id": "bench",
    }  # fmt: skip
    states = deployed.stage.client("stepfunctions")
    begun = states.start_execution(stateMachineArn=machine, input=json.dumps({"file": file}))
    answer = wait_for_execution(deployed, begun["executionArn"], pause=0.01)
    if answer["status"] != "SUCCEEDED":
        raise UserError(f"the one-task execution is {answer['status']}: {answer.get('cause')}")
    return float((answer["stopDate"] - answer["startDate"]).total_seconds())


def crowd(deployed: Deployed, count: int) -> float:
    """Seconds until `count` small files, sent at once, have their outcome; none may be lost."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "orders.csv"

        def send(_: int) -> Uploaded:
            row = f"NW-{uuid.uuid4().hex};02.12.2010;K-1;A-1;Palette;2;10.25\n"
            own = file.with_name(f"{uuid.uuid4().hex}.csv")
            own.write_text(HEADER + row)
            return upload(deployed, f"incoming/nordwind/{own.name}", own)

        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            open_ids = {sent.file_id for sent in pool.map(send, range(count))}

        def all_accepted() -> bool:
            open_ids.difference_update(_accepted(deployed, sorted(open_ids)[:100]))
            return not open_ids

        if not within(CROWD_LIMIT, all_accepted):
            raise UserError(f"{len(open_ids)} of {count} files have no outcome yet")
        return time.monotonic() - begun


def _accepted(deployed: Deployed, file_ids: list[str]) -> set[str]:
    keys = [{"pk": {"S": f"file#{file_id}"}} for file_id in file_ids]
    answer = deployed.stage.client("dynamodb").batch_get_item(
        RequestItems={deployed.ledger: {"Keys": keys}}
    )
    rows = answer["Responses"][deployed.ledger]
    for row in rows:
        status = row["status"]["S"]
        if status in FINAL and status != "Accepted":
            raise UserError(f"file {row['file_id']['S']} is {status}")
    return {row["file_id"]["S"] for row in rows if row["status"]["S"] == "Accepted"}


def measure() -> Iterator[Figure]:
    """Medians over several rounds; for many files, seconds a file against ten files' seconds."""
    deployed = Deployed.find(Stage("local"))
    with one_task(deployed) as machine:
        task_seconds(deployed, machine)  # warm
        taken = median(task_seconds(deployed, machine) for _ in range(TASKS)) * 1000
    yield Figure("one-task execution", taken, "ms", ("at most", 15))
    real_file(deployed)  # warm
    taken = median(seconds(lambda: real_file(deployed)) for _ in range(REAL_FILES))
    yield Figure("the real file through the workflow", taken, "s", ("at most", 8))
    taken = median(seconds(replay_all) for _ in range(REPLAYS))
    yield Figure("all of events/ replayed", taken, "s", ("at most", 20))
    each = {}
    for count in CROWDS:
        taken = crowd(deployed, count)
        each[count] = taken / count
        yield Figure(
            f"{count} files at once", taken, "s", None, f"{each[count] * 1000:.0f} ms each"
        )
    growth = each[CROWDS[-1]] / each[CROWDS[-2]]
    yield Figure("time a file, of 1,000 at once / of 100", growth, "times", ("at most", 1.2))
