"""The database's password is rotated while files are loading, and nothing fails."""

import json
import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.files.follow import follow
from operations.files.order_file import Row, upload
from workbench.stages.stage import ROOT

HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis\n"
ROW = "NW-{};02.12.2010;K-1;A-1;Palette nach Hamburg, Lieferung frei Haus;2;10.25\n"


def rotate() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "operations.commands.rotate"],
        cwd=ROOT, env=os.environ | {"STAGE": "local"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def secret(deployed: Deployed) -> dict[str, str]:
    answer = deployed.stage.client("secretsmanager").get_secret_value(
        SecretId=f"{deployed.stage.prefix}/database"
    )
    found: dict[str, str] = json.loads(answer["SecretString"])
    return found


def log_in(fields: dict[str, str]) -> None:
    psycopg.connect(
        host=fields["host"], port=fields["port"], dbname=fields["dbname"],
        user=fields["username"], password=fields["password"], connect_timeout=5,
    ).close()  # fmt: skip


def test_two_users_take_turns_and_the_one_before_stays_valid(deployed: Deployed) -> None:
    first = secret(deployed)

    reported = rotate()

    second = secret(deployed)
    assert {first["username"], second["username"]} == {"order_intake", "order_intake_clone"}
    assert f"rotated: {second['username']} is the current user" in reported
    assert second["password"] not in reported
    log_in(first)
    log_in(second)
    rotate()
    with pytest.raises(psycopg.OperationalError):
        log_in(first)


def test_nothing_fails_while_files_are_loading(deployed: Deployed, tmp_path: Path) -> None:
    def send(number: int) -> Row:
        file = tmp_path / f"{uuid.uuid4().hex}.csv"
        lines = 1000 if number % 4 == 0 else 2  # every fourth goes through the workflow
        file.write_text(HEADER + "".join(ROW.format(uuid.uuid4().hex) for _ in range(lines)))
        uploaded = upload(deployed, f"incoming/nordwind/{file.name}", file)
        return follow(deployed, uploaded.file_id, lambda: False)

    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(send, number) for number in range(16)]
        # Three times: credentials that a function keeps are then refused, and read once more.
        for _ in range(3):
            rotate()
        rows = [one.result() for one in sent]

    assert {row["status"] for row in rows} == {"Accepted"}
    assert {row["run"] for row in rows} == {1}
    stored = find_database(deployed)
    for row in rows:
        loaded = stored.read(row["file_id"])
        assert loaded is not None
        assert loaded.sums[0] == row["accepted"]


def test_the_users_may_change_nothing_but_the_others_password(deployed: Deployed) -> None:
    fields = secret(deployed)
    (other,) = {"order_intake", "order_intake_clone"} - {fields["username"]}
    with psycopg.connect(
        host=fields["host"], port=fields["port"], dbname=fields["dbname"],
        user=fields["username"], password=fields["password"], autocommit=True,
    ) as session:  # fmt: skip
        for statement in (
            f"ALTER ROLE {other} PASSWORD 'x'",
            "CREATE ROLE another",
            "SELECT set_other_password('a password, and no verifier')",
            "DELETE FROM order_line",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement.encode())
