"""Large files in an account that runs ten functions at once, as a new one does."""

import base64
import json
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.local_cloud import emulator
from tests.local_cloud.emulator import ENDED
from tests.workflow.executions import Bench
from tests.workflow.samples import event, file_of
from tests.workflow.test_paths import REGISTERED, script
from workbench.local_cloud import processes
from workbench.stages.waiting import wait_until

FILES, CHUNKS = 8, 40
NEW_ACCOUNT = 10  # concurrent calls
SCALE = 0.05
SECONDS = 2.0  # that PriceChunk takes for a chunk


@pytest.fixture
def new_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A MiniStack of its own with the limit of a new account, and functions that pretend."""
    folder = tmp_path_factory.mktemp("new-account")
    running, process = emulator.start(
        folder, SFN_WAIT_SCALE=SCALE, LAMBDA_ACCOUNT_CONCURRENCY=NEW_ACCOUNT
    )
    yield Bench(running, folder)
    processes.kill_group(process.pid)
    process.wait()


def test_files_wait_for_each_other_and_none_fails(new_account: Bench) -> None:
    client = new_account.emulator.client("stepfunctions")
    bucket, machine = new_account.bucket, new_account.machine(())
    assert new_account.table
    assert new_account.queue
    chunks = json.dumps([{"index": number} for number in range(CHUNKS)])
    new_account.emulator.client("s3").put_object(Bucket=bucket, Key="many.json", Body=chunks)
    manifest = {"bucket": bucket, "key": "many.json"}
    said = script(
        RegisterFile={"returns": REGISTERED | {"chunks": CHUNKS, "manifest": manifest}},
        PriceChunk={"returns": {"index": 0, "accepted": 1}, "seconds": SECONDS * SCALE},
    )

    executions = []
    for number in range(FILES):
        text = base64.urlsafe_b64encode(json.dumps(said | {"as": number}).encode()).decode()
        notification = event(f"incoming/nordwind/{text}.csv", bucket)
        terms = {"approval_threshold": {"S": "100.00"}, "tolerance": {"S": "0.01"}}
        key = f"file#{file_of(notification)['file_id']}"
        new_account.emulator.client("dynamodb").put_item(
            TableName=new_account.table, Item={"pk": {"S": key}, "terms": {"M": terms}}
        )
        started = client.start_execution(
            stateMachineArn=machine, name=f"e-{uuid.uuid4().hex}", input=json.dumps(notification)
        )
        executions.append(started["executionArn"])

    def ends() -> Counter[str] | None:
        found = [client.describe_execution(executionArn=one)["status"] for one in executions]
        return Counter(found) if set(found) <= ENDED else None

    assert wait_until(ends, "all files have their outcome", 240) == {"SUCCEEDED": FILES}
    priced = sum(
        len(noted.read_text().splitlines()) for noted in new_account.notes.glob("*PriceChunk*")
    )
    assert priced >= FILES * CHUNKS
