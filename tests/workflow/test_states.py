"""Each state by itself, on mocked results: where it goes, what it says, what it remembers."""

from typing import Any
from unittest.mock import ANY

import msgspec
import pytest

from order_intake.domain.outcomes import Approval
from order_intake.handlers import close_file
from tests.template import definition
from tests.workflow.samples import FILE, RATES, REFUSAL, TERMS, TOTALS, event
from tests.workflow.single_states import EXECUTION, SingleStates, substituted
from workbench.workflow import edges
from workbench.workflow.definition import states as states_of
from workbench.workflow.retry_times import delays

STATES = states_of(definition())
NAME = EXECUTION.rpartition(":")[2]
# What the workflow remembers when nothing went wrong.
VARIABLES: dict[str, Any] = {
    "file": FILE,
    "chunks": 2,
    "manifest": {"bucket": "uploads", "key": "manifest.json"},
    "rates": RATES,
    "terms": TERMS,
    "totals": TOTALS,
    "approval": {"decision": "declined", "decided_by": "ana"},
    "question": "threshold",
    "outcome": "Failed",
    "reason": "DatabaseRefused",
    "explanation": None,
}
ACCEPTED = {"outcome": "Accepted", "closed_at": "2026-03-02T12:00:00Z"}
ANNOUNCEMENT = {"detail_type": "OrderFileAccepted", "detail": ACCEPTED}
# What any state may read of its input.
INPUT = {**REFUSAL, **ANNOUNCEMENT, **ACCEPTED}
# In another currency than the house's: no two values alike, so that none can stand for another.
CONVERTED = TOTALS | {"house_total": "9.35", "house_currency": "CHF"}
RETRIES = [
    (name, error)
    for name, state in STATES.items()
    for retry in state.get("Retry", [])
    for error in retry["ErrorEquals"]
    if retry.get("MaxAttempts") != 0
]
# Their names by what they do with an error that is none of their Retry's. A chunk answers its map;
# when an outcome is out, nothing makes a failure of it.
CHUNK, MARK = "PriceChunk", "MarkAnnounced"
CATCHING = [
    name for name, state in STATES.items() if edges.catches_all(state) and name not in (CHUNK, MARK)
]
UNCAUGHT = [
    name
    for name, state in STATES.items()
    if state["Type"] in ("Task", "Parallel", "Map") and name not in (*CATCHING, CHUNK, MARK)
]
TIMED = [name for name, state in STATES.items() if "TimeoutSeconds" in state]


def error_of(listed: str) -> str:
    """An error that a name in ErrorEquals means."""
    return "EventBridge.FailedEntry" if listed == "States.ALL" else listed


@pytest.mark.parametrize(("name", "listed"), RETRIES)
def test_transient_error_is_tried_again_after_growing_delays(
    states: SingleStates, name: str, listed: str
) -> None:
    (retry,) = [each for each in STATES[name]["Retry"] if listed in each["ErrorEquals"]]

    waits = list(enumerate(delays(retry)))
    for tried, delay in {*waits[:10], *waits[-2:]}:  # all that follow have the longest delay
        taken = states.run(name, INPUT, VARIABLES, error=error_of(listed), tried=tried)

        assert taken.status == "RETRIABLE"
        assert taken.inspected["errorDetails"]["retryBackoffIntervalSeconds"] == delay
        assert taken.variables == VARIABLES


@pytest.mark.parametrize(("name", "listed"), RETRIES)
def test_transient_error_that_stays_is_recorded(
    states: SingleStates, name: str, listed: str
) -> None:
    error = error_of(listed)
    (retry,) = [each for each in STATES[name]["Retry"] if listed in each["ErrorEquals"]]
    attempts = retry.get("MaxAttempts")
    assert attempts is not None, f"{name}: its Retry says no MaxAttempts: AWS would take 3"

    taken = states.run(name, INPUT, VARIABLES, error=error, tried=attempts)

    if name in CATCHING:
        assert (taken.status, taken.following) == ("CAUGHT_ERROR", "DescribeFailure")
        assert (taken.output["Error"], taken.variables) == (error, VARIABLES)
    elif name == CHUNK:
        assert (taken.status, taken.following) == ("CAUGHT_ERROR", "ChunkNotPricedYet")
    elif name == MARK:
        assert (taken.status, taken.following) == ("CAUGHT_ERROR", "Outcome")
    else:
        assert (taken.status, taken.error) == ("FAILED", error)


