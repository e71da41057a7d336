"""`make reconcile` on the local cloud sees what is wrong; tests/faults that all is green."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from operations.commands.reconcile import LONG_AGO
from operations.database.connection import Database, find_database
from operations.deployed import Deployed
from operations.files.follow import follow
from operations.files.order_file import Uploaded, put
from operations.reconciliation.archive import read_archive
from operations.reconciliation.report import Reconciliation, by_file, check
from operations.scenarios.outcome import objects_below
from operations.services import postgres

HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis"


@pytest.fixture(scope="module")
def database(deployed: Deployed) -> Database:
    return find_database(deployed)


@pytest.fixture
def accepted(deployed: Deployed) -> Uploaded:
    """A file of one line that nobody else looks at, accepted and loaded."""
    name = uuid.uuid4().hex
    text = f"{HEADER}\nNW-{name};03.12.2010;K-1001;KLB-48;Klebeband 48 mm;2;10.25\n"
    uploaded = put(deployed, f"incoming/nordwind/{name}.csv", text.encode())
    assert follow(deployed, uploaded.file_id, lambda: False)["status"] == "Accepted"
    return uploaded


def reconciliation_of(deployed: Deployed, database: Database, uploaded: Uploaded) -> Reconciliation:
    return check(deployed, database, None, LONG_AGO, {uploaded.file_id})


def test_the_archive_tells_each_outcome_once(deployed: Deployed, accepted: Uploaded) -> None:
    now = datetime.now(UTC)
    events = by_file(read_archive(deployed, now - timedelta(minutes=10), now + timedelta(hours=1)))

    assert events is not None
    assert [e["detail-type"] for e in events[accepted.file_id]] == ["OrderFileAccepted"]


def test_a_curated_object_that_is_gone_is_seen(
    deployed: Deployed, database: Database, accepted: Uploaded
) -> None:
    assert reconciliation_of(deployed, database, accepted).balanced
    kept = objects_below(deployed, f"curated/nordwind/{accepted.file_id}/")
    [key] = [key for key in kept if key.endswith(".csv")]
    s3 = deployed.stage.client("s3")
    body = s3.get_object(Bucket=deployed.bucket, Key=key)["Body"].read()

    s3.delete_object(Bucket=deployed.bucket, Key=key)
    try:
        reconciled = reconciliation_of(deployed, database, accepted)
    finally:
        s3.put_object(Bucket=deployed.bucket, Key=key, Body=body)

    assert len(reconciled.problems) == 1
    assert "curated/ has" in reconciled.problems[0]


@pytest.fixture
def owner() -> Iterator[psycopg.Connection]:
    with postgres.connect_as_owner(postgres.port(), postgres.DATABASE) as connection:
        yield connection


def test_a_line_that_the_database_lacks_is_seen(
    deployed: Deployed, database: Database, accepted: Uploaded, owner: psycopg.Connection
) -> None:
    with owner.transaction(force_rollback=False):
        owner.execute(
            "CREATE TEMPORARY TABLE kept AS SELECT * FROM order_line WHERE file_id = %s",
            [accepted.file_id],
        )
        owner.execute("DELETE FROM order_line WHERE file_id = %s", [accepted.file_id])
    try:
        reconciled = reconciliation_of(deployed, database, accepted)
    finally:
        owner.execute("INSERT INTO order_line SELECT * FROM kept")

    assert len(reconciled.problems) == 1
    assert "the database has 0" in reconciled.problems[0]
    assert reconciliation_of(deployed, database, accepted).balanced


def test_a_content_that_is_there_twice_is_seen(
    deployed: Deployed, database: Database, accepted: Uploaded, owner: psycopg.Connection
) -> None:
    """Under another name and with other line numbers; counts and sums of both files are right."""
    again = uuid.uuid4().hex[:24]
    names = "partner, key, lines, orders, total, currency, house_total, house_currency"
    owner.execute(
        f"INSERT INTO order_file (file_id, {names}) SELECT %s, {names}"  # noqa: S608 - constants
        " FROM order_file WHERE file_id = %s",
        [again, accepted.file_id],
    )
    owner.execute(
        "CREATE TEMPORARY TABLE copied AS SELECT * FROM order_line WHERE file_id = %s",
        [accepted.file_id],
    )
    owner.execute("UPDATE copied SET file_id = %s, line = line + 100", [again])
    owner.execute("INSERT INTO order_line SELECT * FROM copied")
    try:
        reconciled = reconciliation_of(deployed, database, accepted)
    finally:
        for table in ("order_line", "order_file"):
            owner.execute(f"DELETE FROM {table} WHERE file_id = %s", [again])  # noqa: S608

    assert len(reconciled.problems) == 2
    assert reconciled.problems[0] == (
        f"the database has the same lines of one partner 2 times: {accepted.file_id}, {again}"
    )
    assert "1 orders are in the database from several files" in reconciled.problems[1]
    assert reconciliation_of(deployed, database, accepted).balanced


def test_a_line_that_is_another_one_is_seen_though_its_sums_are_right(
    deployed: Deployed, database: Database, accepted: Uploaded, owner: psycopg.Connection
) -> None:
    change = "UPDATE order_line SET sku = %s WHERE file_id = %s"
    owner.execute(change, ["OTHER", accepted.file_id])
    try:
        reconciled = reconciliation_of(deployed, database, accepted)
    finally:
        owner.execute(change, ["KLB-48", accepted.file_id])

    assert len(reconciled.problems) == 1
    assert "not those under curated/, though their sums are equal" in reconciled.problems[0]
