"""Which events each function and each state announces, and that no role may announce another's."""

import ast
from typing import Any, get_args

import pytest

from order_intake.domain import outcomes
from tests.template import definition, functions, resources
from workbench.deployment import handover
from workbench.permissions import announced
from workbench.permissions.evaluation import policies_of
from workbench.permissions.policies import Request
from workbench.permissions.template import Template
from workbench.stages.errors import UserError

OUTCOMES = sorted(f"OrderFile{outcome}" for outcome in get_args(outcomes.OutcomeName))
EXPECTED = {
    "IntakeSmallFile": OUTCOMES,
    "RequestApproval": ["ApprovalRequested"],
    "DailyReconciliation": ["ReconciliationFinding"],
    "FindUnfinished": [*OUTCOMES, "ReconciliationFinding"],
}


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_function_announces_what_its_code_says(name: str) -> None:
    found = announced.of_handler(functions()[name]["Properties"]["Handler"])
    assert found == EXPECTED.get(name, [])


def test_the_workflow_announces_outcomes_of_our_source() -> None:
    (entry,) = definition()["States"]["Announce"]["Arguments"]["Entries"]
    assert announced.of_state("Announce", entry) == OUTCOMES
    assert entry["Source"] == announced.SOURCE == outcomes.SOURCE


def may_announce(role: str) -> set[str]:
    """The types that a role's policies let it announce under our source."""
    types = [path.name for path in announced.SCHEMAS.iterdir()]
    held = policies_of(TEMPLATE)[role]
    return {each for each in types if any(grant.allows(put(role, each)) for grant in held)}


def put(role: str, detail_type: str, source: str = outcomes.SOURCE) -> Request:
    said = {"events:source": source, "events:detail-type": detail_type}
    return Request(role, "events:PutEvents", handover.sample("buses/orders/arn"), "a test", said)


TEMPLATE = Template.load()


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_role_may_announce_what_its_function_announces_and_nothing_else(name: str) -> None:
    properties = functions()[name]["Properties"]
    role, _ = properties["Role"]["Fn::GetAtt"]
    announces = set(announced.of_handler(properties["Handler"]))
    allowed = may_announce(role)
    assert allowed == announces, (
        f"{role} may announce {sorted(allowed)}, and {name} announces {sorted(announces)}: "
        "give its statement Announce exactly these as events:detail-type"
    )


@pytest.mark.parametrize("role", sorted(resources("AWS::IAM::Role")))
def test_no_role_of_ours_may_decide(role: str) -> None:
    for source in (outcomes.SOURCE, outcomes.OPERATORS_SOURCE):
        request = put(role, "ApprovalDecided", source)
        open_ = [grant for grant in policies_of(TEMPLATE)[role] if grant.allows(request)]
        assert not open_, f"{role} may send {source}'s ApprovalDecided: only operators decide"


def test_what_cannot_be_read_from_the_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def trees(name: str) -> ast.Module:
        return ast.parse("bus.announce(settings.orders_bus, some_type, details)")

    monkeypatch.setattr(announced, "_tree", trees)
    with pytest.raises(UserError, match=r"^order_intake.handlers.x announces a type of event that"):
        announced.of_handler("order_intake.handlers.x.handler")


@pytest.mark.parametrize(
    ("entry", "types"),
    [
        ({"DetailType": "OrderFileFailed"}, ["OrderFileFailed"]),
        ({"DetailType": "{% $announcement.detail_type %}"}, OUTCOMES),
    ],
)
def test_types_of_a_state_are_read(entry: dict[str, Any], types: list[str]) -> None:
    assert announced.of_state("Tell", entry) == types


def test_expression_of_a_state_that_may_be_any_type_is_refused() -> None:
    with pytest.raises(UserError, match=r"^Tell: which events {% \$anything %} announces cannot"):
        announced.of_state("Tell", {"DetailType": "{% $anything %}"})
