"""200 files at once, a third of them delivered twice, while everything underneath breaks.

Everything reconciles when all is over, and each file has the outcome that it has without faults,
what failed is run again.
"""

import contextlib
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from operations.commands.retry import retry
from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.files.decide import give_decision
from operations.files.order_file import AWAITING, FINAL, Uploaded, put
from operations.reconciliation.archive import read_archive
from operations.reconciliation.reading import read_ledger
from operations.reconciliation.report import Reconciliation, check
from operations.services import faults as service_faults
from tests.faults.order_files import OrderFile, draw
from workbench.local_cloud.emulator import faults
from workbench.replay import redrive
from workbench.stages.errors import UserError
from workbench.stages.waiting import wait_until

FILES = int(os.environ.get("CHAOS_FILES", "200"))
SEED = os.environ.get("CHAOS_SEED") or str(time.time_ns())
SENDERS = 4
LIMIT = 480.0  # seconds; the claim of a call that was killed each time must expire first
LOOK_EVERY = 1.0  # seconds
AFTERMATH = 10.0  # seconds that things go on breaking when all files have come
STANDSTILL = 5.0  # seconds in which no file ends
THROTTLED = (
    ("dynamodb", "UpdateItem"),
    ("s3", "PUT /*"),
    ("s3", "GET /*"),
    ("events", "PutEvents"),
    ("secretsmanager", "GetSecretValue"),
)


@contextmanager
def everything_breaks(lot: random.Random) -> Iterator[Counter[str]]:
    """Faults are switched on and off by lot until the block ends; then all works. Counts them."""
    over, struck = threading.Event(), Counter[str]()

    def rates() -> None:
        service_faults.set_outside(rates={"fail_next": lot.randint(1, 3)})

    def webhook() -> None:
        service_faults.set_outside(webhook={"fail_next": lot.randint(1, 3)})

    def throttling() -> None:
        service, request = lot.choice(THROTTLED)
        times = lot.randint(1, 6)
        fault = {"service": service, "request": request, "times": times, "action": "throttle"}
        faults.set_requests([fault])

    def workers() -> None:
        faults.kill_workers(lot.randint(1, 2))

    def database() -> None:
        service_faults.stop_database()
        over.wait(lot.uniform(0.1, 0.5))
        service_faults.start_database()

    def again_and_again() -> None:
        kinds: list[Callable[[], None]] = [rates, webhook, throttling, workers, database]
        while not over.wait(lot.uniform(0.05, 0.5)):
            fault = lot.choices(kinds, [2, 1, 3, 4, 1])[0]
            fault()
            struck[fault.__name__] += 1

    breaking = threading.Thread(target=again_and_again)
    breaking.start()
    try:
        yield struck
    finally:
        over.set()
        breaking.join()
        faults.set_requests([])
        service_faults.set_outside(rates={}, webhook={})
        service_faults.start_database()


