"""A file that was loaded with the rates of one day is closed with the same, days later."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.files.order_file import Row, read_row, upload
from operations.scenarios.outcome import disagreements, read_curated
from operations.services import faults as service_faults
from operations.services import rates
from tests.local_cloud.test_operations import run
from workbench.local_cloud.emulator import faults
from workbench.stages.waiting import wait_until

HEADER = "order_date,order_id,item,item_name,units,price,account,ship_to\n"
WORKFLOW = 900  # lines; more than the workflow's 64 KiB


def working_day(day: date) -> date:
    """The last day with rates of its own up to this one."""
    return day if day.weekday() < 5 else working_day(day - timedelta(days=1))


@pytest.fixture
def whole() -> Iterator[None]:
    """Everything works again afterwards."""
    yield
    faults.set_requests([])
    service_faults.set_rates_day(None)


def outcomes_of(file_id: str, outcome: str) -> list[Any]:
    """The details that the partners' webhook got of a file with this outcome."""
    return [
        each
        for each in service_faults.webhook_received()
        if (each["file_id"], each["outcome"]) == (file_id, outcome)
    ]


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("lines", [1, WORKFLOW], ids=["direct", "workflow"])
def test_retry_on_a_later_day_keeps_the_rates_of_the_load(
    deployed: Deployed, tmp_path: Path, lines: int
) -> None:
    # Given a file that is priced before its day has a rate, loaded, and then fails
    ordered = working_day(datetime.now(UTC).date())
    before = working_day(ordered - timedelta(days=1))
    row = (
        f"{ordered}T00:00:00,AS-{uuid.uuid4().hex[:12]},PUMP-4,Centrifugal pump,1,12.49,ACC-9,US\n"
    )
    file = tmp_path / f"{uuid.uuid4().hex}.csv"
    file.write_text(HEADER + row * lines)
    service_faults.set_rates_day(before)
    denied = {"service": "s3", "request": f"PUT /{deployed.bucket}/curated/*"}
    faults.set_requests([denied | {"times": 1000, "action": "deny"}])  # what passes is waited for
    uploaded = upload(deployed, f"incoming/atlas-supply/{file.name}", file)

    def is_failed() -> Row | None:
        found = read_row(deployed, uploaded.file_id)
        return found if found and found["status"] == "Failed" else None

    failed = wait_until(is_failed, "the file fails after its load", 120)
    assert failed
    assert failed["rates"]["rates"].keys() >= {before.isoformat()}

    # When it is run again once the day has its own rate
    faults.set_requests([])
    service_faults.set_rates_day(None)
    done = run("operations.commands.retry", FILE_ID=uploaded.file_id)
    assert done.returncode == 0, done.stdout + done.stderr

    # Then database, ledger, objects and event have the sums of the first rate
    accepted = read_row(deployed, uploaded.file_id)
    assert accepted
    first, later = (rates.rates_on(day, {"USD": 1.3362})["USD"] for day in (before, ordered))
    house = (Decimal("12.49") / Decimal(str(first))).quantize(Decimal("0.01"))
    assert house != (Decimal("12.49") / Decimal(str(later))).quantize(Decimal("0.01"))
    assert Decimal(accepted["house_total"]) == house * lines
    (reported,) = wait_until(lambda: outcomes_of(uploaded.file_id, "Accepted"), "the outcome", 60)
    stored = find_database(deployed).read(uploaded.file_id)
    assert disagreements(accepted, reported, read_curated(deployed, accepted), stored) == []
    assert stored
    assert stored.sums[0] == lines
