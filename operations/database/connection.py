"""Asking the stage's database what it holds of a file; only where it can be reached from here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from operations.database import database_ca
from operations.deployed import Deployed
from workbench.stages.stage import PROJECT, Stage

CONNECT_SECONDS = 3

type Sums = tuple[int, Decimal, Decimal]
"""Lines, sum of the amounts, sum in the house currency."""


@dataclass(frozen=True)
class LoadedFile:
    """What the database holds of a file, and whether it is what its load was to bring."""

    sums: Sums
    is_whole: bool = True
    sha256: str | None = None
    left_out: Sums = (0, Decimal(0), Decimal(0))
    """Accepted, but not loaded: other files have brought these orders."""
    digest: str | None = None
    """Of all its lines (operations.reconciliation.contents); None where it was not asked for."""


@dataclass(frozen=True)
class Secret:
    """The secret that says where the database is; read for each session, as it may be rotated."""

    deployed: Deployed
    arn: str

    def connect(self) -> "psycopg.Connection":
        """A new session; raises psycopg.OperationalError when there can be none."""
        answer = self.deployed.stage.client("secretsmanager").get_secret_value(SecretId=self.arn)
        secret = json.loads(answer["SecretString"])
        return psycopg.connect(
            host=secret["host"],
            port=secret["port"],
            dbname=secret["dbname"],
            user=secret["username"],
            password=secret["password"],
            connect_timeout=CONNECT_SECONDS,
            **_trust(self.deployed),
        )


def _trust(deployed: Deployed) -> dict[str, Any]:
    """How the server is known; on loopback not at all."""
    if deployed.stage.is_local:
        return {"sslmode": "disable"}
    return {"sslmode": "verify-full", "sslrootcert": str(database_ca.file())}


@dataclass(frozen=True)
class Database:
    """The stage's database: whether there is one, its secret, and why it cannot be asked."""

    configured: bool
    secret: Secret | None
    unreachable: str = ""

    def read(self, file_id: str) -> LoadedFile | None:
        """What the database holds of a file; None when it cannot be asked."""
        if self.secret is None:
            return None
        with self.secret.connect() as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(amount), 0), coalesce(sum(house_amount), 0)"
                " FROM order_line WHERE file_id = %s",
                (file_id,),
            ).fetchone()
        return None if row is None else LoadedFile((row[0], row[1], row[2]))

    def read_all(self) -> dict[str, LoadedFile] | None:
        """What the database holds, by file id; None when it cannot be asked."""
        if self.secret is None:
            return None
        with self.secret.connect() as connection:
            rows = connection.execute(
                "SELECT order_file.file_id, lines, total, house_total,"
                " count(line), coalesce(sum(amount), 0), coalesce(sum(house_amount), 0),"
                " sha256, skipped_lines, skipped_total, skipped_house_total"
                " FROM order_file LEFT JOIN order_line USING (file_id) GROUP BY order_file.file_id"
            ).fetchall()
        return {row[0]: LoadedFile(row[4:7], row[1:4] == row[4:7], row[7], row[8:]) for row in rows}

    def lines_of(self, file_id: str) -> Iterator[dict[str, Any]]:
        """The loaded lines of a file, in order."""
        if self.secret is None:
            return
        with (
            self.secret.connect() as connection,
            connection.cursor("lines", row_factory=dict_row) as cursor,
        ):
            cursor.execute("SELECT * FROM order_line WHERE file_id = %s ORDER BY line", [file_id])
            yield from cursor

    def repeated_contents(self) -> list[list[str]]:
        """Files of one partner whose lines are the same, each group of them."""
        return [files for (files,) in self._ask(_REPEATED_CONTENTS)]

    def repeated_orders(self) -> list[tuple[str, list[str]]]:
        """Orders that several files of one partner have brought: (number, files).

        A file and its corrections count as one.
        """
        return [(invoice, files) for invoice, files in self._ask(_REPEATED_ORDERS)]

    def _ask(self, question: LiteralString) -> list[tuple[Any, ...]]:
        if self.secret is None:
            return []
        with self.secret.connect() as connection:
            return connection.execute(question).fetchall()


# Equal sums of hashes are equal lines in any order; rates and what follows from them may differ.
_REPEATED_CONTENTS: LiteralString = """
    SELECT array_agg(file_id ORDER BY loaded_at, file_id)
    FROM order_file JOIN (
        SELECT file_id, count(*) AS lines, sum(hash_record_extended(ROW(invoice, sku, description,
            quantity, unit_price, currency, ordered_at, customer, country), 0)) AS hash
        FROM order_line GROUP BY file_id
    ) content USING (file_id)
    GROUP BY partner, content.lines, content.hash HAVING count(*) > 1
"""
_REPEATED_ORDERS: LiteralString = """
    SELECT invoice, array_agg(DISTINCT file_id)
    FROM order_file JOIN order_line USING (file_id)
    GROUP BY partner, invoice HAVING count(DISTINCT coalesce(corrects, file_id)) > 1
"""


def secret_arn(stage: Stage) -> str | None:
    """Return the ARN of the database's secret; None where the stage has no database, or not yet."""
    path = f"/{PROJECT}/{stage.name}/secrets/database/arn"
    answer = stage.client("ssm").get_parameters(Names=[path])
    values = [str(item["Value"]) for item in answer["Parameters"]]
    return values[0] if values and values[0] != "none" else None


def find_database(deployed: Deployed) -> Database:
    """Return the stage's database, as the platform hands it over, tried once."""
    found = secret_arn(deployed.stage)
    if found is None:
        return Database(False, None, "this stage has no database")
    secret = Secret(deployed, found)
    try:
        secret.connect().close()
    except psycopg.OperationalError:
        return Database(True, None, "the database cannot be reached from here")
    return Database(True, secret)
