"""The orders database on the laptop's PostgreSQL, as its owner makes it."""

import json
from typing import Any

import psycopg
from psycopg import sql

from tools.errors import UserError
from tools.local_cloud import postgres
from tools.stage import ROOT, Stage, running_cloud

SCHEMA = ROOT / "src" / "order_intake" / "schema.sql"


def secret(stage: Stage) -> dict[str, Any]:
    """The database's secret: engine, host, port, dbname, username, password."""
    client = stage.client("secretsmanager")
    try:
        answer = client.get_secret_value(SecretId=f"{stage.prefix}/database")
    except client.exceptions.ResourceNotFoundException:
        raise UserError(
            f"stage {stage.name} has no database secret; deploy it with: make deploy"
        ) from None
    fields: dict[str, Any] = json.loads(answer["SecretString"])
    return fields


def connect_database(stage: Stage) -> None:
    """Make the database, the functions' role with the secret's password, and the schema.

    Repeatable. The tables belong to the server's owner; what the role may do, the schema says.
    """
    if not stage.is_local:
        raise UserError("only the local stage's database is made here; the README tells of yours")
    wanted = secret(stage)
    port = int(running_cloud()["database"]["port"])
    if int(wanted["port"]) != port:
        raise UserError("the database's secret is of another local cloud; run: make deploy")
    role, database = sql.Identifier(wanted["username"]), sql.Identifier(wanted["dbname"])
    with postgres.connect_as_owner(port) as server:
        set_role(server, wanted)
        if not server.execute(
            "select 1 from pg_database where datname = %s", [wanted["dbname"]]
        ).fetchone():
            server.execute(sql.SQL("create database {}").format(database))
        server.execute(sql.SQL("revoke all on database {} from public").format(database))
        # Temporary tables: a load that takes only the new orders sorts them out in one.
        grant = sql.SQL("grant connect, temporary on database {} to {}")
        server.execute(grant.format(database, role))
    with postgres.connect_as_owner(port, wanted["dbname"]) as orders:
        orders.execute(SCHEMA.read_bytes())


def set_role(server: "psycopg.Connection", wanted: dict[str, Any]) -> None:
    """Give the role the secret's password; what goes over the line is only its verifier."""
    name = wanted["username"]
    known = server.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone()
    verifier = server.pgconn.encrypt_password(
        wanted["password"].encode(), name.encode(), b"scram-sha-256"
    ).decode()
    statement = "alter role {} login password {}" if known else "create role {} login password {}"
    server.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(verifier)))