def test_permanent_error_of_a_chunk_is_its_answer(states: SingleStates) -> None:
    taken = states.run("PriceChunk", {}, error="InvalidInput")

    assert (taken.status, taken.following) == ("CAUGHT_ERROR", "ChunkCannotBePriced")
    assert taken.output == {"error": "InvalidInput"}
    assert states.run("ChunkCannotBePriced", taken.output).output == taken.output


def test_chunk_that_is_not_priced_yet_fails_its_map(states: SingleStates) -> None:
    taken = states.run("ChunkNotPricedYet", {"Error": "ServiceBusy", "Cause": "s3"})

    assert (taken.status, taken.error) == ("FAILED", "ChunkNotPricedYet")
    assert taken.cause == "ServiceBusy: s3"


@pytest.mark.parametrize("name", CATCHING)
def test_permanent_error_is_recorded_at_once(states: SingleStates, name: str) -> None:
    taken = states.run(name, INPUT, VARIABLES, error="InvalidInput")

    assert (taken.status, taken.following) == ("CAUGHT_ERROR", "DescribeFailure")
    assert taken.variables == VARIABLES
    described = states.run("DescribeFailure", taken.output, VARIABLES)
    assert described.following == "CloseFile"
    assert described.variables == VARIABLES | {"reason": "InvalidInput"}


@pytest.mark.parametrize("name", UNCAUGHT)
def test_error_that_nobody_catches_fails_what_it_is_in(states: SingleStates, name: str) -> None:
    taken = states.run(name, INPUT, VARIABLES, error="States.Permissions", tried=99)

    assert (taken.status, taken.error) == ("FAILED", "States.Permissions")
    assert taken.variables == VARIABLES


@pytest.mark.parametrize("name", TIMED)
def test_timeout_is_no_dead_end(states: SingleStates, name: str) -> None:
    taken = states.run(name, INPUT, VARIABLES, error="States.Timeout", tried=99)

    if name == "RequestApproval":
        assert taken.following == "CloseFile"
        assert taken.variables["approval"] == {"decision": "declined", "decided_by": "nobody"}
        assert taken.variables["outcome"] == "Declined"
        assert taken.variables["reason"] == "approval_timed_out"
        assert taken.variables["explanation"] == "Nobody decided in time."
    elif name == CHUNK:
        assert taken.following == "ChunkNotPricedYet"
    elif name == MARK:
        assert taken.following == "Outcome"
    elif name in CATCHING:
        assert (taken.following, taken.output["Error"]) == ("DescribeFailure", "States.Timeout")
    else:
        assert (taken.status, taken.error) == ("FAILED", "States.Timeout")


@pytest.mark.parametrize(
    ("outcome", "following"), [("Declined", "AlreadyTaken"), ("Failed", "ClosedOtherwise")]
)
def test_row_of_somebody_else_is_left_alone(
    states: SingleStates, outcome: str, following: str
) -> None:
    known = VARIABLES | {"outcome": outcome}

    taken = states.run("CloseFile", {}, known, error="ClosedOtherwise")

    assert (taken.status, taken.following) == ("CAUGHT_ERROR", "RowOfAnother")
    taken = states.run("RowOfAnother", taken.output, known)
    assert (taken.following, taken.variables) == (following, known)


def test_upload_is_described_as_the_functions_describe_it(states: SingleStates) -> None:
    taken = states.run("DescribeUpload", event())

    assert taken.following == "RegisterFile"
    assert taken.variables == {
        "file": FILE,
        "chunks": 0,
        "totals": None,
        "approval": None,
        "question": "threshold",
        "outcome": "Failed",
        "explanation": None,
    }


def test_file_is_registered_for_this_execution(states: SingleStates) -> None:
    taken = states.run("RegisterFile", {}, VARIABLES, result={"Payload": {"status": "taken"}})

    assert (taken.following, taken.output) == ("HowRegistered", {"status": "taken"})
    assert taken.arguments == {
        "FunctionName": "RegisterFile",
        "Payload": {"upload": FILE, "claimant": EXECUTION, "route": "workflow"},
    }


