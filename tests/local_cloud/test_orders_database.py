"""Loading into the local cloud's PostgreSQL: wholly or not at all, once, by the functions' role."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from order_intake import aws_clients, database, secrets
from order_intake.errors import DatabaseRefused, DatabaseUnavailable, ServiceBusy
from order_intake.results import COLUMNS, Totals
from order_intake.uploads import IncomingFile
from tools.deployed import Deployed
from tools.local_cloud import postgres
from tools.stage import Stage

HEADER = (",".join(COLUMNS) + "\r\n").encode()


def lines(first: int, count: int) -> bytes:
    """Priced lines as PriceChunk writes them: quotes and line ends within, no customer."""
    return b"".join(
        b'%d,536365,85123A,"a ""white"", heart\nof two lines",6,2.5500,GBP,15.30,0.86075,17.78,'
        b"2010-12-01T08:26:00,,United Kingdom,f\r\n" % line
        for line in range(first, first + count)
    )


def totals(accepted: int) -> Totals:
    return Totals(accepted, accepted, {}, 1, "15.30", "GBP", "17.78", "EUR")


@pytest.fixture
def arn(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the name of the database's secret, read by the functions' own code."""
    client = Stage("local").client("secretsmanager")
    monkeypatch.setattr(aws_clients, "secrets_manager", lambda: client)
    secrets.forget()
    yield f"{Stage('local').prefix}/database"
    secrets.forget()


@pytest.fixture
def owner(arn: str) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    secret = secrets.read(arn, secrets.Database)
    with postgres.connect_as_owner(secret.port, secret.dbname) as connected:
        yield connected


@pytest.fixture
def file(owner: "psycopg.Connection[tuple[Any, ...]]") -> Iterator[IncomingFile]:
    """Give a file of this test's own, and remove what was loaded of it."""
    file_id = uuid.uuid4().hex[:24]
    yield IncomingFile(
        file_id, "uploads", "incoming/p/a.csv", "v1", "p", 1, "2026-03-02T12:00:00Z", "direct", "c"
    )
    for table in ("order_line", "order_file"):
        owner.execute(f"DELETE FROM {table} WHERE file_id = %s", [file_id])  # noqa: S608


def load(arn: str, file: IncomingFile, accepted: int, *chunks: Any) -> bool:
    with database.connection(arn) as connected:
        return database.load(connected, file, totals(accepted), chunks)


def loaded(arn: str, file: IncomingFile) -> int:
    with database.connection(arn) as connected:
        return database.count_lines(connected, [file.file_id]).get(file.file_id, 0)


def test_a_file_is_loaded_once_in_all_its_chunks(arn: str, file: IncomingFile) -> None:
    first, second = HEADER + lines(2, 3), HEADER + lines(9, 2)
    chunks = [[first[:100], first[100:]], [second], [HEADER]]

    assert load(arn, file, 5, *chunks) is True
    assert load(arn, file, 5, *chunks) is False
    assert loaded(arn, file) == 5


def broken_off() -> Iterator[bytes]:
    yield HEADER + lines(2, 1)
    raise ServiceBusy("s3: the stream broke off")


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        ([HEADER + lines(2, 2)], database.LoadIncomplete),
        ([HEADER + lines(2, 1) + lines(2, 1) + lines(3, 1)], database.LoadIncomplete),
        ([HEADER + lines(2, 3).replace(b"17.78", b"many")], database.LoadIncomplete),
        ([b"another,header\r\n" + lines(2, 3)], database.LoadIncomplete),
        (broken_off(), ServiceBusy),
    ],
)
def test_a_load_that_fails_leaves_nothing_and_can_be_done_again(
    arn: str, file: IncomingFile, chunk: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        load(arn, file, 3, chunk)

    assert loaded(arn, file) == 0
    assert load(arn, file, 3, [HEADER + lines(2, 3)]) is True


def test_a_session_that_is_ended_in_the_middle_passes(
    arn: str, file: IncomingFile, owner: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    def load_and_be_ended() -> None:
        with database.connection(arn) as connected:
            process = connected.info.backend_pid

            def interrupted() -> Iterator[bytes]:
                yield HEADER + lines(2, 1)
                owner.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
                yield lines(3, 2)

            database.load(connected, file, totals(3), [interrupted()])

    with pytest.raises(DatabaseUnavailable):
        load_and_be_ended()

    assert loaded(arn, file) == 0


def test_a_rotated_password_is_read_anew(
    arn: str, file: IncomingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = secrets.read(arn, secrets.Database)
    wrong = secrets.Database(
        right.engine, right.host, right.port, right.dbname, right.username, "of yesterday"
    )
    reads: list[bool] = []

    def read(arn: str, form: Any, *, fresh: bool = False) -> secrets.Database:
        reads.append(fresh)
        return right if fresh else wrong

    monkeypatch.setattr(secrets, "read", read)

    assert loaded(arn, file) == 0
    assert reads == [False, True]

    right = wrong
    with pytest.raises(DatabaseRefused):
        loaded(arn, file)


def test_the_functions_role_can_change_and_delete_nothing(arn: str, file: IncomingFile) -> None:
    load(arn, file, 1, [HEADER + lines(2, 1)])

    for statement in ("DELETE FROM order_line", "UPDATE order_line SET quantity = 0"):
        with pytest.raises(DatabaseRefused), database.connection(arn) as connected:
            connected.execute(statement)
