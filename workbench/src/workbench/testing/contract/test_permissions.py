"""Whoever needs a permission has it, and nobody has another: roles, keys, buses and queues."""

from workbench.permissions import asked
from workbench.permissions.evaluation import evaluate
from workbench.permissions.platform import Platform
from workbench.testing.contract.deployed import platform_is_planned, template


@platform_is_planned
def test_no_permission_is_missing_unused_or_reaches_too_far() -> None:
    recorded = asked.kept() if asked.FILE.exists() else set()
    needed = asked.needs(recorded, template().handlers)
    lines = evaluate(template(), Platform.planned(), needed).lines
    assert not lines, "\n".join(lines)
