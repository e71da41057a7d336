"""Migrations on a real PostgreSQL: each once, wholly, in order, and over a database of before."""

import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from operations.deployed import Deployed
from operations.services import postgres
from operations.services.database import BOOTSTRAP, secret
from order_intake.adapters import database, database_migrations, secrets
from order_intake.domain.errors import DatabaseRefused, DatabaseUnavailable

type Session = "psycopg.Connection[tuple[Any, ...]]"


@pytest.fixture
def administrator(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A database of this test's own, empty, as the server's administrator sees it.

    The secrets `owner` and `functions` lead the functions' own code to it.
    """
    name, port = f"test_{uuid.uuid4().hex[:12]}", postgres.port()
    known = {"owner": "database-owner", "functions": "database"}

    def read(arn: str, form: type[secrets.Database], *, fresh: bool = False) -> secrets.Database:
        return msgspec.convert(secret(deployed.stage, known[arn]) | {"dbname": name}, form)

    monkeypatch.setattr(secrets, "read", read)
    with postgres.connect_as_owner(port) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            with postgres.connect_as_owner(port, name) as connected:
                yield connected
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def ready(administrator: Session) -> Session:
    """The same, with what its administrator does once."""
    administrator.execute(BOOTSTRAP.read_bytes())
    return administrator


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations, for a test to add to."""
    copy = tmp_path / "migrations"
    shutil.copytree(database_migrations.FOLDER, copy)
    monkeypatch.setattr(database_migrations, "FOLDER", copy)
    return copy


def tables(administrator: Session) -> set[str]:
    found = administrator.execute(
        "SELECT relname, relowner::regrole::text FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    owners = {str(table): owner for table, owner in found.fetchall()}
    assert set(owners.values()) <= {"order_intake_owner"}
    return set(owners)


def test_an_empty_database_gets_all_of_them_once(ready: Session) -> None:
    assert database_migrations.migrate("owner") == database_migrations.names()
    assert database_migrations.migrate("owner") == []

    expected = {"order_file", "order_line", "partner_order", "schema_migration"}
    assert tables(ready) == expected
    ready.execute(BOOTSTRAP.read_bytes())  # once more changes nothing
    assert tables(ready) == expected


def test_a_database_of_before_keeps_what_it_has_and_gets_the_rest(administrator: Session) -> None:
    # As it was applied by hand, by the administrator, who then owned the tables.
    first = database_migrations.names()[0]
    administrator.execute((database_migrations.FOLDER / f"{first}.sql").read_bytes())
    for file_id, day in (("b" * 24, "2026-01-01"), ("a" * 24, "2026-01-02")):
        administrator.execute(
            "INSERT INTO order_file VALUES (%s, 'p', 'k', 1, 1, 1, 'GBP', 1, 'EUR', %s)",
            [file_id, day],
        )
        administrator.execute(
            "INSERT INTO order_line VALUES (%s, 2, 'A1', 's', NULL, 1, 1, 'GBP', 1, 1, 1,"
            " '2026-01-01', NULL, NULL, false)",
            [file_id],
        )
    administrator.execute(BOOTSTRAP.read_bytes())

    database_migrations.migrate("owner")

    assert tables(administrator) >= {"order_file", "order_line", "partner_order"}
    lines = administrator.execute("SELECT count(*) FROM order_line WHERE corrects_file IS NULL")
    assert lines.fetchone() == (2,)
    # An order that two files have brought belongs to the one that was loaded first.
    orders = administrator.execute("SELECT * FROM partner_order").fetchall()
    assert orders == [("p", "A1", "b" * 24)]
    same = "UPDATE order_file SET sha256 = repeat('0', 64)"
    with pytest.raises(psycopg.errors.UniqueViolation):
        administrator.execute(same)


def test_a_database_that_is_newer_than_the_code_is_refused(ready: Session) -> None:
    database_migrations.migrate("owner")
    ready.execute("INSERT INTO schema_migration VALUES ('9999_of_tomorrow')")

    with pytest.raises(database_migrations.DatabaseNewer) as refused:
        database_migrations.migrate("owner")

    assert "9999_of_tomorrow" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_migration_that_another_branch_brought_is_refused(ready: Session) -> None:
    database_migrations.migrate("owner")
    ready.execute("UPDATE schema_migration SET name = '0002_another' WHERE name LIKE '0002%'")

    with pytest.raises(database_migrations.DatabaseNewer, match="0002_another"):
        database_migrations.migrate("owner")


def test_a_migration_is_applied_wholly_or_not_at_all(ready: Session, folder: Path) -> None:
    number = len(database_migrations.names()) + 1
    new = folder / f"{number:04}_new.sql"
    new.write_text("CREATE TABLE new_one (); CREATE TABLE order_file ();")

    with pytest.raises(psycopg.errors.DuplicateTable):
        database_migrations.migrate("owner")

    assert "new_one" not in tables(ready)
    assert "partner_order" in tables(ready)
    new.write_text("CREATE TABLE new_one ();")
    assert database_migrations.migrate("owner") == [new.stem]
    assert "new_one" in tables(ready)


@pytest.mark.usefixtures("ready")
def test_two_deployments_at_once_apply_each_once(folder: Path) -> None:
    number = len(database_migrations.names()) + 1
    (folder / f"{number:04}_slow.sql").write_text("CREATE TABLE slow (); SELECT pg_sleep(0.2);")

    with ThreadPoolExecutor() as threads:
        applied = list(threads.map(database_migrations.migrate, ["owner", "owner"]))

    assert sorted(applied, key=len) == [[], database_migrations.names()]


@pytest.mark.usefixtures("ready")
def test_the_functions_role_migrates_nothing() -> None:
    with pytest.raises(DatabaseRefused):
        database_migrations.migrate("functions")


def test_a_database_without_its_roles_rights_is_refused(administrator: Session) -> None:
    with pytest.raises(DatabaseRefused):
        database_migrations.migrate("owner")
    assert tables(administrator) == set()


@pytest.mark.usefixtures("ready")
def test_a_load_waits_for_a_migration_that_is_still_to_come() -> None:
    with (
        pytest.raises(DatabaseUnavailable, match="make deploy"),
        database.connection("functions") as connected,
    ):
        connected.execute("SELECT * FROM order_file")
