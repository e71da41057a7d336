"""After everything that the tests did: the stage reconciles, and what its functions asked for."""

import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from operations.deployed import Deployed
from operations.files.follow import follow
from operations.files.order_file import Uploaded, put, read_row
from operations.reconciliation.archive import read_archive
from operations.services import postgres
from order_intake.domain.results import Totals
from order_intake.domain.uploads import IncomingFile
from workbench.permissions import asked
from workbench.replay.kinds.schedules import call_schedule, iso
from workbench.stages.stage import ROOT

FILE = """\
Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis
NW-{name};03.12.2010;K-1001;KLB-48;Klebeband 48 mm;2;10.25
"""


def command(module: str) -> list[str]:
    """Run a command on the stage; its lines, once it has succeeded."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT, env=os.environ | {"STAGE": "local"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def differing(deployed: Deployed) -> tuple[Uploaded, dict[str, Any]]:
    """A file that was loaded with another sum, and what the reconciliation answered meanwhile."""
    name = uuid.uuid4().hex
    uploaded = put(deployed, f"incoming/nordwind/{name}.csv", FILE.format(name=name).encode())
    assert follow(deployed, uploaded.file_id, lambda: False)["status"] == "Accepted"
    since = datetime.now(UTC) - timedelta(minutes=1)
    port = postgres.port()
    with postgres.connect_as_owner(port, postgres.DATABASE) as owner:
        add = "UPDATE order_file SET total = total + %s WHERE file_id = %s"
        owner.execute(add, [1, uploaded.file_id])
        try:
            soon = datetime.now(UTC) + timedelta(seconds=1)  # S3's times are whole seconds
            _, answer = call_schedule(
                deployed, "DailyReconciliation", **{"from": iso(since), "to": iso(soon)}
            )
        finally:
            owner.execute(add, [-1, uploaded.file_id])
    return uploaded, answer


def test_the_reconciliation_announces_a_file_that_differs(
    deployed: Deployed, differing: tuple[Uploaded, dict[str, Any]]
) -> None:
    uploaded, answer = differing
    now = datetime.now(UTC)
    events = read_archive(deployed, now - timedelta(minutes=10), now + timedelta(hours=1))

    assert answer["findings"] >= 1
    found = [each["detail"] for each in events if each["detail-type"] == "ReconciliationFinding"]
    kinds = [each["kind"] for each in found if each["file_id"] == uploaded.file_id]
    assert kinds == ["ledger_and_database_differ"]


@pytest.mark.usefixtures("deployed")
def test_the_whole_stage_reconciles() -> None:
    assert command("operations.commands.reconcile")[-1].endswith("balanced")


def call(deployed: Deployed, function: str, payload: dict[str, Any]) -> None:
    deployed.stage.client("lambda").invoke(
        FunctionName=f"{deployed.stage.prefix}-{function}", Payload=json.dumps(payload)
    )


def call_what_is_rarely_called(deployed: Deployed, uploaded: Uploaded) -> None:
    """The daily pass from where it was, and a load whose claim was lost."""
    call(deployed, "DailyReconciliation", {"scheduled_at": datetime.now(UTC).isoformat()})
    row = read_row(deployed, uploaded.file_id)
    assert row is not None
    fields = IncomingFile.__struct_fields__
    file = {name: row[name] if name != "size" else int(row[name]) for name in fields}
    totals = {
        name: None if row.get(name) is None else str(row[name]) for name in Totals.__struct_fields__
    }
    counts = {name: int(row[name]) for name in ("lines_in", "accepted", "orders")}
    call(
        deployed,
        "LoadOrders",
        {
            "file": file,
            "execution": "nobody",
            "claimant": "nobody",
            "chunks": 1,
            "totals": totals | counts | {"refused": {}},
        },
    )


def test_functions_ask_for_what_is_kept_of_them_and_for_nothing_else(
    deployed: Deployed, differing: tuple[Uploaded, dict[str, Any]]
) -> None:
    """The checks of permissions without a cloud believe tests/recorded_actions.txt."""
    call_what_is_rarely_called(deployed, differing[0])
    if asked.unseen(asked.recorded()):  # this test runs by itself
        command("workbench.replay")
        command("operations.commands.rotate")
    recorded = asked.recorded()

    assert asked.refused() == []
    assert asked.unknown(recorded) == []
    assert asked.unseen(recorded) == []