def test_registered_file_goes_on(states: SingleStates) -> None:
    manifest = {"bucket": "b", "key": "k"}
    file = FILE | {"uploaded_at": "2026-03-01T09:00:00Z"}  # of the file's first run
    registered = {"status": "registered", "file": file, "chunks": 7, "manifest": manifest}

    taken = states.run("HowRegistered", registered)

    assert taken.following == "GatherTerms"
    assert taken.variables == {"file": file, "chunks": 7, "manifest": manifest}


def test_duplicate_is_announced(states: SingleStates) -> None:
    duplicate = {"status": "duplicate", "announcement": {"detail": {"outcome": "Duplicate"}}}

    taken = states.run("HowRegistered", duplicate)

    assert (taken.following, taken.output) == ("Announce", duplicate["announcement"])


def test_refused_file_goes_into_quarantine(states: SingleStates) -> None:
    refused = {"status": "refused", "file": FILE, **REFUSAL}

    taken = states.run("HowRegistered", refused)

    assert (taken.following, taken.output) == ("QuarantineFile", refused)
    assert taken.variables == {"file": FILE}


@pytest.mark.parametrize("answer", [{}, {"StatusCode": 200, "Payload": {}}, {"status": None}])
def test_answer_of_registration_that_says_nothing_is_no_success(
    states: SingleStates, answer: dict[str, Any]
) -> None:
    taken = states.run("HowRegistered", answer)

    assert taken.following == "CloseFile"
    assert taken.variables == {"reason": "NoChoiceMatched"}


@pytest.mark.parametrize(
    "verdict", [{}, {"StatusCode": 200, "Payload": {"verdict": "load"}}, {"verdict": None}]
)
def test_verdict_that_is_not_said_asks_a_person(
    states: SingleStates, verdict: dict[str, Any]
) -> None:
    """As a state that was put in before it without Output would give it."""
    assert states.run("NeedsApproval", verdict).following == "RequestApproval"


def test_taken_file_is_left_to_who_has_it(states: SingleStates) -> None:
    taken = states.run("HowRegistered", {"status": "taken"})

    assert (taken.following, taken.variables) == ("AlreadyTaken", {})


def test_rates_and_terms_are_gathered(states: SingleStates) -> None:
    taken = states.run("GatherTerms", {}, {"file": FILE}, result=[RATES, TERMS])

    assert taken.following == "PriceChunks"
    assert taken.variables == {"file": FILE, "rates": RATES, "terms": TERMS}


def test_rates_are_fetched(states: SingleStates) -> None:
    taken = states.run("FetchExchangeRates", {}, VARIABLES, result={"Payload": RATES})

    assert (taken.following, taken.output) == (None, RATES)
    assert taken.payload == {"file": FILE, "execution": NAME}


def test_terms_are_read_from_the_files_row(states: SingleStates) -> None:
    terms = {name: {"S": value} for name, value in TERMS.items()}

    taken = states.run("ReadPartnerTerms", {}, VARIABLES, result={"Item": {"terms": {"M": terms}}})

    assert (taken.following, taken.output) == (None, TERMS | {"allowed_gross": "0"})
    assert taken.arguments["Key"] == {"pk": {"S": f"file#{FILE['file_id']}"}}
    assert taken.arguments["ConsistentRead"] is True


def test_what_an_earlier_run_was_allowed_to_load_is_read_with_the_terms(
    states: SingleStates,
) -> None:
    terms = {name: {"S": value} for name, value in TERMS.items()}
    item = {"terms": {"M": terms}, "allowed_gross": {"S": "12.50"}}

    taken = states.run("ReadPartnerTerms", {}, VARIABLES, result={"Item": item})

    assert taken.output == TERMS | {"allowed_gross": "12.50"}


def test_chunks_are_counted_and_each_gets_what_it_needs(states: SingleStates) -> None:
    chunk = {"index": 0, "start": 0, "end": 10, "first_line": 2}

    taken = states.run(
        "PriceChunks",
        {},
        VARIABLES,
        result=[{"index": 0}, {"index": 1}, {"index": 2}],
        items=[chunk],
    )

    assert (taken.following, taken.output) == ("HowPriced", {"priced": 3})
    assert taken.item == {"file": FILE, "execution": NAME, "chunk": chunk, "rates": RATES}


def test_chunks_that_cannot_be_priced_are_not_counted(states: SingleStates) -> None:
    result = [{"index": 0}, {"error": "InvalidInput"}, {"error": "PriceMissing"}]

    taken = states.run("PriceChunks", {}, VARIABLES, result=result, items=[{"index": 0}])

    assert (taken.following, taken.output) == ("HowPriced", {"priced": 1})
    assert taken.variables["reason"] == "InvalidInput"


