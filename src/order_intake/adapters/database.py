"""The orders database: a file is loaded wholly or not at all, and once, however often it is tried.

It is the last guard, whoever asks: a content is loaded once for a partner, an order is brought by
one file of a partner and its corrections, a refused line is corrected once.
The priced chunks go from the object store into COPY as they are; PostgreSQL parses and checks them.
Tables: migrations/, applied by database_migrations.py.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from order_intake.adapters import secrets
from order_intake.adapters.object_store import ObjectStore
from order_intake.domain import uploads
from order_intake.domain.errors import DatabaseRefused, DatabaseUnavailable, PermanentError
from order_intake.domain.lines import shortest
from order_intake.domain.results import (
    COLUMNS,
    NAMED_ORDERS,
    ContentThere,
    Figures,
    Loaded,
    LoadResult,
    Orders,
    OrdersThere,
    Totals,
)
from order_intake.domain.uploads import IncomingFile

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
CONNECT_SECONDS = 5
# A statement copies one chunk (2 MiB at most); a session that is left alone in a transaction (a
# function that was killed) is ended by the server, so that the next try does not wait for its lock.
# Neither strikes a COPY whose client is silent: a host that is lost is noticed by TCP, by the
# server within 10 + 3 * 5 s, and by us within as long, or 30 s where something was sent to it.
SESSION = (
    "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
LOST_SERVER: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
# AWS's certificates for RDS and RDS Proxy; part of the package where a stage has a database.
CA_FILE = Path(__file__).parents[1] / "database_ca.pem"

# Classes of SQLSTATE after which the same may succeed later: connection, transaction rollback
# (deadlock), resources, operator intervention (shutdown, timeout), system.
PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
# read only (while another server takes over), and a session that was left alone for too long
PASSING_STATES = frozenset({"25006", "25P03"})
# no such table or column: between the deployment of this code and that of its migrations
BEHIND_STATES = frozenset({"42P01", "42703"})
# invalid password, invalid authorization, no such database or schema, no privilege
REFUSING_STATES = frozenset({"28P01", "28000", "3D000", "3F000", "42501"})
# libpq tells no SQLSTATE when a session does not start, only the server's words.
REFUSING_WORDS = ("authentication failed", "does not exist")
UNTRUSTED_WORDS = ("certificate", "does not match host name", "does not support SSL")


NOTHING = Figures(0, 0, "0.00", "0.00")


class LoadIncomplete(PermanentError):
    """The database did not take exactly the accepted lines: nothing of the file was loaded."""


class LoadedDifferently(PermanentError):
    """An earlier try loaded this very file, with other counts or sums: theirs stand."""


class CorrectedBefore(PermanentError):
    """A correction brings a line that another correction has brought: nothing was loaded."""


class LoadRequest(msgspec.Struct, frozen=True):
    """How a file is to be loaded."""

    sha256: str | None = None
    """Its content, in hex. Without it (an execution of before contents were compared) nothing but
    the file itself is looked for, and its orders are noted, not compared."""
    corrects: str | None = None
    """The file whose refused lines it brings. It may add to that file's orders."""
    only_new: bool = False
    """Leave out the orders that are there already."""


