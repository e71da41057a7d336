"""Asking the stage's database what it holds of a file; only where it can be reached from here."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from tools import database_ca
from tools.deployed import Deployed

CONNECT_SECONDS = 3

type Sums = tuple[int, Decimal, Decimal]
"""Lines, sum of the amounts, sum in the house currency."""


@dataclass(frozen=True)
class LoadedFile:
    """What the database holds of a file, and whether it is what its load was to bring."""

    sums: Sums
    is_whole: bool = True


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
                " count(line), coalesce(sum(amount), 0), coalesce(sum(house_amount), 0)"
                " FROM order_file LEFT JOIN order_line USING (file_id) GROUP BY order_file.file_id"
            ).fetchall()
        return {row[0]: LoadedFile(row[4:], row[1:4] == row[4:]) for row in rows}


def find_database(deployed: Deployed) -> Database:
    """The stage's database, as the platform hands it over, tried once."""
    handed_over = deployed.stage.client("ssm").get_parameter(
        Name=f"/order-intake/{deployed.stage.name}/secrets/database/arn"
    )["Parameter"]["Value"]
    if handed_over == "none":
        return Database(False, None, "this stage has no database")
    secret = Secret(deployed, handed_over)
    try:
        secret.connect().close()
    except psycopg.OperationalError:
        return Database(True, None, "the database cannot be reached from here")
    return Database(True, secret)
