"""Which failures of the database pass, and that the priced lines fit its table."""

import re
import socket

import psycopg
import pytest

from order_intake.adapters import database, database_migrations
from order_intake.domain.errors import DatabaseRefused, DatabaseUnavailable
from order_intake.domain.results import COLUMNS
from tests.unit.fakes import FakeCloud

SCHEMA = database_migrations.FOLDER / "0001_orders.sql"


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (psycopg.errors.AdminShutdown(), DatabaseUnavailable),
        (psycopg.errors.DeadlockDetected(), DatabaseUnavailable),
        (psycopg.errors.QueryCanceled(), DatabaseUnavailable),
        (psycopg.errors.TooManyConnections(), DatabaseUnavailable),
        (psycopg.OperationalError("server closed the connection"), DatabaseUnavailable),
        (psycopg.InterfaceError("the connection is closed"), DatabaseUnavailable),
        (psycopg.OperationalError("FATAL: password authentication failed"), DatabaseRefused),
        (psycopg.OperationalError('FATAL: database "x" does not exist'), DatabaseRefused),
        (psycopg.errors.InsufficientPrivilege(), DatabaseRefused),
        (psycopg.errors.UndefinedTable(), DatabaseUnavailable),
        (psycopg.errors.UndefinedColumn(), DatabaseUnavailable),
        (psycopg.errors.ReadOnlySqlTransaction(), DatabaseUnavailable),
        (psycopg.errors.IdleInTransactionSessionTimeout(), DatabaseUnavailable),
        (psycopg.errors.UniqueViolation(), database.LoadIncomplete),
        (psycopg.errors.InvalidTextRepresentation("secret row"), database.LoadIncomplete),
        (psycopg.errors.SyntaxError(), psycopg.errors.SyntaxError),
        (psycopg.ProgrammingError("the query has 2 placeholders"), psycopg.ProgrammingError),
    ],
)
def test_failures_are_evaluated_and_quote_no_row(error: Exception, ours: type[Exception]) -> None:
    with pytest.raises(ours) as raised, database.named_errors():
        raise error
    assert "secret row" not in str(raised.value)


def test_an_operator_reads_which_error_of_the_database_it_was() -> None:
    with (
        pytest.raises(DatabaseUnavailable, match=r"DeadlockDetected 40P01$"),
        database.named_errors(),
    ):
        raise psycopg.errors.DeadlockDetected


def test_a_database_that_is_not_there_is_unavailable(cloud: FakeCloud) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens not
        cloud.secrets.values["arn"] = {
            "engine": "postgres",
            "host": "127.0.0.1",
            "port": taken.getsockname()[1],
            "dbname": "orders",
            "username": "order_intake",
            "password": "hunter2",
        }
        with pytest.raises(DatabaseUnavailable) as raised, database.connection("arn"):
            pass
    assert "hunter2" not in str(raised.value)
    # It was not the credentials: they are not read again.
    assert cloud.secrets.reads == 1


def test_the_priced_lines_are_the_tables_columns_after_the_file() -> None:
    table = re.search(r"TABLE IF NOT EXISTS order_line \((.*?)\n\);", SCHEMA.read_text(), re.S)
    assert table
    columns = re.findall(r"^    ([a-z_]+)\s", table[1], re.M)

    assert columns == ["file_id", *COLUMNS]


@pytest.mark.parametrize(
    ("host", "sslmode"), [("127.0.0.1", "disable"), ("db.example.com", "verify-full")]
)
def test_a_database_elsewhere_is_reached_over_tls_only(
    host: str, sslmode: str, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def connect(**options: str) -> None:
        asked.append(options["sslmode"])
        raise psycopg.OperationalError("not in a unit test")

    monkeypatch.setattr(psycopg, "connect", connect)
    cloud.secrets.values["arn"] = {
        "engine": "postgres",
        "host": host,
        "port": 5432,
        "dbname": "orders",
        "username": "order_intake",
        "password": "hunter2",
    }
    with pytest.raises(DatabaseUnavailable), database.connection("arn"):
        pass
    assert asked == [sslmode]
