"""The direct route, from the S3 event to the outcome, over services in memory."""

import io
import threading
import time
from typing import Any

import msgspec
import pytest

from order_intake import deadline
from order_intake.domain.errors import (
    DatabaseUnavailable,
    InvalidInput,
    RatesUnavailable,
    ServiceBusy,
)
from order_intake.handlers.intake_small_file import handler
from order_intake.pipeline import steps
from tests.unit.fakes import FakeCloud, client_error
from tests.unit.handlers.conftest import (
    BAD,
    GOOD,
    HEADER,
    LARGE,
    MACHINE,
    Database,
    Put,
    context,
    file_id_of,
)

pytestmark = pytest.mark.usefixtures("rates", "orders_database")


def outcomes(cloud: FakeCloud) -> list[str]:
    return [entry["DetailType"] for entry in cloud.events.put]


def test_a_good_file_is_accepted(cloud: FakeCloud, put: Put, orders_database: Database) -> None:
    event = put(HEADER + GOOD * 3)
    file_id = file_id_of(event)

    answer = handler(event, context())

    assert answer == {"file_id": file_id, "outcome": "Accepted"}
    assert orders_database.lines == {file_id: 3}
    curated = f"curated/online-retail/{file_id}"
    assert list(cloud.s3.versions)[-2:] == [f"{curated}/00000.csv", f"{curated}/complete.json"]
    assert not cloud.s3.objects("quarantine/")
    [detail] = cloud.events.details("OrderFileAccepted")
    assert detail["lines_in"] == detail["accepted"] == 3
    assert (detail["total"], detail["house_total"]) == ("45.90", "53.34")
    assert (detail["route"], detail["loaded"], detail["orders"]) == ("direct", True, 1)
    row = cloud.row(file_id)
    assert (row["status"], row["announced"], row["chunks"]) == ("Accepted", True, 1)
    assert row["closed_at"] == detail["closed_at"]


def test_refused_lines_within_the_tolerance_are_kept_apart(cloud: FakeCloud, put: Put) -> None:
    event = put(HEADER + GOOD * 120 + BAD)

    assert handler(event, context())["outcome"] == "Accepted"

    kept = cloud.s3.objects("quarantine/")
    [refused] = [body for key, body in kept.items() if key.endswith(".jsonl")]
    assert b"price_not_positive" in refused
    [detail] = cloud.events.details("OrderFileAccepted")
    assert detail["refused"] == {"price_not_positive": 1}


@pytest.mark.parametrize(
    ("body", "key", "reason"),
    [
        (HEADER + GOOD + BAD, "incoming/online-retail/a.csv", "too_many_refused_lines"),
        (b"a,b\n1,2\n", "incoming/online-retail/a.csv", "wrong_header"),
        (b"", "incoming/online-retail/a.csv", "empty_file"),
        (HEADER + GOOD, "incoming/nobody/a.csv", "unknown_partner"),
        (HEADER + GOOD * 2000, "incoming/online-retail/a.csv", "too_large"),
    ],
)
def test_a_file_at_fault_is_rejected(
    cloud: FakeCloud, put: Put, body: bytes, key: str, reason: str
) -> None:
    event = put(body, key)
    file_id = file_id_of(event)

    assert handler(event, context())["outcome"] == "Rejected"

    [detail] = cloud.events.details("OrderFileRejected")
    assert detail["reason"] == reason
    assert detail["explanation"]
    partner = key.split("/")[1]
    assert f"quarantine/{partner}/{file_id}/reason.json" in cloud.s3.objects("quarantine/")
    assert cloud.row(file_id)["status"] == "Rejected"
    assert not cloud.s3.objects("curated/")


def test_a_file_above_the_maximum_is_not_read(cloud: FakeCloud, put: Put) -> None:
    handler(put(HEADER + GOOD * 2000), context())

    assert cloud.s3.reads == 0


def test_the_same_content_again_is_a_duplicate(cloud: FakeCloud, put: Put) -> None:
    first = put(HEADER + GOOD)
    handler(first, context("a"))

    assert handler(put(HEADER + GOOD, "incoming/online-retail/b.csv"), context("b"))["outcome"] == (
        "Duplicate"
    )

    [detail] = cloud.events.details("OrderFileDuplicate")
    assert detail["duplicate_of"] == file_id_of(first)


def resent(put: Put) -> dict[str, Any]:
    return put(HEADER + GOOD, "incoming/online-retail/again.csv")