def send(deployed: Deployed, file: OrderFile, twice: bool) -> Uploaded:
    """Upload a file; hand its notification to the rule's target once more where it is `twice`."""
    while True:
        try:
            uploaded = put(deployed, file.key, file.content)
            break
        except deployed.stage.client("s3").exceptions.ClientError:
            continue  # throttled, as everyone is: the partner tries again
    if twice:
        event = deployed.upload_event(file.key, len(file.content))
        event["detail"]["object"]["version-id"] = uploaded.version_id
        event["time"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        deliver(deployed, event)
    return uploaded


def deliver(deployed: Deployed, event: dict[str, object]) -> None:
    """Call the target of the rules that take the event, as EventBridge would."""
    for rule in deployed.rules_for("default", event):
        for target in deployed.targets_of("default", rule):
            if ":stateMachine:" in target:
                deployed.stage.client("stepfunctions").start_execution(
                    stateMachineArn=target, input=json.dumps(event)
                )
            else:
                deployed.stage.client("lambda").invoke(
                    FunctionName=target, InvocationType="Event", Payload=json.dumps(event)
                )


def open_ones(deployed: Deployed, uploads: list[Uploaded]) -> list[str]:
    """The files that have no outcome yet; approvals are granted on the way."""
    threading.Event().wait(LOOK_EVERY)  # the files have the cloud to themselves meanwhile
    found, rows = [], read_ledger(deployed)
    for one in uploads:
        row = rows.get(one.file_id)
        if row and row["status"] in FINAL:
            continue
        found.append(one.file_id)
        if row and row["status"] == AWAITING and not row.get("approval"):
            with contextlib.suppress(ClientError, UserError):  # the bus may be throttled
                give_decision(deployed, one.file_id, "approved", "chaos")
    return found


def bring_to_an_end(deployed: Deployed, uploads: list[Uploaded]) -> int:
    """Wait until nothing moves any more; what stands still is the operator's: `make retry`.

    A call that was killed or throttled each time leaves a file behind, and its event in the
    dead-letter queue. Returns how many files were run again.
    """
    run_again: set[str] = set()
    since, before = time.monotonic(), open_ones(deployed, uploads)

    def ended() -> bool:
        nonlocal since, before
        still = open_ones(deployed, uploads)
        if still != before:
            since, before = time.monotonic(), still
        if still and time.monotonic() - since > STANDSTILL:
            with contextlib.suppress(UserError):  # somebody works on it, until the claim expires
                retry(deployed, still[0])
                run_again.add(still[0])
        return not still

    wait_until(ended, "every file has its outcome", LIMIT)
    return len(run_again)


def run_failed_again(deployed: Deployed, uploads: list[Uploaded]) -> int:
    """What an operator does when all works again: `make redrive`, and `make retry` for the rest.

    Returns how many files had failed.
    """
    rows = read_ledger(deployed)
    failed = [one.file_id for one in uploads if rows[one.file_id]["status"] == "Failed"]
    assert redrive.main([]) == 0
    for file_id in failed:
        with contextlib.suppress(UserError):  # its dead letter has run it again
            retry(deployed, file_id)
    wait_until(lambda: not open_ones(deployed, uploads), "the failed ones have an outcome", LIMIT)
    return len(failed)


def test_everything_reconciles_whatever_breaks(deployed: Deployed) -> None:
    lot = random.Random(SEED)  # noqa: S311 - lots, no secrets
    files = [draw(lot) for _ in range(FILES)]
    twice = [lot.random() < 1 / 3 for _ in files]
    started = datetime.now(UTC).replace(microsecond=0)

    # Given that everything breaks now and then, while the files come and for a while after
    with everything_breaks(lot) as struck:
        with ThreadPoolExecutor(SENDERS) as senders:
            uploads = list(senders.map(send, [deployed] * FILES, files, twice))
        enough = time.monotonic() + AFTERMATH
        wait_until(
            lambda: not open_ones(deployed, uploads) or time.monotonic() > enough, "a while", LIMIT
        )

    # When it works again, and nothing is under way any more
    run_again = bring_to_an_end(deployed, uploads)
    assert run_again <= FILES // 10

    # Then everything reconciles
    def events() -> list[dict[str, Any]]:
        return read_archive(deployed, started - timedelta(seconds=1), datetime.now(UTC))

    only = {one.file_id for one in uploads}

    def reconciled() -> Reconciliation:
        found = check(deployed, find_database(deployed), events, started, only)
        assert found.balanced, found.lines()
        return found

    reconciled()

    # And when what failed is run again, every file has the outcome that is its own
    failed = run_failed_again(deployed, uploads)
    ended = reconciled()
    outcomes = Counter(one.row["status"] for one in ended.files if one.row)
    again = f"{run_again} left over and {failed} Failed run again"
    reported = [*ended.lines(), f"{dict(outcomes)}, {again}, faults {dict(struck)}"]
    sys.stdout.write("\n".join([f"CHAOS_SEED={SEED}", *reported, ""]))
    assert len(ended.files) == FILES
    expected = {one.file_id: file for one, file in zip(uploads, files, strict=True)}
    for one in ended.files:
        assert one.row is not None
        assert one.row["status"] == expected[one.file_id].outcome, one
