"""The drills of docs/operations.md, performed with the commands that it names."""

import fcntl
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.files.decide import give_decision
from operations.files.follow import follow
from operations.files.order_file import Row, Uploaded, execution_of, read_row, upload
from operations.scenarios.outcome import objects_below
from operations.services import postgres
from workbench.replay import redrive
from workbench.stages.stage import ROOT
from workbench.stages.waiting import wait_until

HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis\n"
LARGE = 1000  # lines; more than the workflow's 64 KiB
STEPS = {"RegisterFile", "FetchExchangeRates", "PriceChunk", "AssessFile"}
STEPS |= {"LoadOrders", "CurateFile"}


def run(command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The command as `make` runs it: its arguments are in the environment."""
    return subprocess.run(
        [sys.executable, "-m", command],
        cwd=ROOT, env=os.environ | {"STAGE": "local", "PYTHONPATH": "src"} | settings,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def orders(folder: Path, lines: int, price: str = "10.25") -> Path:
    """A file of nordwind's that no one has sent before."""
    path = folder / f"{uuid.uuid4().hex}.csv"
    row = f"NW-{{}};02.12.2010;K-1;A-1;Palette nach Hamburg, Lieferung frei Haus;2;{price}\n"
    path.write_text(HEADER + "".join(row.format(f"{uuid.uuid4().hex}") for _ in range(lines)))
    return path


@contextmanager
def unreadable(deployed: Deployed, key: str, lock: Path) -> Iterator[None]:
    """While inside, nobody may read the object `key`: a fault of ours, for one file only."""
    client = deployed.stage.client("s3")
    statement = {
        "Sid": f"Fault{uuid.uuid4().hex}",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": f"arn:aws:s3:::{deployed.bucket}/{key}",
    }

    def change(statements: Any) -> None:
        with lock.open("w") as held:  # other tests change the policy, too
            fcntl.flock(held, fcntl.LOCK_EX)
            policy = json.loads(client.get_bucket_policy(Bucket=deployed.bucket)["Policy"])
            policy["Statement"] = statements(policy["Statement"])
            client.put_bucket_policy(Bucket=deployed.bucket, Policy=json.dumps(policy))

    change(lambda there: [*there, statement])
    try:
        yield
    finally:
        change(lambda there: [one for one in there if one.get("Sid") != statement["Sid"]])


@pytest.fixture(params=[1, LARGE], ids=["direct", "workflow"])
def failed(
    request: pytest.FixtureRequest, deployed: Deployed, tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Row:  # fmt: skip
    """The ledger's row of a file that failed while a permission was missing; it is back now."""
    file = orders(tmp_path, request.param)
    key = f"incoming/nordwind/{file.name}"
    lock = tmp_path_factory.getbasetemp().parent / "bucket-policy.lock"
    with unreadable(deployed, key, lock):
        uploaded = upload(deployed, key, file)
        row = follow(deployed, uploaded.file_id, lambda: True)
    assert row["status"] == "Failed"
    return row


def lines_in_database(deployed: Deployed, file_id: str) -> int:
    stored = find_database(deployed).read(file_id)
    assert stored is not None
    return stored.sums[0]


def shows_its_way(failed: Row) -> None:
    """What `make history` says of a file that failed."""
    shown = run("workbench.history", FILE_ID=failed["file_id"])
    one = run("workbench.history", FILE_ID=failed["file_id"], STATE="RegisterFile", JSON="1")

    assert shown.returncode == 0, shown.stderr
    if failed["route"] == "direct":
        assert "one call of the function IntakeSmallFile, without the workflow" in shown.stdout
        assert f"make logs FN=IntakeSmallFile FILE_ID={failed['file_id']}" in shown.stdout
        return
    assert "RegisterFile  Task" in shown.stdout
    assert "caught  AccessDenied" in shown.stdout
    (state,) = json.loads(one.stdout)
    assert (state["status"], state["error"]) == ("caught", "AccessDenied")


def test_a_failed_file_is_run_again(deployed: Deployed, failed: Row) -> None:
    shows_its_way(failed)

    done = run("operations.commands.retry", FILE_ID=failed["file_id"])

    assert done.returncode == 0, done.stderr + done.stdout
    assert "Accepted" in done.stdout
    row = read_row(deployed, failed["file_id"])
    assert row
    assert (row["run"], row["correlation_id"]) == (2, failed["correlation_id"])
    assert row["route"] == failed["route"]
    assert lines_in_database(deployed, failed["file_id"]) == row["accepted"]
    again = run("operations.commands.retry", FILE_ID=failed["file_id"])
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "only a file that Failed is run again" in again.stderr


def test_a_file_that_fails_again_can_be_run_again_after_that(
    deployed: Deployed, failed: Row, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lock = tmp_path_factory.getbasetemp().parent / "bucket-policy.lock"
    with unreadable(deployed, failed["key"], lock):
        still = run("operations.commands.retry", FILE_ID=failed["file_id"])
    assert (still.returncode, "Failed" in still.stdout) == (1, True), still.stderr
    if failed["route"] == "workflow":
        assert "  failed   state RegisterFile: AccessDenied" in still.stdout
        assert f"  see      make history FILE_ID={failed['file_id']}" in still.stdout

    done = run("operations.commands.retry", FILE_ID=failed["file_id"])

    assert done.returncode == 0, done.stderr + done.stdout


@pytest.fixture
def inbox(deployed: Deployed) -> Iterator[str]:
    """A queue that is subscribed to the operators' topic for as long as the test runs."""
    sqs, sns = deployed.stage.client("sqs"), deployed.stage.client("sns")
    url: str = sqs.create_queue(QueueName=f"operators-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    queue = asked["Attributes"]["QueueArn"]
    topic = (
        queue.replace(":sqs:", ":sns:").rpartition(":")[0] + f":{deployed.stage.prefix}-operators"
    )
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    yield url
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=url)


def told_of(deployed: Deployed, inbox: str, execution: str) -> str | None:
    """The status that a message to the operators gives for this execution."""
    answer = deployed.stage.client("sqs").receive_message(
        QueueUrl=inbox, MaxNumberOfMessages=10, WaitTimeSeconds=1
    )
    for message in answer.get("Messages", []):
        event = json.loads(json.loads(message["Body"])["Message"])
        if event["detail"].get("executionArn") == execution:
            status: str = event["detail"]["status"]
            return status
    return None


def test_a_file_of_an_aborted_execution_is_reported_and_run_again(
    deployed: Deployed, tmp_path: Path, inbox: str
) -> None:
    file = orders(tmp_path, 1)
    file.write_text(file.read_text().replace("10.25", "90000.00"))  # somebody must approve
    uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
    waiting = follow(deployed, uploaded.file_id, lambda: False)
    assert "runs" in run("operations.commands.retry", FILE_ID=uploaded.file_id).stderr
    execution = waiting["claimed_by"]
    deployed.stage.client("stepfunctions").stop_execution(executionArn=execution)
    status = wait_until(lambda: told_of(deployed, inbox, execution), "the operators are notified")
    assert status == "ABORTED"

    done = run("operations.commands.retry", FILE_ID=uploaded.file_id)

    assert done.returncode == 0, done.stderr
    assert "make approve FILE_ID=" in done.stdout
    approved = run("operations.commands.approve", FILE_ID=uploaded.file_id, DECISION="approved")
    assert approved.returncode == 0, approved.stderr


def test_an_outcome_that_was_not_told_is_reported(deployed: Deployed, tmp_path: Path) -> None:
    file = orders(tmp_path, 1, price="90000.00")  # somebody must approve
    uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
    waiting = follow(deployed, uploaded.file_id, lambda: False)
    # The execution ends when the row is written and nothing is announced yet.
    deployed.stage.client("stepfunctions").stop_execution(executionArn=waiting["claimed_by"])
    decline(deployed, uploaded.file_id)

    done = run("operations.commands.retry", FILE_ID=uploaded.file_id)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"file {uploaded.file_id} is Declined; that was not announced, and is announced now\n"
    )
    wait_until(lambda: notified(deployed, uploaded.file_id), "the partner is notified")
    again = run("operations.commands.retry", FILE_ID=uploaded.file_id)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "is Declined: only a file that Failed is run again" in again.stderr


def decline(deployed: Deployed, file_id: str) -> None:
    """Write the outcome Declined into a file's row, as the workflow does."""
    deployed.stage.client("dynamodb").update_item(
        TableName=deployed.ledger,
        Key={"pk": {"S": f"file#{file_id}"}},
        UpdateExpression=(
            "SET #status = :declined, closed_at = :now, reason = :reason, explanation = :reason, "
            "approval = :approval, loaded = :no REMOVE task_token"
        ),
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={
            ":declined": {"S": "Declined"},
            ":now": {"S": datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"},
            ":reason": {"S": "declined_by_operator"},
            ":approval": {"M": {"decision": {"S": "declined"}, "decided_by": {"S": "a test"}}},
            ":no": {"BOOL": False},
        },
    )


def test_a_file_that_nobody_was_told_of_is_found_and_run(
    deployed: Deployed, tmp_path: Path
) -> None:
    file = orders(tmp_path, 1)
    uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
    follow(deployed, uploaded.file_id, lambda: True)
    forget(deployed, uploaded)

    done = run("operations.commands.retry", FILE_ID=uploaded.file_id)

    try:
        assert done.returncode == 0, done.stderr
        assert lines_in_database(deployed, uploaded.file_id) == 1
    finally:  # it was announced twice: no reconciliation of the stage would ever pass with it
        forget(deployed, uploaded)
        remove(deployed, uploaded)


def forget(deployed: Deployed, uploaded: Uploaded) -> None:
    """Take an upload out of the ledger, as if nobody had heard of it."""
    row = read_row(deployed, uploaded.file_id)
    assert row
    table = deployed.stage.client("dynamodb")
    for pk in (f"file#{uploaded.file_id}", f"content#nordwind#{row['sha256']}"):
        table.delete_item(TableName=deployed.ledger, Key={"pk": {"S": pk}})


def remove(deployed: Deployed, uploaded: Uploaded) -> None:
    """Take an upload, and what came of it, out of the bucket and out of the database."""
    s3 = deployed.stage.client("s3")
    s3.delete_object(Bucket=deployed.bucket, Key=uploaded.key, VersionId=uploaded.version_id)
    for key in objects_below(deployed, f"curated/nordwind/{uploaded.file_id}/"):
        s3.delete_object(Bucket=deployed.bucket, Key=key)
    port = postgres.port()
    with postgres.connect_as_owner(port, postgres.DATABASE) as owner:
        for table in ("order_line", "order_file", "partner_order"):
            statement = sql.SQL("DELETE FROM {} WHERE file_id = %s").format(sql.Identifier(table))
            owner.execute(statement, [uploaded.file_id])


def test_retry_of_nothing_is_one_clear_line(deployed: Deployed) -> None:
    unnamed, unknown = (
        run("operations.commands.retry"),
        run("operations.commands.retry", FILE_ID="0" * 24),
    )

    assert unnamed.stderr == "error: name the file: make retry FILE_ID=…\n"
    assert unknown.stderr.startswith("error: no file '000000000000000000000000'")


@pytest.mark.parametrize("failed", [1], indirect=True)
def test_a_dead_letter_of_a_function_goes_back_to_it(deployed: Deployed, failed: Row) -> None:
    def redriven() -> bool:
        # Another test's redrive may have taken the letter along.
        done = run("workbench.replay.redrive")
        row = read_row(deployed, failed["file_id"])
        return bool(row and row["status"] == "Accepted") or "IntakeSmallFile" in done.stdout

    wait_until(redriven, "the dead letter of the failed file")

    row = wait_until(
        lambda: _accepted(deployed, failed["file_id"]), "the file's second run ends Accepted"
    )
    assert row
    assert lines_in_database(deployed, failed["file_id"]) == row["accepted"]


def _accepted(deployed: Deployed, file_id: str) -> Row | None:
    row = read_row(deployed, file_id)
    return row if row and row["status"] == "Accepted" else None


@pytest.fixture
def letters(deployed: Deployed) -> Iterator[str]:
    """A queue of this test's own, by its name."""
    name = f"{deployed.stage.prefix}-drill-{uuid.uuid4().hex[:8]}"
    queues = deployed.stage.client("sqs")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    yield name
    queues.delete_queue(QueueUrl=url)


def put_letter(deployed: Deployed, name: str, body: str, **attributes: str) -> None:
    """A message as EventBridge leaves it: the event, and where it was to go as an attribute."""
    queues = deployed.stage.client("sqs")
    queues.send_message(
        QueueUrl=queues.get_queue_url(QueueName=name)["QueueUrl"],
        MessageBody=body,
        MessageAttributes={
            key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()
        },
    )


def url_of(deployed: Deployed, name: str) -> str:
    return str(deployed.stage.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def count_letters(deployed: Deployed, name: str) -> int:
    queues = deployed.stage.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = queues.get_queue_attributes(
        QueueUrl=queues.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=names
    )
    return sum(int(answer["Attributes"][one]) for one in names)


def upload_unseen(deployed: Deployed, folder: Path) -> tuple[Uploaded, dict[str, Any]]:
    """An upload whose event reached nobody, and that event."""
    file = orders(folder, 1)
    key = f"incoming/nordwind/{file.name}"
    uploaded = upload(deployed, key.removesuffix(".csv"), file)
    answer = deployed.stage.client("s3").copy_object(
        Bucket=deployed.bucket,
        Key=key,
        CopySource={"Bucket": deployed.bucket, "Key": uploaded.key},
    )
    copied = Uploaded(deployed.bucket, key, answer["VersionId"])
    event = deployed.upload_event(key, file.stat().st_size)
    event["detail"]["object"]["version-id"] = copied.version_id
    return copied, event


@pytest.mark.parametrize(
    "target",
    ["lambda:{region}:{account}:function:{prefix}-IntakeSmallFile",
     "states:{region}:{account}:stateMachine:{prefix}-OrderIntake"],
    ids=["function", "workflow"],
)  # fmt: skip
def test_an_undelivered_event_goes_back_to_its_target(
    deployed: Deployed, letters: str, tmp_path: Path, target: str
) -> None:
    uploaded, event = upload_unseen(deployed, tmp_path)
    stage = deployed.stage
    arn = "arn:aws:" + target.format(
        region=stage.region, account=deployed.account, prefix=stage.prefix
    )
    put_letter(deployed, letters, json.dumps(event), TARGET_ARN=arn, ERROR_CODE="NO_PERMISSIONS")

    assert redrive.redrive(deployed, url_of(deployed, letters)) == (1, 0)

    row = follow(deployed, uploaded.file_id, lambda: True)
    assert row["status"] == "Accepted"
    assert count_letters(deployed, letters) == 0


def test_what_cannot_be_handed_over_stays(deployed: Deployed, letters: str) -> None:
    put_letter(deployed, letters, "no JSON at all")
    put_letter(deployed, letters, "{}", TARGET_ARN="arn:aws:lambda:eu-central-1:1:function:other")

    assert redrive.redrive(deployed, url_of(deployed, letters)) == (0, 2)

    assert count_letters(deployed, letters) == 2


def test_a_redrive_that_is_interrupted_loses_nothing_and_does_nothing_twice(
    deployed: Deployed, letters: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded, event = upload_unseen(deployed, tmp_path)
    arn = deployed.arn("states", f"stateMachine:{deployed.stage.prefix}-OrderIntake")
    put_letter(deployed, letters, json.dumps(event), TARGET_ARN=arn)
    queues = deployed.stage.client("sqs")
    with monkeypatch.context() as patch:
        patch.setattr(redrive, "HIDDEN", 1)
        patch.setattr(queues, "delete_message", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            redrive.redrive(deployed, url_of(deployed, letters))

    wait_until(
        lambda: redrive.redrive(deployed, url_of(deployed, letters)) == (1, 0),
        "the message is there again",
    )

    assert follow(deployed, uploaded.file_id, lambda: True)["run"] == 1
    assert lines_in_database(deployed, uploaded.file_id) == 1


def _interrupt(**_: Any) -> None:
    raise KeyboardInterrupt


def test_archived_events_are_delivered_once_more_and_change_nothing(
    deployed: Deployed, tmp_path: Path
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    file = orders(tmp_path, 1)
    uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
    wait_until(lambda: notified(deployed, uploaded.file_id) >= 1, "the partner is notified")

    def noted() -> dict[str, Any] | None:
        found = read_row(deployed, uploaded.file_id)
        return found if found and found.get("announced") else None

    row = wait_until(noted, "it is noted that the outcome was announced")
    # The archive's window is in whole seconds.
    until = datetime.now(UTC) + timedelta(seconds=1)

    done = run("workbench.replay.archive", FROM=since.isoformat(), TO=until.isoformat())

    assert done.returncode == 0, done.stderr
    wait_until(lambda: notified(deployed, uploaded.file_id) >= 2, "the partner is notified again")
    assert read_row(deployed, uploaded.file_id) == row
    assert lines_in_database(deployed, uploaded.file_id) == 1


def notified(deployed: Deployed, file_id: str) -> int:
    """How often NotifyPartner has called the partner's webhook about a file."""
    events = deployed.stage.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{deployed.stage.prefix}-NotifyPartner",
        startTime=int((time.time() - 600) * 1000),
    )["events"]
    return sum('"notified"' in one["message"] and file_id in one["message"] for one in events)


@pytest.mark.parametrize(
    ("settings", "reported"),
    [
        ({}, "FROM= is not a time"),
        ({"FROM": "2026-03-02", "TO": "yesterday"}, "TO=yesterday is not a time"),
        ({"FROM": "2026-03-02", "TO": "2026-03-01"}, "is not before"),
        (
            {"FROM": "2026-03-01", "TO": "2026-03-02", "RULES": "X"},
            "RULES=X: the rules of",
        ),
    ],
)
@pytest.mark.usefixtures("deployed")
def test_a_wrong_window_is_one_clear_line(settings: dict[str, str], reported: str) -> None:
    done = run("workbench.replay.archive", **settings)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert reported in done.stderr


def logged(deployed: Deployed, file_id: str) -> list[str]:
    """What `make logs` shows of a file, once its partner was notified."""
    wait_until(lambda: notified(deployed, file_id), "the partner is notified")
    shown = subprocess.run(
        [sys.executable, "-m", "workbench.local_cloud", "logs"],
        cwd=ROOT, env=os.environ | {"STAGE": "local", "FILE_ID": file_id},
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert all(f" file_id={file_id} " in line for line in shown)
    return shown


def execution_name(row: Row) -> str:
    """The name of the execution that worked on a file."""
    arn = execution_of(row)
    assert arn is not None
    return arn.rpartition(":")[2]


def functions_of(shown: list[str]) -> set[str]:
    return {line.split()[1] for line in shown}


def test_one_files_way_can_be_followed_through_all_functions(
    deployed: Deployed, tmp_path: Path
) -> None:
    file = orders(tmp_path, LARGE)
    uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
    row = follow(deployed, uploaded.file_id, lambda: True)

    shown = logged(deployed, uploaded.file_id)

    assert functions_of(shown) == STEPS | {"NotifyPartner"}
    for line in shown:
        assert f"correlation_id={row['correlation_id']}" in line
        assert f"execution={execution_name(row)}" in line


def test_the_way_of_a_file_without_a_workflow_names_no_execution(
    deployed: Deployed, tmp_path: Path
) -> None:
    file = orders(tmp_path, 1)
    uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
    row = follow(deployed, uploaded.file_id, lambda: True)

    shown = logged(deployed, uploaded.file_id)

    assert functions_of(shown) == {"IntakeSmallFile", "NotifyPartner"}
    for line in shown:
        assert f"correlation_id={row['correlation_id']}" in line
        assert "execution=" not in line


def test_the_way_of_a_small_file_that_was_approved_names_its_execution_throughout(
    deployed: Deployed, tmp_path: Path
) -> None:
    file = orders(tmp_path, 1, price="30000.00")
    uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)

    def approve() -> bool:
        give_decision(deployed, uploaded.file_id, "approved", "a test")
        return True

    row = follow(deployed, uploaded.file_id, approve)

    shown = logged(deployed, uploaded.file_id)

    asked = {"IntakeSmallFile", "RequestApproval", "DecideApproval"}
    assert functions_of(shown) == asked | STEPS | {"NotifyPartner"}
    for line in shown:
        assert f"correlation_id={row['correlation_id']}" in line
        assert f"execution={execution_name(row)}" in line
