from types import SimpleNamespace
from typing import Any, cast

import pytest

from operations.deployed import Deployed
from operations.files.follow import follow
from operations.files.order_file import Uploaded, execution_of
from workbench.stages.errors import UserError

EXECUTION = "arn:aws:states:eu-central-1:000000000000:execution:order-intake-local-OrderIntake:e1"


def stage_with(*statuses: str | None, execution_status: str = "RUNNING") -> Deployed:
    """A stage whose ledger shows `statuses`, one at each look (None: no row), then the last."""
    left = list(statuses)

    def get_item(**_: Any) -> dict[str, Any]:
        status = left.pop(0) if len(left) > 1 else left[0]
        if status is None:
            return {}
        return {"Item": {"status": {"S": status}, "claimed_by": {"S": EXECUTION}}}

    clients = {
        "dynamodb": SimpleNamespace(get_item=get_item),
        "stepfunctions": SimpleNamespace(
            describe_execution=lambda **_: {
                "executionArn": EXECUTION,
                "status": execution_status,
                "error": "Boom",
            }
        ),
    }
    stage = SimpleNamespace(client=clients.__getitem__, is_local=True, prefix="order-intake-local")
    return cast(Deployed, SimpleNamespace(stage=stage, ledger="order-intake-local-ledger"))


def test_a_file_is_followed_to_its_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.files.follow.PAUSE", 0.0)
    asked: list[str] = []

    def grant() -> bool:
        asked.append("decide")
        return True

    stage = stage_with(None, "Registered", "AwaitingApproval", "AwaitingApproval", "Accepted")
    row = follow(stage, "f1", grant, 5)

    assert row["status"] == "Accepted"
    assert asked == ["decide"]


def test_following_ends_where_nobody_decides() -> None:
    assert follow(stage_with("AwaitingApproval"), "f1", lambda: False, 5)["status"] == (
        "AwaitingApproval"
    )


@pytest.mark.parametrize(
    ("status", "missing"),
    [(None, "no ledger row"), ("Registered", "the ledger says Registered, the workflow FAILED")],
)
def test_what_is_missing_is_reported_after_the_limit(status: str | None, missing: str) -> None:
    with pytest.raises(UserError, match=missing):
        follow(stage_with(status, execution_status="FAILED"), "f1", lambda: True, 0)


def test_following_ends_with_the_execution_that_left_no_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("operations.files.way.LOOK", 0.0)
    monkeypatch.setattr("operations.files.way.why", lambda *_, **__: ["state A: Boom", "see B"])
    stage = stage_with("Registered", execution_status="FAILED")

    with pytest.raises(UserError) as stopped:
        follow(stage, "f1", lambda: True, 60)

    assert str(stopped.value).splitlines() == [
        "file f1: its execution has ended without an outcome",
        "state A: Boom",
        "see B",
    ]


def test_an_outcome_that_came_with_the_executions_end_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("operations.files.follow.PAUSE", 0.0)
    monkeypatch.setattr("operations.files.way.LOOK", 0.0)
    monkeypatch.setattr("operations.files.way.why", lambda *_, **__: [])

    row = follow(
        stage_with("Registered", "Failed", execution_status="FAILED"), "f1", lambda: True, 60
    )

    assert row["status"] == "Failed"


def uploaded(monkeypatch: pytest.MonkeyPatch, *targets: str) -> Uploaded:
    """An upload that no row is about yet, and that rules hand to these targets."""
    monkeypatch.setattr("operations.files.way.LOOK", 0.0)
    monkeypatch.setattr("operations.files.follow.PAUSE", 0.0)
    monkeypatch.setattr("operations.files.way.Look._targets", lambda _: list(targets))
    return Uploaded("b", "incoming/nordwind/a.csv", "v1")


def test_following_ends_when_the_function_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    target = "arn:aws:lambda:eu-central-1:000000000000:function:order-intake-local-Small:live"
    said = "function Small does not start: Runtime.ImportModuleError: no b"
    monkeypatch.setattr(
        "operations.files.way.start_errors",
        lambda _, names, __: [said] if names == ["Small"] else [],
    )

    with pytest.raises(UserError) as stopped:
        follow(stage_with(None), "f1", lambda: True, 60, uploaded=uploaded(monkeypatch, target))

    assert str(stopped.value).splitlines() == [f"file f1: {said}", "see make logs FN=Small"]


@pytest.mark.parametrize("status", ["FAILED", "RUNNING"])
def test_following_ends_when_the_execution_can_leave_no_row(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    ended = {"executionArn": EXECUTION, "status": status}
    monkeypatch.setattr("operations.files.way.finding.started_with", lambda *_: [ended])
    monkeypatch.setattr("operations.files.way.why", lambda *_, **__: ["state A: Boom"])
    monkeypatch.setattr("operations.files.way.stuck", lambda *_: "state A: no b (tried 9 times)")
    upload = uploaded(monkeypatch, "arn:aws:states:eu-central-1:000000000000:stateMachine:m")

    with pytest.raises(UserError) as stopped:
        follow(stage_with(None), "f1", lambda: True, 60, uploaded=upload)

    first, second, *_ = str(stopped.value).splitlines()
    if status == "FAILED":
        assert (first, second) == (
            "file f1: its execution has ended without an outcome",
            "state A: Boom",
        )
    else:
        assert first == "file f1: its execution calls a function that cannot start"
        assert second == "state A: no b (tried 9 times)"


def test_following_ends_when_a_dead_letter_queue_holds_the_upload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "operations.files.way.dead_letters", lambda _, trace: [f"{trace.signs[0]}: failed 3 times"]
    )

    with pytest.raises(UserError) as stopped:
        follow(stage_with(None), "f1", lambda: True, 60, uploaded=uploaded(monkeypatch))

    assert str(stopped.value).splitlines() == [
        "file f1: v1: failed 3 times",
        "put the cause right, then: make redrive",
    ]


def test_the_execution_is_the_claimant_on_the_workflow_route_only() -> None:
    assert execution_of({"claimed_by": EXECUTION}) == EXECUTION
    assert execution_of({"claimed_by": "direct:17793124"}) is None
    assert execution_of({}) is None


def test_an_upload_is_identified_by_bucket_key_and_version() -> None:
    first = Uploaded("b", "incoming/nordwind/a.csv", "v1")

    assert len(first.file_id) == 24
    assert first.file_id != Uploaded("b", "incoming/nordwind/a.csv", "v2").file_id
