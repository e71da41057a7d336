"""The orders database on the laptop's PostgreSQL, as its administrator makes it."""

import json
from typing import Any

import psycopg
from psycopg import sql

from operations.services import postgres
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT, Stage
from workbench.stages.visible import say

BOOTSTRAP = ROOT / "src" / "order_intake" / "migrations" / "bootstrap.sql"
SECRETS = ("database", "database-owner")


def secret(stage: Stage, name: str = "database") -> dict[str, Any]:
    """The database's secret: engine, host, port, dbname, username, password."""
    client = stage.client("secretsmanager")
    try:
        answer = client.get_secret_value(SecretId=f"{stage.prefix}/{name}")
    except client.exceptions.ResourceNotFoundException:
        raise UserError(
            f"stage {stage.name} has no database secret; deploy it with: make deploy"
        ) from None
    fields: dict[str, Any] = json.loads(answer["SecretString"])
    return fields


def connect_database(stage: Stage) -> None:
    """Make the database and its roles, with the passwords of the secrets; no table.

    Repeatable. It is what the administrator of a database on AWS does once.
    """
    if not stage.is_local:
        raise UserError("only the local stage's database is made here; see the README for your own")
    wanted = [secret(stage, name) for name in SECRETS]
    port, dbname = postgres.port(), wanted[0]["dbname"]
    if int(wanted[0]["port"]) != port:
        raise UserError("the database's secret is of another local cloud; run: make deploy")
    with postgres.connect_as_owner(port) as server:
        if not server.execute("select 1 from pg_database where datname = %s", [dbname]).fetchone():
            server.execute(sql.SQL("create database {}").format(sql.Identifier(dbname)))
    with postgres.connect_as_owner(port, dbname) as orders:
        orders.execute(BOOTSTRAP.read_bytes())
        for fields in wanted:
            set_password(orders, fields)


def set_password(server: "psycopg.Connection", wanted: dict[str, Any]) -> None:
    """Give a role its secret's password; what goes over the line is only the verifier."""
    name = wanted["username"]
    verifier = server.pgconn.encrypt_password(
        wanted["password"].encode(), name.encode(), b"scram-sha-256"
    ).decode()
    statement = sql.SQL("alter role {} login password {}")
    server.execute(statement.format(sql.Identifier(name), sql.Literal(verifier)))


def main() -> None:
    """Connect the local stage's database, as `make deploy` does."""
    connect_database(Stage.from_environment())
    say("the orders database has its roles; `make deploy` makes its tables")


if __name__ == "__main__":
    run(main)