@pytest.mark.parametrize(("priced", "following"), [(2, "AssessFile"), (1, "CloseFile")])
def test_file_goes_on_when_all_its_chunks_are_priced(
    states: SingleStates, priced: int, following: str
) -> None:
    taken = states.run("HowPriced", {"priced": priced}, VARIABLES)

    assert (taken.following, taken.variables) == (following, VARIABLES)


def test_chunk_is_priced_with_its_whole_input(states: SingleStates) -> None:
    item = {"file": FILE, "chunk": {"index": 0}, "rates": RATES}

    taken = states.run("PriceChunk", item, result={"Payload": {"index": 0, "accepted": 1}})

    assert (taken.following, taken.output) == (None, {"index": 0})
    assert taken.payload == item


def test_totals_are_kept(states: SingleStates) -> None:
    verdict = {"verdict": "load", "totals": TOTALS}

    taken = states.run("AssessFile", {}, VARIABLES | {"totals": None}, result={"Payload": verdict})

    assert (taken.following, taken.output) == ("NeedsApproval", verdict)
    assert taken.variables["totals"] == TOTALS
    assert taken.payload["terms"] == TERMS


@pytest.mark.parametrize(
    ("verdict", "following"),
    [("reject", "QuarantineFile"), ("approve", "RequestApproval"), ("load", "DatabaseReady")],
)
def test_verdict_decides(states: SingleStates, verdict: str, following: str) -> None:
    assessed = {"verdict": verdict, **REFUSAL}

    taken = states.run("NeedsApproval", assessed)

    assert (taken.following, taken.output, taken.variables) == (following, assessed, {})


@pytest.mark.parametrize("decision", ["approved", "declined"])
@pytest.mark.parametrize("question", ["threshold", "orders"])
def test_answer_is_kept(states: SingleStates, question: str, decision: str) -> None:
    answer = {"decision": decision, "decided_by": "ana"}
    known = VARIABLES | {"question": question}

    taken = states.run("RequestApproval", {}, known, result=answer)

    assert (taken.following, taken.output) == ("HowDecided", answer)
    assert taken.variables == known | {"approval": answer}
    assert taken.payload == {
        "file": FILE,
        "execution": NAME,
        "totals": TOTALS,
        "question": question,
        "task_token": ANY,
        "timeout_seconds": 60,
    }


def test_approved_file_goes_on(states: SingleStates) -> None:
    taken = states.run("HowDecided", {"decision": "approved", "decided_by": "ana"}, VARIABLES)

    assert (taken.following, taken.variables) == ("DatabaseReady", VARIABLES)


@pytest.mark.parametrize(
    ("question", "reason"), [("threshold", "approval_declined"), ("orders", "orders_declined")]
)
@pytest.mark.parametrize("decision", ["declined", "Approved", None])
def test_whatever_else_is_answered_declines(
    states: SingleStates, decision: str | None, question: str, reason: str
) -> None:
    known = VARIABLES | {"question": question}

    taken = states.run("HowDecided", {"decision": decision, "decided_by": "ana"}, known)

    assert taken.following == "CloseFile"
    said = {"outcome": "Declined", "reason": reason, "explanation": "Declined by ana."}
    assert taken.variables == known | said


def test_stage_without_a_database_loads_nothing(states: SingleStates) -> None:
    with_one, without = (substituted(DatabaseSecretArn=secret) for secret in ("arn", "none"))

    assert states.run("DatabaseReady", definition=with_one).following == "WaitOutQuietHours"
    assert states.run("DatabaseReady", definition=without).following == "CurateFile"


@pytest.mark.parametrize(
    ("quiet", "entered", "minutes"),
    [
        (("0", "0"), "10:30", 0),  # from = to: never quiet
        (("600", "660"), "09:59", 0),
        (("600", "660"), "10:00", 60),
        (("600", "660"), "10:59", 1),
        (("600", "660"), "11:00", 0),
        (("1380", "60"), "22:59", 0),
        (("1380", "60"), "23:30", 90),  # over midnight
        (("1380", "60"), "00:59", 1),
        (("1380", "60"), "01:00", 0),
    ],
)
def test_a_load_waits_until_quiet_hours_end(
    states: SingleStates, quiet: tuple[str, str], entered: str, minutes: int
) -> None:
    definition = substituted(QuietFromMinute=quiet[0], QuietToMinute=quiet[1])
    seconds = definition["States"]["WaitOutQuietHours"]["Seconds"]

    assert states.evaluate(seconds, f"2026-11-23T{entered}:30.000Z") == minutes * 60


