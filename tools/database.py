"""Asking the stage's database what it holds of a file; only where it can be reached from here."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from tools.deployed import Deployed

CONNECT_SECONDS = 3


@dataclass(frozen=True)
class LoadedFile:
    """What the database holds of a file: lines, sum of the amounts, sum in the house currency."""

    sums: tuple[int, Decimal, Decimal]


@dataclass(frozen=True)
class Database:
    """The stage's database: whether there is one, how to reach it, and why it cannot be asked."""

    configured: bool
    connection: dict[str, Any] | None
    unreachable: str = ""

    def read(self, file_id: str) -> LoadedFile | None:
        """What the database holds of a file; None when it cannot be asked."""
        if self.connection is None:
            return None
        with psycopg.connect(**self.connection, connect_timeout=CONNECT_SECONDS) as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(amount), 0), coalesce(sum(house_amount), 0)"
                " FROM order_line WHERE file_id = %s",
                (file_id,),
            ).fetchone()
        return None if row is None else LoadedFile((row[0], row[1], row[2]))


def find_database(deployed: Deployed) -> Database:
    """The stage's database, as the platform hands it over, tried once."""
    handed_over = deployed.stage.client("ssm").get_parameter(
        Name=f"/order-intake/{deployed.stage.name}/secrets/database/arn"
    )["Parameter"]["Value"]
    if handed_over == "none":
        return Database(False, None, "this stage has no database")
    secret = json.loads(
        deployed.stage.client("secretsmanager").get_secret_value(SecretId=handed_over)[
            "SecretString"
        ]
    )
    connection = {
        "host": secret["host"],
        "port": secret["port"],
        "dbname": secret["dbname"],
        "user": secret["username"],
        "password": secret["password"],
    }
    try:
        with psycopg.connect(**connection, connect_timeout=CONNECT_SECONDS):
            return Database(True, connection)
    except psycopg.OperationalError:
        return Database(True, None, "the database cannot be reached from here")