def test_a_file_that_failed_after_its_load_keeps_its_content_and_is_loaded_once(
    cloud: FakeCloud, put: Put, orders_database: Database
) -> None:
    first = put(HEADER + GOOD)
    cloud.fail("copy_object", *[ValueError("a bug")] * 3)
    for _ in range(3):
        with pytest.raises(ValueError, match="a bug"):
            handler(first, context("a"))
    assert cloud.events.details("OrderFileFailed")[0]["loaded"] is True

    again = resent(put)
    assert handler(again, context("b"))["outcome"] == "Duplicate"
    # `make retry`, or the call that lies in the dead-letter queue.
    assert handler(first, context("c"))["outcome"] == "Accepted"

    assert orders_database.lines == {file_id_of(first): 1}
    assert cloud.events.details("OrderFileDuplicate")[0]["duplicate_of"] == file_id_of(first)


def test_a_file_whose_load_may_have_been_done_keeps_its_content(
    cloud: FakeCloud, put: Put, orders_database: Database
) -> None:
    first = put(HEADER + GOOD)
    orders_database.faults += [ValueError("a bug")] * 3
    for _ in range(3):
        with pytest.raises(ValueError, match="a bug"):
            handler(first, context("a"))

    assert cloud.events.details("OrderFileFailed")[0]["loaded"] is None
    assert handler(resent(put), context("b"))["outcome"] == "Duplicate"


def test_a_file_that_failed_before_its_load_gives_its_content_up(
    cloud: FakeCloud, put: Put, rates: list[Exception]
) -> None:
    first = put(HEADER + GOOD)
    rates += [ValueError("a bug")] * 3
    for _ in range(3):
        with pytest.raises(ValueError, match="a bug"):
            handler(first, context("a"))

    assert cloud.events.details("OrderFileFailed")[0]["loaded"] is False
    assert handler(resent(put), context("b"))["outcome"] == "Accepted"
    assert handler(first, context("c"))["outcome"] == "Duplicate"


