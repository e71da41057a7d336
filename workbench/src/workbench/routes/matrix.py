"""Asking: every event against every rule as deployed, whichever bus it is on."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.routes.near_misses import near_misses
from workbench.routes.questions import Question, aws_events, function_events, scenarios
from workbench.stages.deployed import Deployed


@dataclass(frozen=True)
class Answer:
    """Which rules take an event, as EventBridge itself matches."""

    question: Question
    taken_by: tuple[str, ...]

    @property
    def as_expected(self) -> bool:
        """Whether exactly the expected rules take it."""
        return sorted(self.taken_by) == sorted(self.question.expected)


def questions(deployed: Deployed) -> list[Question]:
    """All of events/, AWS's own events, and the near misses of every rule."""
    makers = (scenarios, function_events, aws_events)
    known = [question for make in makers for question in make(deployed)]
    return [*known, *near_misses(deployed, known)]


def ask(deployed: Deployed, asked: Iterable[Question]) -> Iterator[Answer]:
    """The answer to each question."""
    events = deployed.stage.client("events")
    for question in asked:
        event = json.dumps(question.event)
        taken_by = tuple(
            rule.name
            for rule in deployed.rules
            if events.test_event_pattern(EventPattern=rule.pattern, Event=event)["Result"]
        )
        yield Answer(question, taken_by)
