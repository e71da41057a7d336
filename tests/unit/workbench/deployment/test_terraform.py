"""Terraform's answers: what is tried again, and what is said."""

from pathlib import Path

import pytest

from workbench.deployment import terraform
from workbench.stages import child
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

RULES = "InvalidRequest: EventBus can't be deleted since it has rules."


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What Terraform says at each call, first to last; nothing is a success."""
    says: list[str] = []

    def run(_: object, show: object, **__: object) -> int:
        if said := says.pop(0):
            show(said)  # type: ignore[operator]
        return bool(said)

    monkeypatch.setenv("WORKBENCH_STAGES_DIR", str(tmp_path))
    monkeypatch.setattr(child, "run", run)
    monkeypatch.setattr(terraform, "initialise", lambda _: None)
    monkeypatch.setattr(terraform, "environment_of", lambda _: {})
    return says


def test_a_bus_whose_rules_went_just_before_is_tried_once_more(codes: list[str]) -> None:
    codes += [RULES, ""]
    terraform.destroy(Stage("dev"))
    assert codes == []


def test_a_bus_that_keeps_its_rules_is_an_error(codes: list[str]) -> None:
    codes += [RULES, RULES]
    with pytest.raises(UserError, match=r"terraform destroy of dev failed: .* since it has rules"):
        terraform.destroy(Stage("dev"))


def test_any_other_error_is_not_tried_again(codes: list[str]) -> None:
    codes += ["AccessDenied", ""]
    with pytest.raises(UserError, match="AccessDenied"):
        terraform.destroy(Stage("dev"))
    assert codes == [""]
