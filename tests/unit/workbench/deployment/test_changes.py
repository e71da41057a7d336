"""What a plan replaces or deletes is shown and confirmed; what is lost for good needs more."""

import pytest

from workbench.deployment.plans import changes
from workbench.deployment.plans.changes import Change
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

DEV, LOCAL = Stage("dev"), Stage("local")
QUEUE = Change("aws_sqs_queue.orders_dlq", "aws_sqs_queue", "replace")
KEY = Change("aws_kms_key.data", "aws_kms_key", "delete")
PASSWORD = Change(
    'aws_secretsmanager_secret_version.this["database"]',
    "aws_secretsmanager_secret_version",
    "update",
)


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("YES", "REPLACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "")


@pytest.mark.parametrize("action", ["create", "update"])
def test_what_loses_nothing_is_not_asked(action: str) -> None:
    changes.confirm(DEV, [Change(KEY.address, KEY.type, action)])


@pytest.mark.parametrize("change", [QUEUE, KEY, PASSWORD])
def test_what_goes_is_shown_and_asked(change: Change, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"^nothing was changed"):
        changes.confirm(DEV, [change])
    assert change.address in capsys.readouterr().out


def test_yes_answers_for_what_can_be_made_again_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YES", "1")
    changes.confirm(DEV, [QUEUE])
    for change in (KEY, PASSWORD):
        with pytest.raises(UserError, match=r"REPLACE=dev \(YES=1 is not enough"):
            changes.confirm(DEV, [QUEUE, change])


@pytest.mark.parametrize(("said", "passes"), [("dev", True), ("prod", False), ("1", False)])
def test_the_stages_name_answers(said: str, passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLACE", said)
    if passes:
        changes.confirm(DEV, [KEY])
    else:
        with pytest.raises(UserError, match="type dev"):
            changes.confirm(DEV, [KEY])
    monkeypatch.delenv("REPLACE")
    monkeypatch.setattr("builtins.input", lambda _: "dev")
    changes.confirm(DEV, [KEY])


def test_the_laptop_is_not_asked() -> None:
    changes.confirm(LOCAL, [KEY, QUEUE, PASSWORD])


def test_a_plan_is_summed_up_in_a_line() -> None:
    assert changes.summary([]) == "no changes"
    assert changes.summary([QUEUE, KEY, KEY]) == "1 to replace, 2 to delete"


def test_terraforms_own_lines_are_read() -> None:
    event = {
        "type": "planned_change",
        "change": {
            "resource": {"addr": KEY.address, "resource_type": KEY.type},
            "action": "delete",
        },
    }
    assert changes.read(event) == [KEY]
    assert changes.read({"type": "refresh_start"}) == []


def test_outputs_alone_are_applied_and_not_counted() -> None:
    gone, kept = {"action": "delete"}, {"action": "noop"}
    found = changes.read({"type": "outputs", "outputs": {"bus": gone, "keys": kept}})
    assert found == [Change("output.bus", changes.OUTPUT, "delete")]
    assert changes.summary(found) == "no changes"
    changes.confirm(DEV, found)
