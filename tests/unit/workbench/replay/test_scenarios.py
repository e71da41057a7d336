from pathlib import Path

import pytest

from operations.scenarios.uploads import Upload, UploadOutcome
from workbench.replay import scenarios
from workbench.replay.kinds.bus_events import BusEvent
from workbench.replay.kinds.schedules import ScheduledCall
from workbench.replay.scenarios import find_scenarios
from workbench.stages.errors import UserError

UPLOAD = """
partner = "nordwind"
decision = "approved"

[expect]
rules = ["SmallFileUploaded"]
outcome = "Accepted"
refused = { price_invalid = 2 }
"""


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my project" / "events"
    functions = ("functions/DailyReconciliation", "functions/PriceChunk")
    for name in ("uploads", "faults", "bus", *functions):
        (folder / name).mkdir(parents=True)
    monkeypatch.setattr(scenarios, "EVENTS", folder)
    monkeypatch.setattr(scenarios, "FAULTS", folder / "faults")
    return folder


def put(folder: Path, name: str, toml: str, content: str = "a;b\n") -> Path:
    path = folder / name
    path.write_text(content)
    path.with_suffix(".toml").write_text(toml)
    return path


def test_each_folder_has_its_own_kind_of_scenario(events: Path) -> None:
    put(events, "uploads/orders.csv", UPLOAD)
    put(events, "bus/told.json", 'bus = "orders"\n[expect]\nrules = []\n')
    put(
        events,
        "functions/DailyReconciliation/due.json",
        'schedule = "DailyReconciliation"\n[expect.payload]\nuploads = 0\nfindings = 0\n',
    )
    put(events, "functions/PriceChunk/chunk.json", '[expect]\nerrorType = "InvalidInput"\n')

    kinds = [type(one) for one in find_scenarios([])]

    assert kinds == [BusEvent, ScheduledCall, Upload]


def test_an_upload_reads_with_all_that_has_expectation(events: Path) -> None:
    path = put(events, "uploads/orders.csv", UPLOAD)

    (upload,) = find_scenarios([path])

    assert isinstance(upload, Upload)
    assert (upload.name, upload.key) == ("orders", "incoming/nordwind/orders.csv")
    assert (upload.file.decision, upload.file.earlier) == ("approved", None)
    assert upload.expect == UploadOutcome(
        rules=("SmallFileUploaded",), outcome="Accepted", refused={"price_invalid": 2}
    )


def test_a_file_grows_as_its_toml_says(events: Path) -> None:
    toml = "last_line_times = 3\npadding = 4\n" + UPLOAD
    path = put(events, "uploads/orders.csv", toml, "a;b\n1;<padding>\n")

    (upload,) = find_scenarios([path])

    assert isinstance(upload, Upload)
    assert upload.content == b"a;b\n1;xxxx\n1;xxxx\n1;xxxx\n"


def test_an_earlier_upload_may_have_another_name_and_another_content(events: Path) -> None:
    toml = 'earlier = { file = "older.csv", name = "a b.csv", outcome = "Accepted" }\n' + UPLOAD
    path = put(events, "uploads/orders.csv", toml)
    (events / "uploads" / "older.csv").write_text("older\n")

    (upload,) = find_scenarios([path])

    assert isinstance(upload, Upload)
    assert upload.key == "incoming/nordwind/orders.csv"
    assert upload.earlier_key == "incoming/nordwind/a b.csv"
    assert upload.earlier_content == b"older\n"


def test_what_breaks_things_is_replayed_only_when_it_is_named(events: Path) -> None:
    path = put(events, "faults/orders.csv", UPLOAD)
    put(events, "uploads/orders.csv", UPLOAD)

    assert [one.path.parent.name for one in find_scenarios([])] == ["uploads"]
    assert [one.path for one in find_scenarios([events / "faults"])] == [path]


def test_a_scenario_is_found_by_its_toml_too_and_only_once(events: Path) -> None:
    path = put(events, "uploads/orders.csv", UPLOAD)

    assert len(find_scenarios([path, path.with_suffix(".toml"), events / "uploads"])) == 1


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ('partner = "nordwind"\n', "expect"),
        ('partner = "nordwind"\n[expect]\nrules = []\nlines = 3\n', "lines"),
        ('partner = "nordwind"\n[expect]\nrules = "one"\n', "rules"),
        ("partner = \n", "orders.toml"),
    ],
)
def test_a_toml_that_does_not_read_is_named(events: Path, toml: str, complaint: str) -> None:
    put(events, "uploads/orders.csv", toml)

    with pytest.raises(UserError, match=complaint) as refused:
        find_scenarios([])

    assert "orders.toml" in str(refused.value)


def test_a_file_without_its_outcome_is_refused(events: Path) -> None:
    path = events / "uploads" / "orders.csv"
    path.write_text("a;b\n")

    with pytest.raises(UserError, match=r"orders\.toml"):
        find_scenarios([path])


def test_an_outcome_without_its_file_is_refused(events: Path) -> None:
    (events / "uploads" / "orders.toml").write_text(UPLOAD)

    with pytest.raises(UserError, match="exactly one"):
        find_scenarios([])


def test_paths_that_are_not_there_or_not_events_are_refused(events: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("a;b\n")

    with pytest.raises(UserError, match="no such file"):
        find_scenarios([events / "uploads" / "missing.csv"])
    with pytest.raises(UserError, match="make send"):
        find_scenarios([own])
    with pytest.raises(UserError, match="no scenario"):
        find_scenarios([events / "bus"])
