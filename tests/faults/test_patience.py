"""What services that are away or full cost: time, and no file. Waits are scaled as they say."""

import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import psycopg
from psycopg import sql

from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.files.order_file import FINAL, Uploaded, put
from operations.reconciliation.reading import read_ledger
from operations.services import database, postgres
from operations.services import faults as service_faults
from tests.faults.order_files import HEADER, line
from workbench.local_cloud.emulator import faults
from workbench.stages.waiting import wait_until

FILES = int(os.environ.get("PATIENCE_FILES", "1000"))
SENDERS = 4
CONNECTIONS, TAKEN = 20, 19
NEW_ACCOUNT = 10  # concurrent calls
SCALE = 0.01
LARGE = 1500  # lines; more than the workflow's 64 KiB


def files(deployed: Deployed, count: int, lines: int = 1) -> list[Uploaded]:
    """Upload so many new files of nordwind's, each with so many good lines of its own order."""

    def send(_: int) -> Uploaded:
        name = uuid.uuid4().hex
        content = HEADER + line(name) * lines
        return put(deployed, f"incoming/nordwind/{name}.csv", content.encode())

    with ThreadPoolExecutor(SENDERS) as senders:
        return list(senders.map(send, range(count)))


def outcomes(deployed: Deployed, uploads: list[Uploaded], limit: float) -> Counter[str]:
    """How the files end, once all of them have."""
    ids = {one.file_id for one in uploads}

    def ended() -> Counter[str] | None:
        time.sleep(0.5)  # reading the whole ledger takes from the files' time
        rows = [row for name, row in read_ledger(deployed).items() if name in ids]
        done = Counter(str(row["status"]) for row in rows if row["status"] in FINAL)
        return done if done.total() == len(ids) else None

    return wait_until(ended, "every file has its outcome", limit) or Counter()


@contextmanager
def account_of(limit: int) -> Iterator[None]:
    """An account in which so many functions run at once."""
    try:
        faults.set_concurrency(limit)
        yield
    finally:
        faults.set_concurrency(0)


@contextmanager
def crowded_database(deployed: Deployed) -> Iterator[None]:
    """A database with CONNECTIONS for the functions' user, of which others hold TAKEN.

    The local cloud runs four functions at a time: they would never fill twenty by themselves.
    """
    port = postgres.port()
    secret = database.secret(deployed.stage)
    limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
    user = sql.Identifier(secret["username"])
    with postgres.connect_as_owner(port) as owner, ExitStack() as stack:
        owner.execute(limit.format(user, CONNECTIONS))
        stack.callback(owner.execute, limit.format(user, -1))
        for _ in range(TAKEN):
            session = psycopg.connect(
                host=secret["host"], port=secret["port"], dbname=secret["dbname"],
                user=secret["username"], password=secret["password"],
            )  # fmt: skip
            stack.callback(session.close)
        yield


def test_a_burst_of_small_files_meets_a_database_that_is_full(deployed: Deployed) -> None:
    with account_of(NEW_ACCOUNT), crowded_database(deployed):
        uploads = files(deployed, FILES)
        ended = outcomes(deployed, uploads, 60 + FILES)

    assert ended == {"Accepted": FILES}
    rows = read_ledger(deployed)
    assert any(rows[one.file_id]["route"] == "workflow" for one in uploads), "it refused nobody"
    stored = find_database(deployed)
    loaded = [stored.read(one.file_id) for one in uploads]
    assert [each and each.sums[0] for each in loaded] == [1] * FILES


def test_files_outlast_ten_minutes_without_a_database(deployed: Deployed) -> None:
    faults.set_wait_scale(SCALE)
    back = threading.Timer(600 * SCALE, service_faults.start_database)
    try:
        service_faults.stop_database()
        uploads = [*files(deployed, 10), *files(deployed, 2, LARGE)]
        back.start()
        ended = outcomes(deployed, uploads, 120)
    finally:
        back.cancel()
        service_faults.start_database()
        faults.set_wait_scale(None)

    assert ended == {"Accepted": len(uploads)}


def test_partners_hear_of_everything_after_an_hour_without_a_webhook(deployed: Deployed) -> None:
    faults.set_wait_scale(SCALE)
    try:
        service_faults.set_outside(webhook={"fail_next": 1_000_000})
        uploads = files(deployed, 10)
        assert outcomes(deployed, uploads, 120) == {"Accepted": len(uploads)}
        threading.Event().wait(3600 * SCALE)
        ids = {one.file_id for one in uploads}
        assert not ids & delivered()
        service_faults.set_outside(webhook={})
        wait_until(lambda: ids <= delivered(), "the partner is notified of every file", 120)
    finally:
        service_faults.set_outside(webhook={})
        faults.set_wait_scale(None)


def delivered() -> set[str]:
    """The files that the partners' webhook was notified of."""
    return {str(one.get("file_id")) for one in service_faults.webhook_received()}