def test_load_follows_the_wait(states: SingleStates) -> None:
    taken = states.run("WaitOutQuietHours", {}, VARIABLES)

    assert (taken.following, taken.variables) == ("LoadOrders", VARIABLES)


def test_load_is_given_what_it_needs_and_its_answer_is_looked_at(states: SingleStates) -> None:
    answer = {"status": "loaded", "lines": 2}
    taken = states.run("LoadOrders", {}, VARIABLES, result={"Payload": answer})

    assert (taken.following, taken.output) == ("HowLoaded", answer)
    assert taken.payload["totals"] == TOTALS
    assert taken.payload["claimant"] == EXECUTION


@pytest.mark.parametrize(("question", "only_new"), [("threshold", False), ("orders", True)])
def test_orders_that_are_there_are_left_out_when_a_person_was_asked_about_them(
    states: SingleStates, question: str, only_new: bool
) -> None:
    known = VARIABLES | {"question": question}

    taken = states.run("LoadOrders", {}, known, result={"Payload": {}})

    assert taken.payload["only_new"] is only_new


def test_orders_that_are_there_are_a_question_once(states: SingleStates) -> None:
    there = {"status": "orders_there"}

    taken = states.run("HowLoaded", there, VARIABLES)
    again = states.run("HowLoaded", there, taken.variables)

    assert taken.following == "RequestApproval"
    assert taken.variables == VARIABLES | {"question": "orders"}
    assert again.following == "CloseFile"
    assert again.variables == taken.variables | {"reason": "UnknownAnswer"}


def test_loaded_file_is_curated(states: SingleStates) -> None:
    taken = states.run("HowLoaded", {"status": "loaded"}, VARIABLES)

    assert (taken.following, taken.variables) == ("CurateFile", VARIABLES)


def test_file_whose_content_another_has_is_announced_as_its_function_says(
    states: SingleStates,
) -> None:
    announcement = {"detail_type": "OrderFileDuplicate", "detail": {"outcome": "Duplicate"}}
    duplicate = {"status": "duplicate", "announcement": announcement}

    taken = states.run("HowLoaded", duplicate, VARIABLES)

    assert (taken.following, taken.output) == ("Announce", announcement)


def test_correction_that_cannot_be_loaded_is_rejected(states: SingleStates) -> None:
    refused = {"status": "refused", **REFUSAL}

    taken = states.run("HowLoaded", refused, VARIABLES)

    assert (taken.following, taken.output) == ("QuarantineFile", refused)


@pytest.mark.parametrize("answer", [{}, {"status": "Loaded"}, {"status": None}, {"lines": 2}])
def test_answer_that_is_not_known_is_a_failure(states: SingleStates, answer: Any) -> None:
    taken = states.run("HowLoaded", answer, VARIABLES)

    assert taken.following == "CloseFile"
    assert taken.variables == VARIABLES | {"reason": "UnknownAnswer"}


@pytest.mark.parametrize("totals", [TOTALS, None], ids=["assessed", "unread"])
@pytest.mark.parametrize("name", ["CurateFile", "QuarantineFile"])
def test_outcome_of_a_function_is_announced(
    states: SingleStates, name: str, totals: dict[str, Any] | None
) -> None:
    result = {"Payload": {"announcement": ANNOUNCEMENT}}
    known = VARIABLES | {"totals": totals}

    taken = states.run(name, REFUSAL, known, result=result)

    assert (taken.following, taken.output) == ("Announce", ANNOUNCEMENT)
    assert taken.variables == known
    asked = taken.payload
    assert (asked["file"], asked["chunks"], asked["totals"]) == (FILE, 2, totals)
    assert (asked["execution"], asked["claimant"]) == (NAME, EXECUTION)
    if name == "QuarantineFile":
        assert {part: asked[part] for part in REFUSAL} == REFUSAL
    else:
        assert asked["approval"] == VARIABLES["approval"]


