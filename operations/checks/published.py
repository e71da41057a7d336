"""The events that go over the orders bus: who publishes which type, and of what form."""

import sys
from typing import get_args

import msgspec

from workbench.stages.stage import PROJECT, ROOT

sys.path.insert(0, str(ROOT / "src"))

from order_intake.domain import outcomes

OPERATORS = f"{PROJECT}.operators"
OUTCOMES = tuple(f"OrderFile{name}" for name in get_args(outcomes.OutcomeName))


def kinds() -> dict[str, tuple[str, type[msgspec.Struct]]]:
    """Return source and detail of each event, by its type."""
    return {
        **dict.fromkeys(OUTCOMES, (PROJECT, outcomes.Outcome)),
        "ApprovalRequested": (PROJECT, outcomes.ApprovalRequested),
        "ApprovalDecided": (OPERATORS, outcomes.ApprovalDecided),
        "ReconciliationFinding": (PROJECT, outcomes.ReconciliationFinding),
    }


def version() -> str:
    """Return the version that the code publishes."""
    return outcomes.SCHEMA_VERSION