@contextmanager
def connection(secret_arn: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Open one connection with the credentials of the secret; what is not committed is undone.

    Credentials that are refused are read once more, past the cache (they may have been rotated).
    Raises DatabaseRefused when they are refused then, too, and DatabaseUnavailable when the
    database cannot be reached, or goes away, or is overloaded, inside the block.
    """
    opened = secrets.use(secret_arn, secrets.Database, connect, refused=DatabaseRefused)
    with named_errors(), opened:
        yield opened


def connect(secret: secrets.Database) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a session with exactly these credentials; raises as `connection` does."""
    with named_errors():
        return psycopg.connect(
            host=secret.host,
            port=secret.port,
            dbname=secret.dbname,
            user=secret.username,
            password=secret.password,
            sslmode="disable" if secret.host in LOOPBACK else "verify-full",
            sslrootcert=str(CA_FILE),
            connect_timeout=CONNECT_SECONDS,
            **LOST_SERVER,
            client_encoding="utf8",  # of the priced chunks, whatever the server's default is
            options=SESSION,
            application_name="order-intake",
        )


@contextmanager
def named_errors() -> Iterator[None]:
    """Turn psycopg's errors into ours. Their texts may quote rows, so only the state is kept."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if not state and any(words in str(error) for words in UNTRUSTED_WORDS):
            raise DatabaseRefused(
                "the database's server is not trusted: no certificate for its host name by a "
                f"certification authority in {CA_FILE.name}"
            ) from None
        if state in REFUSING_STATES or (not state and _is_refusal(error)):
            raise DatabaseRefused(f"the database refuses: {_said(error)}") from None
        if state in BEHIND_STATES:
            raise DatabaseUnavailable(
                f"the database lacks a table or column, `make deploy` migrates it: {_said(error)}"
            ) from None
        passes = state[:2] in PASSING_CLASSES or state in PASSING_STATES
        if passes or (not state and _is_about_connection(error)):
            raise DatabaseUnavailable(f"the database is not there: {_said(error)}") from None
        if error.diag.constraint_name == "order_line_correction":
            raise CorrectedBefore("another correction has brought a line of this one") from None
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
            raise LoadIncomplete(f"the database rejects a line: {_said(error)}") from None
        raise


def load_file(
    secret_arn: str, store: ObjectStore, file: IncomingFile, count: int, totals: Totals
) -> bool:
    """Load the `count` priced chunks of a file whose content is not known; as `load`.

    False when an earlier try has loaded it.
    """
    answer = load_chunks(secret_arn, store, file, count, totals, LoadRequest())
    return not (isinstance(answer, Loaded) and answer.again)


def load_chunks(
    secret_arn: str,
    store: ObjectStore,
    file: IncomingFile,
    count: int,
    totals: Totals,
    request: LoadRequest,
) -> LoadResult:
    """Load the `count` priced chunks of a file from the object store; as `load`."""
    chunks = (store.blocks(uploads.priced_key(file.file_id, index)) for index in range(count))
    with connection(secret_arn) as database:
        return load(database, file, totals, chunks, request)


def load(
    database: psycopg.Connection[tuple[Any, ...]],
    file: IncomingFile,
    totals: Totals,
    chunks: Iterable[Iterable[bytes]],
    request: LoadRequest,
) -> LoadResult:
    """Load a file's lines in one transaction: all of them, those of the new orders, or nothing.

    `chunks` are its priced chunks, each a CSV with its header, as blocks of bytes; those of a
    correction have the column `corrects_line`, too. Raises LoadIncomplete when not exactly the
    accepted lines arrive or one of them is rejected, LoadedDifferently, and CorrectedBefore.
    """
    with database.transaction() as transaction, database.cursor() as cursor:
        loading = _Loading(cursor, file, totals, request)
        answer = loading.known() or loading.load(chunks)
        if not isinstance(answer, Loaded):
            raise psycopg.Rollback(transaction)
    return answer


def corrected_lines(
    database: psycopg.Connection[tuple[Any, ...]], file_id: str, lines: list[int]
) -> set[int]:
    """Give those of a file's refused `lines` that a correction has brought."""
    found = database.execute(
        "SELECT corrects_line FROM order_line WHERE corrects_file = %s AND corrects_line = ANY(%s)",
        [file_id, lines],
    )
    return {int(line) for (line,) in found.fetchall()}


def loaded_lines(
    database: psycopg.Connection[tuple[Any, ...]], file_id: str, lines: list[int]
) -> set[int]:
    """Give those of a file's `lines` that were loaded."""
    found = database.execute(
        "SELECT line FROM order_line WHERE file_id = %s AND line BETWEEN %s AND %s",
        [file_id, min(lines), max(lines)],
    )
    return {int(line) for (line,) in found.fetchall()}


def loaded_files(
    database: psycopg.Connection[tuple[Any, ...]], file_ids: list[str]
) -> dict[str, Figures]:
    """Give what was accepted of each of these files that is loaded, by the table of files.

    Lines are not counted: that would take a minute for some hundred large files.
    """
    found = database.execute(
        """
        SELECT file_id, lines + skipped_lines, orders + skipped_orders, total + skipped_total,
            house_total + skipped_house_total
        FROM order_file WHERE file_id = ANY(%s)
        """,
        [file_ids],
    )
    return {str(file_id): _figures(*sums) for file_id, *sums in found.fetchall()}


class _Loading:
    """One load inside its transaction.

    Copying is done at the same time as other loads; where orders are compared, those of a partner
    take turns, so that each sees all that the ones before it have brought.
    """

    def __init__(
        self,
        cursor: psycopg.Cursor[tuple[Any, ...]],
        file: IncomingFile,
        totals: Totals,
        request: LoadRequest,
    ) -> None:
        self._cursor = cursor
        self._totals = totals
        self._request = request
        self._file = {
            "file_id": file.file_id,
            "partner": file.partner,
            "key": file.key,
            "sha256": request.sha256,
            "corrects": request.corrects,
            "currency": totals.currency,
            "house_currency": totals.house_currency,
        }
        # A correction's orders belong to the file that it corrects.
        self._given = self._file | {"owner": request.corrects or file.file_id}

    def known(self) -> Loaded | ContentThere | None:
        """Look whether the file or its content is there; raises LoadedDifferently."""
        for row in self._cursor.execute(_KNOWN_FILES, self._given).fetchall():
            file_id, *sums = row
            same = sums[:6] == self._accepted()
            if file_id != self._given["file_id"]:
                return ContentThere(file_id, same)
            if not same:
                raise LoadedDifferently(
                    f"{file_id}: loaded before with (lines, orders, sums) {_words(sums[:4])}, "
                    f"now it has {_words(self._accepted()[:4])}"
                )
            return Loaded(_figures(*sums[6:10]), _figures(*sums[10:]), again=True)
        return None

    def load(self, chunks: Iterable[Iterable[bytes]]) -> LoadResult:
        """Load what is not known."""
        self._cursor.execute(_SESSION_OF_FILE, self._given)
        return self._load_new(chunks) if self._request.only_new else self._load_all(chunks)

    def _load_all(self, chunks: Iterable[Iterable[bytes]]) -> LoadResult:
        everything = _figures(*self._accepted()[:4])
        if not self._insert_file(everything, NOTHING):
            return self._known_by_now()
        self._copy("order_line", chunks)
        self._cursor.execute(_TAKE_TURN, self._given)
        orders, added = self._add_orders("order_line")
        if added < orders and self._request.sha256:
            there = self._orders_there()
            if there.same.count or there.changed.count:
                return there
        return Loaded(everything, NOTHING)

    def _load_new(self, chunks: Iterable[Iterable[bytes]]) -> LoadResult:
        self._cursor.execute(_INCOMING_LINES)
        self._copy("incoming_line", chunks)
        self._cursor.execute(_TAKE_TURN, self._given)
        self._add_orders("incoming_line")
        sums = {kept: rest for kept, *rest in self._cursor.execute(_KEPT_AND_NOT, self._given)}
        kept, left_out = (_figures(*sums[one]) if one in sums else NOTHING for one in (True, False))
        if not self._insert_file(kept, left_out):
            return self._known_by_now()
        self._cursor.execute(_INSERT_KEPT, self._given)
        return Loaded(kept, left_out)

    def _accepted(self) -> list[Any]:
        """Counts, sums and currencies of the lines that were accepted."""
        totals = self._totals
        sums = [Decimal(totals.total), Decimal(totals.house_total)]
        return [totals.accepted, totals.orders, *sums, totals.currency, totals.house_currency]

    def _insert_file(self, loaded: Figures, skipped: Figures) -> bool:
        """Note the file; False when it or its content is there, brought at the same time."""
        facts = self._file | msgspec.structs.asdict(loaded)
        facts |= {f"skipped_{name}": sum_ for name, sum_ in msgspec.structs.asdict(skipped).items()}
        statement = sql.SQL("INSERT INTO order_file ({}) VALUES ({}) ON CONFLICT DO NOTHING")
        names = sql.SQL(", ").join(map(sql.Identifier, facts))
        values = sql.SQL(", ").join(map(sql.Placeholder, facts))
        self._cursor.execute(statement.format(names, values), facts)
        return self._cursor.rowcount == 1

    def _known_by_now(self) -> Loaded | ContentThere:
        known = self.known()
        if known is None:
            raise DatabaseUnavailable("another load of the file or its content began and is gone")
        return known

    def _copy(self, table: str, chunks: Iterable[Iterable[bytes]]) -> None:
        """Copy all chunks as they are; raises LoadIncomplete."""
        columns = (*COLUMNS, "corrects_line") if self._request.corrects else COLUMNS
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER match)").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        lines = 0
        for blocks in chunks:
            with self._cursor.copy(statement) as copy:
                for block in blocks:
                    copy.write(block)
            lines += self._cursor.rowcount
        if lines != self._totals.accepted:
            file_id, accepted = self._given["file_id"], self._totals.accepted
            raise LoadIncomplete(f"{file_id}: {accepted} lines were accepted, {lines} arrived")

    def _add_orders(self, table: str) -> tuple[int, int]:
        """Note the orders that are not there yet: how many the file has, and how many are new."""
        statement = sql.SQL(_ADD_ORDERS).format(sql.Identifier(table))
        (found,) = self._cursor.execute(statement, self._given).fetchall()
        return found[0], found[1]

    def _orders_there(self) -> OrdersThere:
        """Sort the file's orders, copied and noted, by what other files have brought of them."""
        rows = self._cursor.execute(_ORDERS_THERE, self._given | {"named": NAMED_ORDERS})
        found = {state: Orders(count, invoices) for state, count, invoices in rows.fetchall()}
        none = Orders(0, [])
        return OrdersThere(
            **{state: found.get(state, none) for state in ("new", "same", "changed")}
        )


