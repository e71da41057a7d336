"""Drills of docs/operations.md that take from the whole stage what others need meanwhile."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.files.follow import follow
from operations.files.order_file import Uploaded, read_row, upload
from operations.scenarios.faulty import wait_for_webhook
from operations.services import faults as service_faults
from tests.local_cloud.test_operations import LARGE, lines_in_database, orders, run
from workbench.local_cloud.emulator import faults
from workbench.replay import redrive
from workbench.replay.kinds.aftermath import lines_about
from workbench.stages.waiting import wait_until

RULES = ("SmallFileUploaded", "LargeFileUploaded")


@contextmanager
def nothing_taken_in(deployed: Deployed) -> Iterator[None]:
    """While inside, uploads reach nobody."""
    events = deployed.stage.client("events")
    names = [f"{deployed.stage.prefix}-{rule}" for rule in RULES]
    for name in names:
        events.disable_rule(Name=name)
    try:
        yield
    finally:
        for name in names:
            events.enable_rule(Name=name)


def reconcile(deployed: Deployed, since: datetime, until: datetime) -> None:
    window = {"from": since.isoformat(), "to": until.isoformat()}
    answer = deployed.stage.client("lambda").invoke(
        FunctionName=f"{deployed.stage.prefix}-DailyReconciliation", Payload=json.dumps(window)
    )
    assert "FunctionError" not in answer


def finding(deployed: Deployed, file_id: str, since: datetime) -> str:
    """What the reconciliation's log says of a file."""
    said = partial(lines_about, deployed, "DailyReconciliation", file_id, since.timestamp())
    return wait_until(lambda: " ".join(said()), f"the reconciliation names {file_id}")


def is_dead_letter(deployed: Deployed, file_id: str) -> bool:
    """Whether the outcome of a file was given up."""
    queues = deployed.stage.client("sqs")
    url = queues.get_queue_url(QueueName=f"{deployed.stage.prefix}-outcomes-dlq")["QueueUrl"]
    answer = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return any(file_id in message["Body"] for message in answer.get("Messages", []))


def test_what_came_while_nothing_was_taken_in_is_found_and_run(
    deployed: Deployed, tmp_path: Path
) -> None:
    begun = datetime.now(UTC)
    with nothing_taken_in(deployed):
        uploaded: list[Uploaded] = []
        for lines in (1, LARGE):
            file = orders(tmp_path, lines)
            uploaded.append(upload(deployed, f"incoming/nordwind/{file.name}", file))

    reconcile(deployed, begun - timedelta(seconds=1), datetime.now(UTC) + timedelta(seconds=1))

    for one in uploaded:
        assert read_row(deployed, one.file_id) is None
        assert "upload_without_outcome" in finding(deployed, one.file_id, begun)
        done = run("operations.commands.retry", FILE_ID=one.file_id)
        assert done.returncode == 0, done.stdout + done.stderr
    assert [lines_in_database(deployed, one.file_id) for one in uploaded] == [1, LARGE]


def test_a_partner_whose_webhook_was_down_is_reported_by_a_redrive(
    deployed: Deployed, tmp_path: Path
) -> None:
    file = orders(tmp_path, 1)
    redrive.main([])  # a look at the queue shows ten letters: other tests' must not hide ours
    try:
        faults.set_wait_scale(0.0001)  # the queue tries for five hours
        service_faults.set_outside(webhook={"fail_next": 1000})
        uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
        wait_until(partial(is_dead_letter, deployed, uploaded.file_id), "the dead letter", 120)
    finally:
        faults.set_wait_scale(None)
        service_faults.set_outside(webhook={})

    assert redrive.main([]) == 0

    assert wait_for_webhook(uploaded.file_id, 60)
    assert not is_dead_letter(deployed, uploaded.file_id)


def test_a_file_that_failed_once_loaded_is_loaded_once_whatever_comes_again(
    deployed: Deployed, tmp_path: Path
) -> None:
    file = orders(tmp_path, 1)
    curated = {"service": "s3", "request": f"PUT /{deployed.bucket}/curated/*"}
    try:
        faults.set_requests([curated | {"times": 1000, "action": "throttle"}])
        uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
        row = follow(deployed, uploaded.file_id, lambda: True)
    finally:
        faults.set_requests([])
    assert (row["status"], row["loaded"]) == ("Failed", True)

    again = run("operations.commands.send", FILE=str(file), PARTNER="nordwind")
    assert again.returncode == 1
    assert f"make retry FILE_ID={uploaded.file_id}" in again.stdout
    retried = run("operations.commands.retry", FILE_ID=uploaded.file_id)
    assert retried.returncode == 0, retried.stdout + retried.stderr

    number = file.read_text().splitlines()[1].split(";")[0]
    secret = find_database(deployed).secret
    assert secret is not None
    with secret.connect() as session:
        found = session.execute("SELECT file_id FROM order_line WHERE invoice = %s", [number])
        assert found.fetchall() == [(uploaded.file_id,)]
    assert run("operations.commands.send", FILE=str(file), PARTNER="nordwind").returncode == 0
