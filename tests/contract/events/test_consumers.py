"""Whoever takes an event from the orders bus takes additions to it, and refuses what breaks it.

The events are those of events/bus; what breaks them is made from the schemas as they were released.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from order_intake import payloads
from order_intake.domain import outcomes
from order_intake.domain.errors import InvalidInput
from order_intake.handlers import notify_partner
from tests.template import resources
from workbench.checks import released_schemas
from workbench.stages.stage import ROOT

# The functions that take events of the orders bus, and how each reads one.
READERS: dict[str, Callable[[Any], object]] = {
    "NotifyPartner": lambda event: payloads.decode(event, notify_partner.Event),
    "DecideApproval": outcomes.decision_of,
}
# Topics get the event as it is; people read it.
TOPICS = {"Operators"}
# Published for whoever asks the archive; no rule takes it.
ARCHIVED_ONLY = {"ReconciliationFinding"}


def reader_of(target: str) -> str:
    """The function that reads a queue; any other target reads by itself."""
    mappings = resources("AWS::Lambda::EventSourceMapping").values()
    read = {
        each["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]: each["Properties"]["FunctionName"]
        for each in mappings
    }
    return str(read[target]["Ref"]) if target in read else target


def deliveries() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(consumer, detail type, target) of everything that a rule delivers from the orders bus."""
    for rule in resources("AWS::Events::Rule").values():
        properties = rule["Properties"]
        for target in properties["Targets"] if "EventBusName" in properties else []:
            arn = target["Arn"]
            consumer = reader_of(arn["Ref"] if "Ref" in arn else arn["Fn::GetAtt"][0])
            for kind in properties["EventPattern"]["detail-type"]:
                yield consumer, kind, target


READ = sorted((name, kind) for name, kind, _ in deliveries() if name not in TOPICS)


def event_of(kind: str) -> dict[str, Any]:
    """An event of this type that fits its schema."""
    for path in sorted((ROOT / "events" / "bus").glob("*.json")):
        event: dict[str, Any] = json.loads(path.read_text())
        if event["detail-type"] == kind and not released_schemas.problems(event):
            return event
    raise AssertionError(f"events/bus has no {kind} that fits its schema")


def of_version_1(kind: str) -> list[str]:
    """The fields that the first release of an event had."""
    schema = json.loads(released_schemas.released(kind)[1, 0].read_text())
    required: list[str] = schema["properties"]["detail"]["required"]
    return required


def breaks(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Events that a change which is no addition would make of it; (what was changed, event)."""
    newest = released_schemas.latest(kind)
    assert newest
    event, detail = event_of(kind), newest[1]["properties"]["detail"]
    for name in detail["required"]:
        for what, value in (("is gone", ...), ("is of another type", [["x"]])):
            broken = copy.deepcopy(event)
            broken["detail"][name] = value
            if value is ...:
                if kind.startswith("OrderFile") and name not in of_version_1(kind):
                    continue  # events of version 1 lack it, and are read
                del broken["detail"][name]
            yield f"{name} {what}", broken
        if "enum" in detail["properties"][name]:
            broken = copy.deepcopy(event)
            broken["detail"][name] = "Unheard"
            yield f"{name} is an unknown word", broken
    for text in ("3.0", "0.9", "20.0", "2", "2.x", ""):
        broken = copy.deepcopy(event)
        broken["detail"]["schema_version"] = text
        yield f"version {text!r}", broken
    yield "another source", event | {"source": "somebody.else"}


def test_it_is_known_who_takes_each_published_event() -> None:
    consumers = {name for name, _, _ in deliveries()}
    taken = {kind for _, kind, _ in deliveries()}
    published = {path.name for path in released_schemas.FOLDER.iterdir()}

    assert consumers == set(READERS) | TOPICS
    assert published - taken == ARCHIVED_ONLY


@pytest.mark.parametrize(("consumer", "kind"), READ)
def test_a_consumer_takes_additions(consumer: str, kind: str) -> None:
    event = event_of(kind)
    READERS[consumer](event)

    added = copy.deepcopy(event) | {"trace-header": "x"}
    added["detail"] |= {"schema_version": "2.99", "weight": {"kg": "12.5"}}
    READERS[consumer](added)


@pytest.mark.parametrize("kind", [kind for name, kind in READ if name == "NotifyPartner"])
def test_an_outcome_of_version_1_is_read(kind: str) -> None:
    """Executions that began before an update, queues and the archive bring such events."""
    event = copy.deepcopy(event_of(kind))
    event["detail"] = {name: event["detail"][name] for name in of_version_1(kind)}

    READERS["NotifyPartner"](event | {"detail": event["detail"] | {"schema_version": "1.0"}})


def test_a_decision_of_version_1_is_refused_by_a_name_of_its_own() -> None:
    event = copy.deepcopy(event_of("ApprovalDecided"))
    del event["detail"]["question_id"]
    event["detail"]["schema_version"] = "1.3"

    with pytest.raises(outcomes.NoQuestionNamed, match=r"version 1\.3 does not say which question"):
        outcomes.decision_of(event)


@pytest.mark.parametrize(("consumer", "kind"), READ)
def test_a_consumer_refuses_every_break(consumer: str, kind: str) -> None:
    taken = []
    for what, event in breaks(kind):
        try:
            READERS[consumer](event)
        except InvalidInput:
            continue
        taken.append(what)
    assert taken == []


@pytest.mark.parametrize(
    ("kind", "target"), [(kind, target) for name, kind, target in deliveries() if name in TOPICS]
)
def test_people_are_reported_the_whole_event(kind: str, target: dict[str, Any]) -> None:
    """No transformer stands between: what is added arrives, and what is gone is not made up."""
    assert not {"Input", "InputPath", "InputTransformer"} & set(target), kind