@pytest.mark.parametrize("totals", [CONVERTED, None], ids=["assessed", "unread"])
@pytest.mark.parametrize(
    "approval", [None, Approval("declined", "ana", f"{FILE['file_id']}-1-threshold")]
)
@pytest.mark.parametrize(
    ("outcome", "explanation"), [("Declined", "Declined by ana."), ("Failed", None)]
)
def test_file_that_was_not_finished_is_closed_as_its_variables_say(
    states: SingleStates,
    totals: dict[str, Any] | None,
    approval: Approval | None,
    outcome: str,
    explanation: str | None,
) -> None:
    known = VARIABLES | {"outcome": outcome, "explanation": explanation, "totals": totals}
    known |= {"approval": msgspec.to_builtins(approval)}

    taken = states.run("CloseFile", {}, known, result={"Payload": {"announcement": ANNOUNCEMENT}})

    assert (taken.following, taken.output) == ("Announce", ANNOUNCEMENT)
    asked = taken.payload
    assert set(asked) == {each.name for each in msgspec.structs.fields(close_file.Payload)}
    assert (asked["file"], asked["execution"], asked["claimant"]) == (FILE, NAME, EXECUTION)
    payload = msgspec.convert(asked, close_file.Payload)
    assert (payload.outcome, payload.reason) == (outcome, "DatabaseRefused")
    assert (payload.explanation, payload.approval) == (explanation, approval)
    assert msgspec.to_builtins(payload.totals) == totals


def test_announcement_goes_to_the_orders_bus(states: SingleStates) -> None:
    taken = states.run("Announce", ANNOUNCEMENT, VARIABLES, result={"FailedEntryCount": 0})

    (entry,) = taken.arguments["Entries"]
    assert (taken.following, taken.output) == ("MarkAnnounced", ACCEPTED)
    assert (entry["EventBusName"], entry["Source"]) == ("orders", "order-intake")
    assert (entry["DetailType"], entry["Detail"]) == ("OrderFileAccepted", ACCEPTED)


def test_an_announced_row_leaves_the_index_of_unfinished_ones(states: SingleStates) -> None:
    taken = states.run("MarkAnnounced", ACCEPTED, VARIABLES, result={})

    assert (taken.following, taken.output) == ("Outcome", ACCEPTED)
    assert taken.arguments == {
        "TableName": "ledger",
        "Key": {"pk": {"S": f"file#{FILE['file_id']}"}},
        "ConditionExpression": "closed_at = :closed_at",
        "UpdateExpression": "SET announced = :yes REMOVE unfinished",
        "ExpressionAttributeValues": {
            ":closed_at": {"S": "2026-03-02T12:00:00Z"},
            ":yes": {"BOOL": True},
        },
    }


@pytest.mark.parametrize("error", ["DynamoDB.ConditionalCheckFailedException", "States.Timeout"])
def test_an_announced_outcome_stands_whatever_comes_after(states: SingleStates, error: str) -> None:
    taken = states.run("MarkAnnounced", ACCEPTED, VARIABLES, error=error, tried=99)

    assert (taken.status, taken.following) == ("CAUGHT_ERROR", "Outcome")
    assert (taken.output, taken.variables) == (ACCEPTED, VARIABLES)


@pytest.mark.parametrize("outcome", ["Accepted", "Duplicate", "Rejected", "Declined", "Failed"])
def test_execution_ends_as_its_file(states: SingleStates, outcome: str) -> None:
    detail = {"outcome": outcome, **REFUSAL}

    assert states.run("Outcome", detail).following == outcome
    taken = states.run(outcome, detail)
    if outcome in ("Accepted", "Duplicate"):
        assert (taken.status, taken.output) == ("SUCCEEDED", detail)
    else:
        assert (taken.status, taken.error) == ("FAILED", f"OrderFile{outcome}")
        assert taken.cause == "wrong_header: The header is wrong."


def test_execution_that_cannot_record_its_failure_says_why(states: SingleStates) -> None:
    taken = states.run("ClosedOtherwise", {}, VARIABLES | {"reason": "ServiceBusy"})

    assert (taken.status, taken.error) == ("FAILED", "ClosedOtherwise")
    assert (taken.cause or "").startswith("ServiceBusy: the row has another outcome")


def test_execution_for_a_taken_file_succeeds(states: SingleStates) -> None:
    assert states.run("AlreadyTaken", {"status": "taken"}).status == "SUCCEEDED"
