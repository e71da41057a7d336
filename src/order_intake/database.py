"""The orders database: a file is loaded wholly or not at all, and once, however often it is tried.

The priced chunks go from the object store into COPY as they are; PostgreSQL parses and checks them.
Tables and grants: schema.sql.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from order_intake import secrets, uploads
from order_intake.errors import DatabaseRefused, DatabaseUnavailable, PermanentError
from order_intake.object_store import ObjectStore
from order_intake.results import COLUMNS, Totals
from order_intake.uploads import IncomingFile

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
CONNECT_SECONDS = 5
# A statement copies one chunk (2 MiB at most); a session that is left alone in a transaction (a
# function that was killed) is ended by the server, so that the next try does not wait for its lock.
SESSION = "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"

# Classes of SQLSTATE after which the same may succeed later: connection, transaction rollback
# (deadlock), resources, operator intervention (shutdown, timeout), system.
PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
# invalid password, invalid authorization, no such database, schema or table, no privilege
REFUSING_STATES = frozenset({"28P01", "28000", "3D000", "3F000", "42P01", "42501"})
# libpq tells no SQLSTATE when a session does not start, only the server's words.
REFUSING_WORDS = ("authentication failed", "does not exist")


class LoadIncomplete(PermanentError):
    """The database did not take exactly the accepted lines: nothing of the file was loaded."""


@contextmanager
def connection(secret_arn: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Open one connection with the credentials of the secret; what is not committed is undone.

    Credentials that are refused are read once more, past the cache (they may have been rotated).
    Raises DatabaseRefused when they are refused then, too, and DatabaseUnavailable when the
    database cannot be reached, or goes away, or is overloaded, inside the block.
    """
    opened = secrets.use(secret_arn, secrets.Database, connect, refused=DatabaseRefused)
    with judged(), opened:
        yield opened


def connect(secret: secrets.Database) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a session with exactly these credentials; raises as `connection` does."""
    with judged():
        return psycopg.connect(
            host=secret.host,
            port=secret.port,
            dbname=secret.dbname,
            user=secret.username,
            password=secret.password,
            sslmode="disable" if secret.host in LOOPBACK else "require",
            connect_timeout=CONNECT_SECONDS,
            client_encoding="utf8",  # of the priced chunks, whatever the server's default is
            options=SESSION,
            application_name="order-intake",
        )


@contextmanager
def judged() -> Iterator[None]:
    """Turn psycopg's errors into ours. Their texts may quote rows, so only the state is kept."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if state in REFUSING_STATES or (not state and _is_refusal(error)):
            raise DatabaseRefused(f"the database refuses: {_said(error)}") from None
        if state[:2] in PASSING_CLASSES or (not state and _is_about_connection(error)):
            raise DatabaseUnavailable(f"the database is not there: {_said(error)}") from None
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
            raise LoadIncomplete(f"the database rejects a line: {_said(error)}") from None
        raise


def load_file(
    secret_arn: str, store: ObjectStore, file: IncomingFile, count: int, totals: Totals
) -> bool:
    """Load the `count` priced chunks of a file from the object store; as `load`."""
    chunks = (store.blocks(uploads.priced_key(file.file_id, index)) for index in range(count))
    with connection(secret_arn) as database:
        return load(database, file, totals, chunks)


def load(
    database: psycopg.Connection[tuple[Any, ...]],
    file: IncomingFile,
    totals: Totals,
    chunks: Iterable[Iterable[bytes]],
) -> bool:
    """Load a file's lines in one transaction; False when they have been loaded already.

    `chunks` are its priced chunks, each a CSV with its header, as blocks of bytes. Raises
    LoadIncomplete when not exactly the accepted lines arrive, or when one of them is rejected.
    """
    with database.transaction(), database.cursor() as cursor:
        if not _insert_file(cursor, file, totals):
            return False
        cursor.execute("SELECT set_config('order_intake.file_id', %s, true)", [file.file_id])
        lines = sum(_copy(cursor, blocks) for blocks in chunks)
        if lines != totals.accepted:
            raise LoadIncomplete(
                f"{file.file_id}: {totals.accepted} lines were accepted, {lines} arrived"
            )
    return True


def count_lines(
    database: psycopg.Connection[tuple[Any, ...]], file_ids: list[str]
) -> dict[str, int]:
    """Count the loaded lines of each of these files; files that have none are left out."""
    found = database.execute(
        "SELECT file_id, count(*) FROM order_line WHERE file_id = ANY(%s) GROUP BY file_id",
        [file_ids],
    )
    return {str(file_id): int(lines) for file_id, lines in found.fetchall()}


def _insert_file(
    cursor: psycopg.Cursor[tuple[Any, ...]], file: IncomingFile, totals: Totals
) -> bool:
    facts = {
        "file_id": file.file_id,
        "partner": file.partner,
        "key": file.key,
        "lines": totals.accepted,
        "orders": totals.orders,
        "total": totals.total,
        "currency": totals.currency,
        "house_total": totals.house_total,
        "house_currency": totals.house_currency,
    }
    statement = sql.SQL("INSERT INTO order_file ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
        sql.SQL(", ").join(map(sql.Identifier, facts)),
        sql.SQL(", ").join(map(sql.Placeholder, facts)),
    )
    cursor.execute(statement, facts)
    return cursor.rowcount == 1


def _copy(cursor: psycopg.Cursor[tuple[Any, ...]], blocks: Iterable[bytes]) -> int:
    statement = sql.SQL("COPY order_line ({}) FROM STDIN (FORMAT csv, HEADER match)").format(
        sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    )
    with cursor.copy(statement) as copy:
        for block in blocks:
            copy.write(block)
    return cursor.rowcount


def _is_refusal(error: psycopg.Error) -> bool:
    return any(words in str(error) for words in REFUSING_WORDS)


def _is_about_connection(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _said(error: psycopg.Error) -> str:
    return f"{type(error).__name__} {error.sqlstate or ''}".strip()
