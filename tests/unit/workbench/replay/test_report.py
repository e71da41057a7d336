from dataclasses import replace
from pathlib import Path

import pytest

from operations.deployed import Deployed
from operations.scenarios import totals
from operations.scenarios.session import IntakeSession
from operations.scenarios.uploads import Upload, UploadFile, UploadOutcome
from workbench.replay import report
from workbench.replay.kinds.bus_events import BusEvent, RulesExpected
from workbench.replay.result import Result
from workbench.replay.scenarios import Scenario
from workbench.stages.stage import LOCAL_ACCOUNT, Stage

SEEN = UploadOutcome(
    rules=("LargeFileUploaded",),
    route="workflow",
    outcome="Accepted",
    lines_in=1000,
    accepted=990,
    refused={"price_not_positive": 10},
    orders=40,
    total="1234.5",
    currency="GBP",
    house_total="1434.21",
    curated_lines=990,
)


def upload(tmp_path: Path, differences: list[str]) -> Result:
    path = tmp_path / "orders_[of]_today.csv"
    path.write_text("InvoiceNo\n")
    scenario: Scenario = Upload(path, UploadFile("online-retail", SEEN))
    return Result(
        scenario,
        "LargeFileUploaded",
        "RegisterFile → PriceChunks ×7 → Accepted",
        "Accepted",
        2.5,
        differences,
        SEEN,
        "0123456789abcdef01234567",
    )


def session() -> IntakeSession:
    """A session that has seen nothing, and asks nobody."""
    found = object.__new__(IntakeSession)
    found.deployed = Deployed(Stage("local"), LOCAL_ACCOUNT)
    return found


def event(tmp_path: Path) -> Result:
    scenario = BusEvent(tmp_path / "bus" / "told.json", "orders", RulesExpected(()))
    return Result(scenario, "none", "asked the rules", "ignored", 0.1)


def test_the_last_line_counts_and_decides_the_exit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = upload(tmp_path, []), upload(tmp_path, ["route: expected direct, got workflow"])

    assert report.verdict([good, good]) == 0
    assert report.verdict([good, bad]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "replayed 2, as expected 2, differ 0",
        "replayed 2, as expected 1, differ 1",
    ]


def test_a_difference_is_shown_below_its_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.progress(upload(tmp_path, ["route: expected direct, got workflow"]))

    first, second = capsys.readouterr().out.splitlines()
    assert "DIFFERS" in first
    assert "orders_[of]_today" in first
    assert second.strip() == "route: expected direct, got workflow"


def test_the_closing_report_tells_way_sums_and_where_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.closing(session(), [upload(tmp_path, []), event(tmp_path)], 12.0)

    reported = capsys.readouterr().out
    for expected in (
        "online-retail/orders_[of]_today.csv",
        "RegisterFile → PriceChunks ×7 → Accepted",
        "1,000 in, 990 accepted, 10 refused (price_not_positive 10)",
        "1,234.50 GBP",
        "1,434.21",
        "make approve FILE_ID=",
        "curated/online-retail/0123456789abcdef01234567/",
    ):
        assert expected in reported


def test_the_closing_report_has_typical_ways_and_at_most_60_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = upload(tmp_path, [])
    others = [
        replace(good, outcome=outcome, rule=rule, seconds=seconds)
        for outcome in ("Accepted", "Rejected", "Declined", "Duplicate")
        for rule in ("LargeFileUploaded", "SmallFileUploaded")
        for seconds in (4.0, 3.0)
    ]
    several = [good, *others, *[event(tmp_path)] * 30]

    report.closing(session(), several, 12.0)
    short = capsys.readouterr().out
    report.closing(session(), several, 12.0, full=True)
    full = capsys.readouterr().out

    assert len(short.splitlines()) <= 60
    blocks = [line for line in short.splitlines() if "→  " in line]
    assert len(blocks) == 5
    assert all(any(outcome in line for line in blocks) for outcome in ("Declined", "Duplicate"))
    assert "Accepted  2.5 s  and 2 more like it" in blocks[0]
    assert full.count("orders_[of]_today.csv") == len(others) + 1
    assert full.count("bus/told.json") == 30


def test_the_closing_report_names_all_differences_but_too_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.closing(session(), [upload(tmp_path, [f"lines: {n}" for n in range(20)])], 12.0)

    reported = capsys.readouterr().out
    assert "lines: 0" in reported
    assert reported.count("lines: ") == report.MOST_DIFFERENCES
    assert "and 8 more; the page has all" in reported


@pytest.mark.parametrize(
    ("amount", "text"), [("180667.75", "180,667.75"), ("5", "5.00"), ("1.125", "1.12")]
)
def test_money_has_thousands_and_cents(amount: str, text: str) -> None:
    assert totals.money(amount) == text
