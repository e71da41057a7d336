"""Whole executions of the real definition: the way a file goes, what it leaves, who is told."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from order_intake.domain.outcomes import Approval
from order_intake.handlers import close_file
from tests.workflow.executions import Ended, Executions
from tests.workflow.samples import RATES, REFUSAL, TOTALS
from workbench.stages.waiting import wait_until

TO_PRICES = ["DescribeUpload", "RegisterFile", "HowRegistered", "GatherTerms", "PriceChunks"]
TO_VERDICT = [*TO_PRICES, "HowPriced", "AssessFile", "NeedsApproval"]
TO_LOAD = [*TO_VERDICT, "DatabaseReady", "WaitOutQuietHours", "LoadOrders", "HowLoaded"]
CLOSED = ["Announce", "MarkAnnounced", "Outcome"]
ACCEPTED = ["CurateFile", *CLOSED, "Accepted"]
DECLINED = ["CloseFile", *CLOSED, "Declined"]
CLOSED_AT = "2026-03-02T12:00:00Z"
MANIFEST = {"bucket": "uploads", "key": "manifest.json"}
LOADED = {"status": "loaded", "lines": 2, "already_loaded": False}
REGISTERED = {"status": "registered", "file": "the same", "chunks": 2, "manifest": MANIFEST}


def script(verdict: str = "load", **more: Any) -> dict[str, Any]:
    """What the functions do with a file that is registered and gets this verdict."""
    return {
        "RegisterFile": {"returns": REGISTERED},
        "FetchExchangeRates": {"returns": RATES},
        "PriceChunk": {"returns": {"index": 0}},
        "AssessFile": {"returns": {"verdict": verdict, "totals": TOTALS, **REFUSAL}},
        "LoadOrders": {"returns": LOADED},
        "CurateFile": {"returns": {"announcement": said("Accepted")}},
        "QuarantineFile": {"returns": {"announcement": said("Rejected")}},
        **more,
    }


def said(outcome: str) -> dict[str, Any]:
    """The announcement that a function returns; the workflow hands it on as it is."""
    detail = {"outcome": outcome, "file_id": None, "closed_at": CLOSED_AT, **REFUSAL}
    return {"detail_type": f"OrderFile{outcome}", "detail": detail}


def closed(executions: Executions, ended: Ended, outcome: str) -> close_file.Payload:
    """What CloseFile was asked for, once; its answer was announced."""
    (asked,) = ended.calls["CloseFile"]
    (event,) = wait_until(
        lambda: executions.bench.announced(ended.file["file_id"]), "the outcome's event", 10
    )
    assert event["detail-type"] == f"OrderFile{outcome}"
    assert asked["claimant"] == ended.execution
    payload = msgspec.convert(asked, close_file.Payload)
    assert payload.outcome == outcome
    return payload


def failed(executions: Executions, ended: Ended, error: str) -> None:
    """Assert that a file failed for everybody to see: end, ledger row, event."""
    assert ended.way[-5:] == ["CloseFile", *CLOSED, "Failed"]
    assert (ended.status, ended.error) == ("FAILED", "OrderFileFailed")
    assert (ended.cause or "").startswith(error)
    assert closed(executions, ended, "Failed").reason == error


def test_file_is_priced_and_loaded(executions: Executions) -> None:
    ended = executions.run(script())

    assert ended.status == "SUCCEEDED"
    assert ended.way == [*TO_LOAD, *ACCEPTED]
    assert ended.output["outcome"] == "Accepted"
    # What each function was given came through the states before it.
    (assessed,), (loaded,) = ended.calls["AssessFile"], ended.calls["LoadOrders"]
    (curated,) = ended.calls["CurateFile"]
    terms = {"approval_threshold": "100.00", "tolerance": "0.01", "allowed_gross": "0"}
    assert assessed["terms"] == terms
    assert (assessed["chunks"], loaded["totals"]) == (2, TOTALS)
    assert curated["approval"] is None
    assert loaded["claimant"] == curated["claimant"] == ended.execution
    for index in (0, 1):
        (chunk,) = ended.calls[f"PriceChunk{index}"]
        assert (chunk["chunk"], chunk["rates"]) == ({"index": index}, RATES)
    # Each item is an execution of its own: the parent's history does not show it.
    executions.note("PriceChunks: item PriceChunk")
    executions.note("StartAt → PriceChunk")


def test_stage_without_a_database_curates_only(executions: Executions) -> None:
    ended = executions.run(script(), DatabaseSecretArn="none")

    assert ended.way == [*TO_VERDICT, "DatabaseReady", *ACCEPTED]
    assert "LoadOrders" not in ended.calls


def test_load_waits_until_the_quiet_hours_are_over(executions: Executions) -> None:
    now = datetime.now(UTC)
    minute = now.hour * 60 + now.minute

    ended = executions.run(
        script(),
        QuietFromMinute=str((minute - 30) % 1440),
        QuietToMinute=str((minute + 30) % 1440),
    )

    assert ended.way == [*TO_LOAD, *ACCEPTED]
    entered, left = (
        each["timestamp"] for each in ended.history if each["type"].startswith("WaitState")
    )
    # At least 29 minutes, a thousandth of which the emulator waits.
    assert (left - entered).total_seconds() > 29 * 60 / 1000


def test_approved_file_is_loaded(executions: Executions) -> None:
    answer = {"decision": "approved", "decided_by": "ana"}

    ended = executions.run(script("approve"), answer=answer)

    asked = ["RequestApproval", "HowDecided"]
    assert ended.way == [*TO_VERDICT, *asked, *TO_LOAD[len(TO_VERDICT) :], *ACCEPTED]
    (loaded,) = ended.calls["LoadOrders"]
    assert loaded["only_new"] is False
    assert ended.calls["CurateFile"][0]["approval"] == answer
    executions.note("RequestApproval: answer")


def test_declined_file_is_closed(executions: Executions) -> None:
    answer = {"decision": "declined", "decided_by": "ana"}

    ended = executions.run(script("approve"), answer=answer)

    assert ended.way == [*TO_VERDICT, "RequestApproval", "HowDecided", *DECLINED]
    assert (ended.status, ended.error) == ("FAILED", "OrderFileDeclined")
    asked = closed(executions, ended, "Declined")
    assert (asked.reason, asked.approval) == ("approval_declined", Approval("declined", "ana"))
    assert msgspec.to_builtins(asked.totals) == TOTALS
    executions.note("RequestApproval: answer")


def test_silence_declines(executions: Executions) -> None:
    ended = executions.run(script("approve"), ApprovalTimeoutSeconds="1")

    assert ended.way == [*TO_VERDICT, "RequestApproval", *DECLINED]
    asked = closed(executions, ended, "Declined")
    assert (asked.reason, asked.approval) == ("approval_timed_out", Approval("declined", "nobody"))
    executions.note("RequestApproval: no answer")
    executions.note("RequestApproval: TimeoutSeconds")


def test_declined_file_of_somebody_else_is_left_alone(executions: Executions) -> None:
    ended = executions.run(
        script("approve", CloseFile={"raise": "ClosedOtherwise"}), ApprovalTimeoutSeconds="1"
    )

    assert ended.way[-3:] == ["CloseFile", "RowOfAnother", "AlreadyTaken"]
    assert ended.status == "SUCCEEDED"
    assert len(ended.calls["CloseFile"]) == 1, "a row of somebody else's is tried again"
    assert executions.bench.announced(ended.file["file_id"]) == []


def test_file_that_assessment_rejects_goes_into_quarantine(executions: Executions) -> None:
    ended = executions.run(script("reject"))

    assert ended.way == [*TO_VERDICT, "QuarantineFile", *CLOSED, "Rejected"]
    assert (ended.status, ended.error) == ("FAILED", "OrderFileRejected")
    (given,) = ended.calls["QuarantineFile"]
    assert (given["reason"], given["totals"]) == ("wrong_header", TOTALS)


def test_file_that_registration_refuses_goes_into_quarantine(executions: Executions) -> None:
    refused = {"status": "refused", "file": "the same", **REFUSAL}

    ended = executions.run(script(RegisterFile={"returns": refused}))

    assert ended.way == [*TO_PRICES[:3], "QuarantineFile", *CLOSED, "Rejected"]
    (given,) = ended.calls["QuarantineFile"]
    assert (given["reason"], given["totals"], given["chunks"]) == ("wrong_header", None, 0)


def test_duplicate_is_announced(executions: Executions) -> None:
    duplicate = {"status": "duplicate", "announcement": said("Duplicate")}

    ended = executions.run(script(RegisterFile={"returns": duplicate}))

    assert ended.way == [*TO_PRICES[:3], *CLOSED, "Duplicate"]
    assert (ended.status, ended.output["outcome"]) == ("SUCCEEDED", "Duplicate")


def test_file_whose_content_went_to_another_is_a_duplicate(executions: Executions) -> None:
    duplicate = {"status": "duplicate", "announcement": said("Duplicate")}

    ended = executions.run(script(LoadOrders={"returns": duplicate}))

    assert ended.way == [*TO_LOAD, *CLOSED, "Duplicate"]
    assert ended.status == "SUCCEEDED"


ORDERS_THERE = {"status": "orders_there"}
TO_QUESTION = [*TO_LOAD, "RequestApproval"]


def test_new_orders_alone_are_loaded_when_a_person_says_so(executions: Executions) -> None:
    answer = {"decision": "approved", "decided_by": "ana"}
    load = {"returns": ORDERS_THERE, "then": LOADED}

    ended = executions.run(script(LoadOrders=load), answer=answer)

    assert ended.way == [*TO_QUESTION, "HowDecided", *TO_LOAD[len(TO_VERDICT) :], *ACCEPTED]
    first, second = ended.calls["LoadOrders"]
    assert first["only_new"] is False
    assert second == first | {"only_new": True}
    (asked,) = ended.calls["RequestApproval"]
    assert asked["question"] == "orders"
    assert ended.calls["CurateFile"][0]["approval"] == answer


def test_content_that_came_while_a_person_was_asked_is_a_duplicate(executions: Executions) -> None:
    duplicate = {"status": "duplicate", "announcement": said("Duplicate")}
    load = {"returns": ORDERS_THERE, "then": duplicate}

    ended = executions.run(
        script(LoadOrders=load), answer={"decision": "approved", "decided_by": "ana"}
    )

    assert ended.way[-5:] == ["HowLoaded", *CLOSED, "Duplicate"]


def test_orders_that_are_still_there_are_no_second_question(executions: Executions) -> None:
    ended = executions.run(
        script(LoadOrders={"returns": ORDERS_THERE}),
        answer={"decision": "approved", "decided_by": "ana"},
    )

    assert len(ended.calls["RequestApproval"]) == 1
    failed(executions, ended, "UnknownAnswer")


def test_nothing_is_loaded_when_a_person_declines(executions: Executions) -> None:
    answer = {"decision": "declined", "decided_by": "ana"}

    ended = executions.run(script(LoadOrders={"returns": ORDERS_THERE}), answer=answer)

    assert ended.way == [*TO_QUESTION, "HowDecided", *DECLINED]
    asked = closed(executions, ended, "Declined")
    assert (asked.reason, asked.approval) == ("orders_declined", Approval("declined", "ana"))
    assert len(ended.calls["LoadOrders"]) == 1


def test_nothing_is_loaded_when_nobody_says_what_to_do(executions: Executions) -> None:
    ended = executions.run(script(LoadOrders={"returns": ORDERS_THERE}), ApprovalTimeoutSeconds="1")

    assert ended.way == [*TO_QUESTION, *DECLINED]
    assert closed(executions, ended, "Declined").reason == "approval_timed_out"


def test_answer_that_is_not_known_is_not_taken_for_a_load(executions: Executions) -> None:
    ended = executions.run(script(LoadOrders={"returns": {"lines": 2}}))

    assert ended.way[-6] == "HowLoaded"
    failed(executions, ended, "UnknownAnswer")


def test_taken_upload_is_left_to_who_has_it(executions: Executions) -> None:
    ended = executions.run(script(RegisterFile={"returns": {"status": "taken"}}))

    assert ended.way == [*TO_PRICES[:3], "AlreadyTaken"]
    assert ended.status == "SUCCEEDED"
    assert set(ended.calls) == {"RegisterFile"}


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("RegisterFile", "load"),
        ("AssessFile", "load"),
        ("RequestApproval", "approve"),
        ("LoadOrders", "load"),
        ("CurateFile", "load"),
        ("QuarantineFile", "reject"),
    ],
)
def test_permanent_error_fails_the_file_without_another_try(
    executions: Executions, name: str, verdict: str
) -> None:
    ended = executions.run(script(verdict, **{name: {"raise": "InvalidInput"}}))

    failed(executions, ended, "InvalidInput")
    assert len(ended.calls[name]) == 1


def test_branch_that_fails_fails_the_file(executions: Executions) -> None:
    ended = executions.run(script(FetchExchangeRates={"raise": "RatesRefused"}))

    assert ended.way[:5] == [*TO_PRICES[:4], "DescribeFailure"]
    failed(executions, ended, "RatesRefused")
    assert len(ended.calls["FetchExchangeRates"]) == 1
    executions.note("GatherTerms: a branch fails")


def test_item_that_cannot_be_priced_fails_the_file(executions: Executions) -> None:
    ended = executions.run(
        script(PriceChunk={"raise": "InvalidInput", "chunk": 1, "returns": {"index": 0}})
    )

    assert ended.way[:7] == [*TO_PRICES, "HowPriced", "CloseFile"]
    failed(executions, ended, "InvalidInput")
    assert len(ended.calls["PriceChunk1"]) == 1
    executions.note("PriceChunk: Catch States.ALL → ChunkCannotBePriced")
    executions.note("ChunkCannotBePriced: ends (Succeed)")


def test_map_is_run_again_when_an_item_used_up_its_retries(executions: Executions) -> None:
    raises = {"raise": "ServiceBusy", "times": 4, "chunk": 1, "returns": {"index": 0}}

    ended = executions.run(script(PriceChunk=raises))

    assert ended.status == "SUCCEEDED"
    assert len(ended.calls["PriceChunk1"]) == 5  # three in the first map run, two in the second
    executions.note("PriceChunks: an item fails")
    executions.note("PriceChunks: Retry States.ExceedToleratedFailureThreshold")
    executions.note("PriceChunk: Catch ServiceBusy → ChunkNotPricedYet")
    executions.note("ChunkNotPricedYet: ends (Fail)")


def test_item_that_stays_unpriced_fails_the_file(executions: Executions) -> None:
    ended = executions.run(script(PriceChunk={"raise": "ServiceBusy", "chunk": 1}))

    assert ended.way[:6] == [*TO_PRICES, "DescribeFailure"]
    failed(executions, ended, "States.ExceedToleratedFailureThreshold")
    assert len(ended.calls["PriceChunk1"]) == 3 * 11
    executions.note("PriceChunks: Retry 1 used up")


def test_item_is_tried_again(executions: Executions) -> None:
    raises = {"raise": "ServiceBusy", "times": 2, "chunk": 0, "returns": {"index": 0}}

    ended = executions.run(script(PriceChunk=raises))

    assert ended.status == "SUCCEEDED"
    assert len(ended.calls["PriceChunk0"]) == 3
    assert len(ended.calls["PriceChunk1"]) == 1
    executions.note("PriceChunk: Retry ServiceBusy")


def test_database_that_comes_back_is_loaded(executions: Executions) -> None:
    raises = {"raise": "DatabaseUnavailable", "times": 50, "returns": LOADED}

    ended = executions.run(script(LoadOrders=raises))

    assert ended.status == "SUCCEEDED"
    assert len(ended.calls["LoadOrders"]) == 51
    executions.note("LoadOrders: Retry DatabaseUnavailable")


def test_database_that_stays_away_fails_the_file(executions: Executions) -> None:
    ended = executions.run(script(LoadOrders={"raise": "DatabaseUnavailable"}))

    failed(executions, ended, "DatabaseUnavailable")
    assert len(ended.calls["LoadOrders"]) == 51
    executions.note("LoadOrders: Retry 1 used up")


def test_failure_of_a_file_that_somebody_else_has_is_not_written_down(
    executions: Executions,
) -> None:
    ended = executions.run(
        script(AssessFile={"raise": "InvalidInput"}, CloseFile={"raise": "ClosedOtherwise"})
    )

    assert ended.way[-3:] == ["CloseFile", "RowOfAnother", "ClosedOtherwise"]
    assert (ended.status, ended.error) == ("FAILED", "ClosedOtherwise")
    assert (ended.cause or "").startswith("InvalidInput: ")
    assert len(ended.calls["CloseFile"]) == 1, "a row of somebody else's is tried again"
    assert executions.bench.announced(ended.file["file_id"]) == []


@pytest.mark.parametrize("error", ["ServiceBusy", "ABugOfOurs"])
def test_last_writer_outlasts_whatever_happens(executions: Executions, error: str) -> None:
    """An execution that ended here would leave an open row, of which nobody hears."""
    raises = {"raise": error, "times": 40}

    ended = executions.run(script(AssessFile={"raise": "InvalidInput"}, CloseFile=raises))

    assert ended.way[-5:] == ["CloseFile", *CLOSED, "Failed"]
    assert len(ended.calls["CloseFile"]) == 41


def test_outcome_that_cannot_be_announced_fails_the_execution(executions: Executions) -> None:
    nameless = {"announcement": {"detail": said("Accepted")["detail"]}}

    ended = executions.run(script(CurateFile={"returns": nameless}))

    assert ended.way[-1] == "Announce"
    assert ended.status == "FAILED"
    assert ended.error == "States.QueryEvaluationError"
    assert executions.bench.announced(ended.file["file_id"]) == []
    executions.note("Announce: Retry States.ALL")
    executions.note("Announce: an error that nobody catches")