def _figures(lines: int, orders: int, total: Decimal, house_total: Decimal) -> Figures:
    return Figures(lines, orders, str(shortest(total)), str(house_total))


def _words(sums: list[Any]) -> str:
    return " / ".join(str(one) for one in sums)


_KNOWN_FILES = """
    SELECT file_id,
        lines + skipped_lines, orders + skipped_orders, total + skipped_total,
        house_total + skipped_house_total, currency, house_currency,
        lines, orders, total, house_total,
        skipped_lines, skipped_orders, skipped_total, skipped_house_total
    FROM order_file
    WHERE file_id = %(file_id)s OR (partner = %(partner)s AND sha256 = %(sha256)s)
    ORDER BY file_id <> %(file_id)s
"""
_SESSION_OF_FILE = """
    SELECT set_config('order_intake.file_id', %(file_id)s, true),
        set_config('order_intake.corrects', coalesce(%(corrects)s, ''), true)
"""
# The statements that come then are about a whole file: ten million lines take a minute or two.
_TAKE_TURN = """
    SELECT set_config('statement_timeout', '300s', true),
        pg_advisory_xact_lock(hashtextextended('order_intake.partner ' || %(partner)s, 0))
"""
_ADD_ORDERS = """
    WITH mine AS MATERIALIZED (SELECT DISTINCT invoice FROM {} WHERE file_id = %(file_id)s),
    added AS (
        INSERT INTO partner_order (partner, invoice, file_id)
        SELECT %(partner)s, invoice, %(owner)s FROM mine
        ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT (SELECT count(*) FROM mine), (SELECT count(*) FROM added)
"""
_INCOMING_LINES = """
    CREATE TEMPORARY TABLE incoming_line (LIKE order_line INCLUDING DEFAULTS) ON COMMIT DROP
"""
_KEPT_AND_NOT = """
    SELECT noted.file_id = %(owner)s, count(*), count(DISTINCT line.invoice), sum(line.amount),
        sum(line.house_amount)
    FROM incoming_line line JOIN partner_order noted USING (invoice)
    WHERE noted.partner = %(partner)s
    GROUP BY 1
"""
_INSERT_KEPT = """
    INSERT INTO order_line
    SELECT line.* FROM incoming_line line JOIN partner_order noted USING (invoice)
    WHERE noted.partner = %(partner)s AND noted.file_id = %(owner)s
"""
# Equal sums of hashes are equal lines in any order. Rates and what follows from them may differ.
_LINES_OF_ORDER = sql.SQL("""
    count(*) AS lines,
    sum(hash_record_extended(ROW(line.sku, line.description, line.quantity, line.unit_price,
        line.currency, line.ordered_at, line.customer, line.country, line.credit_note), 0)) AS hash
""")
_ORDERS_THERE = sql.SQL("""
    WITH mine AS MATERIALIZED (
        SELECT line.invoice, {lines_of_order} FROM order_line line
        WHERE line.file_id = %(file_id)s GROUP BY line.invoice
    ),
    met AS MATERIALIZED (
        SELECT noted.invoice, noted.file_id FROM mine JOIN partner_order noted USING (invoice)
        WHERE noted.partner = %(partner)s AND noted.file_id <> %(owner)s
    ),
    files AS MATERIALIZED (
        SELECT file_id, coalesce(corrects, file_id) AS owner FROM order_file
        WHERE partner = %(partner)s
            AND coalesce(corrects, file_id) IN (SELECT met.file_id FROM met)
    ),
    there AS (
        SELECT line.invoice, {lines_of_order}
        FROM files JOIN order_line line USING (file_id)
        JOIN met ON met.invoice = line.invoice AND met.file_id = files.owner
        GROUP BY line.invoice
    )
    SELECT
        CASE WHEN met.invoice IS NULL THEN 'new'
            WHEN mine.lines = there.lines AND mine.hash = there.hash THEN 'same'
            ELSE 'changed' END AS state,
        count(*), (array_agg(mine.invoice ORDER BY mine.invoice))[:%(named)s]
    FROM mine LEFT JOIN met USING (invoice) LEFT JOIN there USING (invoice)
    GROUP BY state
""").format(lines_of_order=_LINES_OF_ORDER)


def _is_refusal(error: psycopg.Error) -> bool:
    return any(words in str(error) for words in REFUSING_WORDS)


def _is_about_connection(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _said(error: psycopg.Error) -> str:
    return f"{type(error).__name__} {error.sqlstate or ''}".strip()
