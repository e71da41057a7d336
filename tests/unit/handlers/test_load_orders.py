"""LoadOrders: hands the priced chunks to the database, once."""

import csv
import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_intake.adapters import database
from order_intake.adapters.ledger import ClosedOtherwise
from order_intake.domain.errors import DatabaseUnavailable
from order_intake.handlers import curate_file
from order_intake.handlers.load_orders import handler
from order_intake.pipeline import loading
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import (
    BAD,
    GOOD,
    HEADER,
    Database,
    Put,
    context,
    file_id_of,
    priced,
    upload_in,
)


def test_a_file_is_loaded_once(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)

    answer = {"status": "loaded", "lines": 2, "left_out": 0}
    assert handler(payload, context()) == answer | {"already_loaded": False}
    assert handler(payload, context()) == answer | {"already_loaded": True}
    assert cloud.row(payload["file"]["file_id"])["loaded"] is True


def test_a_correction_whose_line_another_has_brought_is_refused(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def corrected_before(*_: Any) -> None:
        raise database.CorrectedBefore("another correction has brought a line of this one")

    payload = priced(started, cloud)
    monkeypatch.setattr(database, "load_chunks", corrected_before)

    answer: Any = handler(payload, context())

    assert (answer["status"], answer["reason"]) == ("refused", "corrected_before")
    assert cloud.row(payload["file"]["file_id"])["loaded"] is False


def test_who_lost_the_file_loads_nothing(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)
    cloud.row(payload["file"]["file_id"])["claimed_by"] = "another"

    with pytest.raises(ClosedOtherwise):
        handler(payload, context())
    assert not orders_database.lines


def test_a_content_that_went_to_another_upload_meanwhile_is_not_loaded(
    cloud: FakeCloud, started: dict[str, Any], put: Put, orders_database: Database
) -> None:
    payload = priced(started, cloud)
    file_id = payload["file"]["file_id"]
    cloud.row(file_id)["claim_expires_at"] = 0
    other = put(HEADER + GOOD * 2 + BAD, "incoming/online-retail/again.csv")
    priced(upload_in(other) | {"claimant": "execution-2"}, cloud)

    answers: list[Any] = [handler(payload, context()) for _ in range(2)]

    assert [one["status"] for one in answers] == ["duplicate"] * 2
    assert answers[0] == answers[1]
    assert answers[0]["announcement"]["detail"]["duplicate_of"] == file_id_of(other)
    assert cloud.row(file_id)["status"] == "Duplicate"
    assert not orders_database.lines


NEW = GOOD.replace(b"536365", b"536399")
CHANGED = GOOD.replace(b",6,", b",7,")


@pytest.fixture
def overlapping(
    cloud: FakeCloud, started: dict[str, Any], put: Put, orders_database: Database
) -> dict[str, Any]:
    """A file of which an accepted one has brought an order with other lines; the other is new."""
    handler(priced(started, cloud), context())
    again = put(HEADER + NEW + CHANGED * 2, "incoming/online-retail/again.csv")
    return priced(upload_in(again) | {"claimant": "execution-2"}, cloud)


def test_orders_that_are_there_are_a_question_and_nothing_is_loaded(
    cloud: FakeCloud, overlapping: dict[str, Any], orders_database: Database
) -> None:
    file_id = overlapping["file"]["file_id"]

    assert handler(overlapping, context()) == {"status": "orders_there"}

    assert file_id not in orders_database.lines
    row = cloud.row(file_id)
    assert row["loaded"] is False
    assert row["orders_there"]["new"] == {"count": 1, "invoices": ["536399"]}
    assert row["orders_there"]["same"]["count"] == 0
    assert row["orders_there"]["changed"] == {"count": 1, "invoices": ["536365"]}


def test_only_the_new_orders_are_loaded_when_a_person_says_so(
    cloud: FakeCloud, overlapping: dict[str, Any], orders_database: Database
) -> None:
    file_id = overlapping["file"]["file_id"]
    handler(overlapping, context())

    answer = {"status": "loaded", "lines": 1, "left_out": 2}
    only_new = overlapping | {"only_new": True}
    assert handler(only_new, context()) == answer | {"already_loaded": False}
    assert handler(only_new, context()) == answer | {"already_loaded": True}

    row = cloud.row(file_id)
    assert (row["loaded"], row["orders_compared"]) == (True, True)
    assert row["left_out"] == {
        "lines": 2, "orders": 1, "total": "35.70", "house_total": "41.48",
        "changed": 1, "changed_orders": ["536365"],
    }  # fmt: skip


def test_what_is_curated_is_what_was_loaded(
    cloud: FakeCloud, overlapping: dict[str, Any], orders_database: Database
) -> None:
    file_id = overlapping["file"]["file_id"]
    handler(overlapping, context())
    handler(overlapping | {"only_new": True}, context())

    answer: Any = curate_file.handler(overlapping | {"approval": None}, context())

    [lines, note] = cloud.s3.objects(f"curated/online-retail/{file_id}/").values()
    priced_lines = cloud.s3.objects(f"work/{file_id}/priced/").popitem()[1]
    assert lines.splitlines() == priced_lines.splitlines()[:2]
    assert msgspec.json.decode(note)["left_out"]["lines"] == 2
    detail = answer["announcement"]["detail"]
    assert (detail["accepted"], detail["left_out"]["lines"]) == (3, 2)
    assert detail["left_out"]["changed_orders"] == ["536365"]
    assert detail["orders_compared"] is True


@given(st.lists(st.text(max_size=5), min_size=1, max_size=6))
def test_rows_that_are_kept_stay_as_they_were_written(texts: list[str]) -> None:
    written = io.StringIO(newline="")
    rows = [[str(line), text, ""] for line, text in enumerate(texts)]
    csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_NOTNULL).writerows(rows)

    assert "".join(loading.rows_of(written.getvalue())) == written.getvalue()
    assert len(list(loading.rows_of(written.getvalue()))) == len(rows)


def test_an_execution_of_the_definition_before_claimants_loads_too(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)
    del payload["claimant"]

    assert handler(payload, context())["lines"] == 2


def test_an_outage_leaves_it_unknown_whether_the_file_is_loaded(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    payload = priced(started, cloud)
    assert cloud.row(payload["file"]["file_id"])["loaded"] is False
    orders_database.down(1)

    with pytest.raises(DatabaseUnavailable):
        handler(payload, context())
    assert "loaded" not in cloud.row(payload["file"]["file_id"])


def test_an_outage_goes_up_by_its_name(
    cloud: FakeCloud, started: dict[str, Any], orders_database: Database
) -> None:
    orders_database.down(1)
    with pytest.raises(DatabaseUnavailable):
        handler(priced(started, cloud), context())