def test_a_correct_file_that_a_wrong_profile_rejected_is_accepted_when_it_comes_again(
    cloud: FakeCloud, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = steps.profile_of
    with monkeypatch.context() as wrong:
        wrong.setattr(
            steps,
            "profile_of",
            lambda file: msgspec.structs.replace(right(file), date_format="%d.%m.%Y"),
        )
        assert handler(put(HEADER + GOOD), context("a"))["outcome"] == "Rejected"

    assert handler(resent(put), context("b"))["outcome"] == "Accepted"


def test_a_content_whose_first_upload_is_stuck_is_not_lost(
    cloud: FakeCloud, put: Put, rates: list[Exception]
) -> None:
    first = put(HEADER + GOOD)
    rates.append(ServiceBusy("stands for a kill: nobody comes back to the file"))
    with pytest.raises(ServiceBusy):
        handler(first, context("a"))
    assert handler(resent(put), context("b"))["outcome"] == "Duplicate"

    cloud.row(file_id_of(first))["claim_expires_at"] = 0  # some time later
    late = put(HEADER + GOOD, "incoming/online-retail/third.csv")
    assert handler(late, context("c"))["outcome"] == "Accepted"


def test_a_file_with_orders_that_are_there_goes_to_the_workflow(
    cloud: FakeCloud, put: Put, orders_database: Database
) -> None:
    """A partner corrects a line and sends the whole file again: a person is asked."""
    handler(put(HEADER + GOOD * 2), context("a"))
    event = put(HEADER + GOOD.replace(b",6,", b",7,") + GOOD, "incoming/online-retail/b.csv")

    assert handler(event, context("b"))["outcome"] == "handed_over"

    assert cloud.step_functions.started == {f"handover-{file_id_of(event)}": event}
    assert file_id_of(event) not in orders_database.lines
    assert cloud.row(file_id_of(event))["loaded"] is False


CORRECTED_HEADER = HEADER.replace(b"\n", b",refused_line\n")


def correction(put: Put, first: dict[str, Any], *lines: bytes, name: str = "a.csv") -> Any:
    key = f"incoming/online-retail/corrections/{file_id_of(first)}/{name}"
    return put(CORRECTED_HEADER + b"".join(lines), key)


def corrected(line: int, quantity: int = 6) -> bytes:
    row = BAD.replace(b"-1.00", b"1.00").replace(b",6,", b",%d," % quantity)
    return row.replace(b"\n", b",%d\n" % line)


@pytest.fixture
def with_refused_lines(cloud: FakeCloud, put: Put) -> dict[str, Any]:
    """An accepted file of which lines 2 and 203 were refused."""
    event = put(HEADER + BAD + GOOD * 200 + BAD)
    assert handler(event, context("first"))["outcome"] == "Accepted"
    return event


def test_refused_lines_are_kept_as_their_partner_can_send_them_again(
    cloud: FakeCloud, with_refused_lines: dict[str, Any]
) -> None:
    folder = f"quarantine/online-retail/{file_id_of(with_refused_lines)}"
    kept = cloud.s3.objects(folder)

    header, first, last = kept[f"{folder}/refused.csv"].splitlines()
    assert header == HEADER.rstrip() + b",refused_line,refused_reason"
    assert first == BAD.rstrip() + b",2,price_not_positive"
    assert last == BAD.rstrip() + b",203,price_not_positive"
    assert msgspec.json.decode(kept[f"{folder}/refused_lines.json"]) == [2, 203]
    [detail] = cloud.events.details("OrderFileAccepted")
    assert detail["refused_file"] == f"{folder}/refused.csv"


def test_a_correction_adds_the_lines_that_were_refused(
    cloud: FakeCloud, put: Put, with_refused_lines: dict[str, Any], orders_database: Database
) -> None:
    """Its order may be one that the corrected file brought lines of."""
    event = correction(
        put, with_refused_lines, corrected(203), corrected(2).replace(b"6366", b"6365")
    )

    assert handler(event, context("b"))["outcome"] == "Accepted"

    assert orders_database.lines[file_id_of(event)] == 2
    detail = cloud.events.details("OrderFileAccepted")[-1]
    assert detail["corrects"] == file_id_of(with_refused_lines)
    [priced] = cloud.s3.objects(f"work/{file_id_of(event)}/priced/").values()
    assert [row.rpartition(b",")[2] for row in priced.splitlines()] == [
        b"corrects_line",
        b"203",
        b"2",
    ]


@pytest.mark.parametrize(
    "lines",
    [[corrected(3)], [corrected(0)], [corrected(2), corrected(2)], [BAD.replace(b"\n", b",x\n")]],
    ids=["accepted before", "no line", "twice", "no number"],
)
def test_a_correction_brings_nothing_but_refused_lines(
    cloud: FakeCloud, put: Put, with_refused_lines: dict[str, Any], lines: list[bytes]
) -> None:
    event = correction(put, with_refused_lines, *lines)

    assert handler(event, context("b"))["outcome"] == "Rejected"
    [detail] = cloud.events.details("OrderFileRejected")
    assert detail["reason"] == "too_many_refused_lines"


def test_a_refused_line_is_corrected_once(
    cloud: FakeCloud, put: Put, with_refused_lines: dict[str, Any]
) -> None:
    handler(correction(put, with_refused_lines, corrected(2)), context("b"))
    again = correction(put, with_refused_lines, corrected(2, 7), corrected(203), name="b.csv")

    assert handler(again, context("c"))["outcome"] == "Rejected"
    assert cloud.events.details("OrderFileRejected")[0]["reason"] == "corrected_before"
    other = correction(put, with_refused_lines, corrected(203), name="c.csv")
    assert handler(other, context("d"))["outcome"] == "Accepted"


def test_orders_of_other_files_are_a_question_for_a_correction_too(
    cloud: FakeCloud, put: Put, with_refused_lines: dict[str, Any]
) -> None:
    other = GOOD.replace(b"536365", b"536399")
    handler(put(HEADER + other, "incoming/online-retail/other.csv"), context("b"))
    line = other.replace(b"\n", b",2\n")

    event = correction(put, with_refused_lines, line)
    assert handler(event, context("c"))["outcome"] == "handed_over"


@pytest.mark.parametrize(
    ("corrects", "partner"),
    [("0" * 24, "online-retail"), (None, "nordwind")],
    ids=["unknown", "another's"],
)
def test_a_correction_needs_an_accepted_file_of_its_partner(
    cloud: FakeCloud,
    put: Put,
    with_refused_lines: dict[str, Any],
    corrects: str | None,
    partner: str,
) -> None:
    file_id = corrects or file_id_of(with_refused_lines)
    event = put(CORRECTED_HEADER + corrected(2), f"incoming/{partner}/corrections/{file_id}/a.csv")

    assert handler(event, context("b"))["outcome"] == "Rejected"
    assert cloud.events.details("OrderFileRejected")[0]["reason"] == "nothing_to_correct"


def test_a_correction_names_the_lines(
    cloud: FakeCloud, put: Put, with_refused_lines: dict[str, Any]
) -> None:
    key = f"incoming/online-retail/corrections/{file_id_of(with_refused_lines)}/a.csv"

    assert handler(put(HEADER + GOOD, key), context("b"))["outcome"] == "Rejected"
    [detail] = cloud.events.details("OrderFileRejected")
    assert "refused_line" in detail["explanation"]


def test_the_same_notification_again_changes_nothing(cloud: FakeCloud, put: Put) -> None:
    event = put(HEADER + GOOD)
    handler(event, context("a"))

    assert handler(event, context("b"))["outcome"] == "taken"
    assert handler(event, context("a"))["outcome"] == "taken"
    assert outcomes(cloud) == ["OrderFileAccepted"]


def test_a_large_sum_goes_to_the_workflow(
    cloud: FakeCloud, put: Put, orders_database: Database
) -> None:
    event = put(HEADER + LARGE)
    file_id = file_id_of(event)

    assert handler(event, context())["outcome"] == "handed_over"

    name = f"handover-{file_id}"
    assert cloud.step_functions.started == {name: event}
    row = cloud.row(file_id)
    assert row["claimed_by"] == f"{MACHINE.replace('stateMachine', 'execution')}:{name}"
    assert (row["status"], row["route"]) == ("Registered", "workflow")
    assert not cloud.events.put
    assert not orders_database.lines


def test_a_handover_that_broke_off_is_finished_by_the_retry(cloud: FakeCloud, put: Put) -> None:
    event = put(HEADER + LARGE)
    cloud.fail("start_execution", client_error("ThrottlingException"))
    with pytest.raises(ServiceBusy):
        handler(event, context())

    assert handler(event, context())["outcome"] == "handed_over"
    # Its execution was started: once more is as good.
    assert handler(event, context())["outcome"] == "handed_over"
    assert len(cloud.step_functions.started) == 1


def test_what_passes_is_tried_again_and_ends_well(
    cloud: FakeCloud, put: Put, rates: list[Exception]
) -> None:
    event = put(HEADER + GOOD)
    rates.append(ServiceBusy("secretsmanager: GetSecretValue: ThrottlingException"))
    cloud.fail("put_object", client_error("SlowDown", 503))

    for _ in range(2):
        with pytest.raises(ServiceBusy):
            handler(event, context())
    assert handler(event, context())["outcome"] == "Accepted"
    assert outcomes(cloud) == ["OrderFileAccepted"]


def is_with_the_workflow(cloud: FakeCloud, event: dict[str, Any]) -> bool:
    """Whether the file is its execution's to finish, and nothing was announced."""
    name = f"handover-{file_id_of(event)}"
    row = cloud.row(file_id_of(event))
    assert row["claimed_by"] == f"{MACHINE.replace('stateMachine', 'execution')}:{name}"
    assert (row["status"], row["route"]) == ("Registered", "workflow")
    return cloud.step_functions.started == {name: event} and not cloud.events.put


def test_a_file_whose_rates_are_not_there_goes_to_the_workflow_at_once(
    cloud: FakeCloud, put: Put, rates: list[Exception]
) -> None:
    event = put(HEADER + GOOD)
    rates.append(RatesUnavailable("the rates API is down"))

    assert handler(event, context())["outcome"] == "handed_over"
    assert is_with_the_workflow(cloud, event)


def test_a_file_whose_database_is_not_there_goes_to_the_workflow_at_once(
    cloud: FakeCloud, put: Put, orders_database: Database
) -> None:
    event = put(HEADER + GOOD)
    orders_database.down(1)

    assert handler(event, context())["outcome"] == "handed_over"
    assert is_with_the_workflow(cloud, event)


def test_a_file_that_aws_refuses_to_the_last_goes_to_the_workflow(
    cloud: FakeCloud, put: Put, logged: io.StringIO
) -> None:
    event = put(HEADER + GOOD)
    cloud.fail("copy_object", *[client_error("SlowDown", 503)] * 3)

    for _ in range(2):
        with pytest.raises(ServiceBusy):
            handler(event, context())
        assert not cloud.step_functions.started
    assert handler(event, context())["outcome"] == "handed_over"

    assert is_with_the_workflow(cloud, event)
    assert '"error":"ServiceBusy"' in logged.getvalue().splitlines()[-1]


def test_a_file_that_cannot_be_handed_over_is_kept_for_another_try(
    cloud: FakeCloud, put: Put, orders_database: Database
) -> None:
    event = put(HEADER + GOOD)
    orders_database.down(1)
    cloud.fail("start_execution", client_error("ThrottlingException"))

    with pytest.raises(DatabaseUnavailable):
        handler(event, context())

    assert handler(event, context())["outcome"] == "handed_over"
    assert is_with_the_workflow(cloud, event)


def test_a_bug_fails_the_file_without_telling_what_it_had_in_hand(
    cloud: FakeCloud, put: Put, rates: list[Exception]
) -> None:
    event = put(HEADER + GOOD)
    rates += [ValueError("customer 17850")] * 3

    for _ in range(3):
        with pytest.raises(ValueError, match="17850"):
            handler(event, context())

    [detail] = cloud.events.details("OrderFileFailed")
    assert detail["reason"] == "ValueError"
    assert "17850" not in detail["explanation"]


def test_an_outcome_whose_event_did_not_get_out_is_announced_by_the_retry(
    cloud: FakeCloud, put: Put
) -> None:
    event = put(HEADER + GOOD)
    cloud.events.refuse = 1
    with pytest.raises(ServiceBusy):
        handler(event, context())
    assert cloud.row(file_id_of(event))["status"] == "Accepted"

    assert handler(event, context("another"))["outcome"] == "taken"
    assert handler(event, context())["outcome"] == "Accepted"

    [detail] = cloud.events.details("OrderFileAccepted")
    assert detail["closed_at"] == cloud.row(file_id_of(event))["closed_at"]
    assert handler(event, context())["outcome"] == "taken"


def test_an_outcome_that_could_not_be_announced_at_all_stands_and_is_reported_from_the_queue(
    cloud: FakeCloud, put: Put
) -> None:
    event = put(HEADER + GOOD)
    cloud.fail("put_events", *[client_error("InternalFailure", 500)] * 3)
    for _ in range(3):
        with pytest.raises(ServiceBusy):
            handler(event, context())
    row = cloud.row(file_id_of(event))
    assert row["status"] == "Accepted"

    row["claim_expires_at"] = 0  # some time later
    assert handler(event, context("redrive"))["outcome"] == "Accepted"
    assert outcomes(cloud) == ["OrderFileAccepted"]


def test_a_call_that_runs_out_of_time_ends_by_itself_and_the_workflow_goes_on(
    cloud: FakeCloud, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "1")
    never = threading.Event()
    monkeypatch.setattr(cloud.s3, "get_object", lambda **_: never.wait(30))
    short = context()
    short.milliseconds = int(deadline.MARGIN_SECONDS * 1000) + 20

    event = put(HEADER + GOOD)

    assert handler(event, short)["outcome"] == "handed_over"
    assert is_with_the_workflow(cloud, event)


def test_a_call_that_was_killed_does_not_hold_the_file_for_long(
    cloud: FakeCloud, put: Put, rates: list[Exception]
) -> None:
    event = put(HEADER + GOOD)
    rates.append(ServiceBusy("stands for a kill: no outcome was written"))
    with pytest.raises(ServiceBusy):
        handler(event, context())
    row = cloud.row(file_id_of(event))
    assert row["claim_expires_at"] <= time.time() + 91

    row["claim_expires_at"] = 0  # some time later
    assert handler(event, context("redrive"))["outcome"] == "Accepted"


def test_a_stage_without_a_database_says_that_nothing_was_loaded(
    cloud: FakeCloud, put: Put, orders_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ARN", "none")

    assert handler(put(HEADER + GOOD), context())["outcome"] == "Accepted"
    assert not orders_database.lines
    [detail] = cloud.events.details("OrderFileAccepted")
    assert (detail["loaded"], detail["orders_compared"]) == (False, False)


@pytest.mark.parametrize("event", [{}, [], None, {"detail": {}}, {"source": "aws.s3"}])
def test_what_is_no_upload_is_invalid_input(cloud: FakeCloud, event: Any) -> None:
    with pytest.raises(InvalidInput):
        handler(event, context())


def test_what_does_not_pass_by_itself_fails_the_file_at_once(cloud: FakeCloud, put: Put) -> None:
    event = put(HEADER + GOOD)
    cloud.s3.versions.clear()

    answer = handler(event, context())

    assert answer == {"file_id": file_id_of(event), "outcome": "Failed"}
    assert outcomes(cloud) == ["OrderFileFailed"]


def test_logs_name_the_file_and_carry_none_of_its_data(
    cloud: FakeCloud, put: Put, logged: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    event = put(HEADER + GOOD + BAD)
    handler(event, context())

    lines = [msgspec.json.decode(line) for line in logged.getvalue().splitlines()]
    assert lines
    for line in lines:
        assert line["file_id"] == file_id_of(event)
        assert line["correlation_id"] == "event-1"
        assert line["function_request_id"] == "request-1"
    for datum in ("17850", "536365", "536366", "85123A", "71053", "WHITE HEART", "LANTERN"):
        assert datum not in logged.getvalue() + capsys.readouterr().out
