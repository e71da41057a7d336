"""Which of a stage's events are about a file."""

from collections.abc import Callable
from typing import Any

from workbench.stages.stage import PROJECT


def about(file_id: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event of the orders bus is about that file."""
    return lambda event: (
        event["source"].startswith(PROJECT)
        and event["detail-type"] != "ReconciliationFinding"
        and event["detail"].get("file_id") == file_id
    )


def outcome_of(file_id: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event announces that file's outcome."""
    of_the_file = about(file_id)
    return lambda event: of_the_file(event) and event["detail-type"].startswith("OrderFile")


def question_about(file_id: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event asks a person about that file."""
    of_the_file = about(file_id)
    return lambda event: of_the_file(event) and event["detail-type"] == "ApprovalRequested"
