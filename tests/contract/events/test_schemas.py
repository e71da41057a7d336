"""Published events: schema, code and events/ agree, and what changes is shown by its version."""

import copy
import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from jsonschema import Draft4Validator

from operations.deployed import Deployed
from operations.files import decide
from order_intake.domain import outcomes
from order_intake.domain.results import Totals
from order_intake.domain.uploads import IncomingFile
from tests.template import resources
from workbench.checks import released_schemas, schemas
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT, ROOT

KINDS = sorted(schemas.kinds())
FILE = IncomingFile("f1", "b", "k", "v", "p", 1, "2026-03-02T11:00:00Z", "direct", "c1")
TOTALS = Totals(3, 2, {"price_invalid": 1}, 1, "10.00", "GBP", "11.62", "EUR")
AT = "2026-03-02T12:00:00Z"


def released(kind: str) -> dict[str, Any]:
    last = released_schemas.latest(kind)
    assert last
    return copy.deepcopy(last[1])


def detail_of(kind: str) -> dict[str, Any]:
    """The schema of the detail, to be changed."""
    detail: dict[str, Any] = released(kind)["properties"]["detail"]
    return detail


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_publishes_what_was_released(kind: str) -> None:
    assert schemas.verdict(kind) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_draft_4(kind: str) -> None:
    for path in released_schemas.released(kind).values():
        schema = json.loads(path.read_text())
        assert schema["$schema"] == schemas.DRAFT
        Draft4Validator.check_schema(schema)
        # What later drafts say otherwise, and EventBridge's registry refuses.
        assert not {"const", "$defs", "examples", "exclusiveMinimum"} & words(schema)


def words(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        return set(schema).union(*(words(each) for each in schema.values()))
    return set().union(*map(words, schema)) if isinstance(schema, list) else set()


def test_every_folder_is_of_a_published_event() -> None:
    assert sorted(path.name for path in released_schemas.FOLDER.iterdir()) == KINDS


def named(source: Any) -> str:
    """A source of events as the template says it, with the project's name."""
    match source:
        case {"Ref": "Project"}:
            return PROJECT
        case {"Fn::Sub": str(text)}:
            return text.replace("${Project}", PROJECT)
    return str(source)


def test_every_rule_of_the_orders_bus_takes_events_with_a_schema() -> None:
    taken = set()
    for rule in resources("AWS::Events::Rule").values():
        if "EventBusName" in rule["Properties"]:
            pattern = rule["Properties"]["EventPattern"]
            sources = [named(source) for source in pattern["source"]]
            taken |= {(s, k) for s in sources for k in pattern["detail-type"]}
    assert taken <= {(source, kind) for kind, (source, _) in schemas.kinds().items()}


@pytest.mark.parametrize(
    "made",
    [
        outcomes.accepted(FILE, TOTALS, loaded=True, approval=None, closed_at=AT),
        outcomes.rejected(FILE, None, "not_utf8", "x", closed_at=AT),
        outcomes.declined(
            FILE,
            TOTALS,
            decided_by="ann",
            reason="approval_declined",
            explanation="no",
            loaded=False,
            closed_at=AT,
        ),
        outcomes.duplicate(FILE, "f0", closed_at=AT),
        outcomes.failed(
            FILE, None, "RatesRefused", "x", decided_by=None, loaded=None, closed_at=AT
        ),
    ],
    ids=lambda each: each.detail_type,
)
def test_what_the_code_makes_fits_its_schema(made: outcomes.Announcement) -> None:
    event = {"source": outcomes.SOURCE, "detail-type": made.detail_type}
    event |= {"detail": msgspec.to_builtins(made.detail)}
    assert released_schemas.problems(event) == []


@pytest.mark.parametrize("decision", decide.DECISIONS)
def test_what_an_operators_command_publishes_fits_its_schema(decision: str) -> None:
    stage = Mock(prefix="order-intake-local")
    put = stage.client.return_value.put_events
    put.return_value = {"FailedEntryCount": 0}
    bus = {"Name": "/order-intake/local/buses/orders/name", "Value": "order-intake-local-orders"}
    stage.client.return_value.get_parameters.return_value = {"Parameters": [bus]}
    row = {"file_id": {"S": "f1"}, "run": {"N": "2"}, "question": {"S": "orders"}}
    stage.client.return_value.get_item.return_value = {"Item": row}

    deployed = Deployed(stage, "000000000000")
    deployed.__dict__["buses"] = {"orders": "orders"}
    decide.give_decision(deployed, "f1", decision, "ann")

    (entry,) = put.call_args.kwargs["Entries"]
    event = {"source": entry["Source"], "detail-type": entry["DetailType"]}
    detail = json.loads(entry["Detail"])
    assert released_schemas.problems(event | {"detail": detail}) == []
    assert detail["question_id"] == "f1-2-orders"


def test_what_does_not_fit_is_reported_with_its_place() -> None:
    event = {"source": "order-intake", "detail-type": "ApprovalDecided"}
    detail = {"schema_version": "1.0", "file_id": "f1", "decision": "approved"}
    detail["question_id"] = "f1-1-threshold"

    assert released_schemas.problems(event | {"detail": detail}) == [
        "ApprovalDecided 2.0: $.detail.schema_version: '1.0' does not match '^2\\\\.[0-9]+$'",
        "ApprovalDecided 2.0: $.detail: 'decided_by' is a required property",
        "ApprovalDecided 2.0: $.source: 'order-intake' is not one of ['order-intake.operators']",
    ]
    assert released_schemas.problems({"detail-type": "Lost"}) == [
        "Lost: no schema was released of such an event"
    ]


def samples() -> list[Any]:
    found = []
    for path in sorted((ROOT / "events" / "bus").glob("*.json")):
        event = json.loads(path.read_text())
        toml = path.with_suffix(".toml").read_text()
        if event["detail-type"] not in schemas.kinds() or "dead_letter" in toml:
            continue
        if not event["detail"]["schema_version"].startswith("1."):
            found.append(pytest.param(event, id=path.stem))
    return found


@pytest.mark.parametrize("event", samples())
def test_the_sample_events_fit_their_schema(event: dict[str, Any]) -> None:
    source, _ = schemas.kinds()[event["detail-type"]]
    assert (released_schemas.problems(event) == []) == (event["source"] == source)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("1.0.json", b"{", "is not valid JSON"),
        ("1.0.json", b"\xff", "is not valid JSON"),
        ("1.0.json", b"[]", "is not a schema: it must be a JSON object"),
        ("first.json", b"{}", "'first' is not a version; it has two numbers, such as 1.0"),
    ],
)
def test_a_released_schema_that_does_not_read_is_one_line(
    name: str, text: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events" / "schemas" / "Kind" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    monkeypatch.setattr(released_schemas, "ROOT", tmp_path)
    monkeypatch.setattr(released_schemas, "FOLDER", path.parent.parent)

    with pytest.raises(UserError, match=says):
        released_schemas.latest("Kind")


def test_an_addition_breaks_nothing_and_needs_a_new_second_number() -> None:
    old, new = released("OrderFileAccepted"), released("OrderFileAccepted")
    new["properties"]["detail"]["properties"]["weight"] = {"type": "string"}
    new["properties"]["detail"]["required"].append("weight")
    assert [str(each) for each in schemas.changes(old, new)] == ["event.detail.weight: is new"]
    assert not any(each.breaks for each in schemas.changes(old, new))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("total", None, "event.detail.total: is no longer there"),
        ("file_id", {"type": "integer"}, "event.detail.file_id: may be integer now"),
        (
            "loaded",
            {"anyOf": [{"type": t} for t in ("boolean", "null", "string")]},
            "event.detail.loaded: may be string now",
        ),
        ("outcome", {"enum": ["Accepted", "Lost"]}, "may have values that were not known"),
        ("route", {"type": "string"}, "may have values that were not known"),
        ("total", {"anyOf": [{"type": "string"}, {"type": "null"}]}, "is gone"),
        ("lines_in", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "minimum was 0, is gone"),
        ("refused", {"type": "object", "additionalProperties": {"type": "string"}}, "string now"),
    ],
)
def test_a_break_is_reported_as_one(name: str, change: dict[str, Any] | None, says: str) -> None:
    old, new = detail_of("OrderFileAccepted"), detail_of("OrderFileAccepted")
    if change is None:
        del new["properties"][name]
        new["required"].remove(name)
    else:
        new["properties"][name] = change
    if name == "refused":  # may be null: what an object of it holds is compared without that
        old["properties"][name] = {"type": "object", "additionalProperties": {"type": "integer"}}
    reported = [str(each) for each in schemas.changes(old, new, "event.detail") if each.breaks]
    assert len(reported) == 1
    assert says in reported[0]


def test_a_field_that_may_be_missing_breaks_its_readers() -> None:
    old, new = detail_of("ApprovalDecided"), detail_of("ApprovalDecided")
    new["required"].remove("decided_by")
    assert [str(each) for each in schemas.changes(old, new)] == [
        "event.decided_by: may be missing now"
    ]


@pytest.mark.parametrize(
    ("version", "struct", "says"),
    [
        ("2.0", "more", "adds to the released version 2.0 (event.detail.weight: is new); "
                        "set SCHEMA_VERSION to 2.1"),
        ("2.1", "more", "ApprovalDecided: 2.1 is not released; run: make schemas"),
        ("2.0", "less", "breaks the released version 2.0 (event.detail.decided_by: is no longer "
                        "there); set SCHEMA_VERSION to 3.0"),
        ("2.1", "less", "2.1 must be readable for who knows 2.0, and is not"),
        ("3.0", "less", "ApprovalDecided: 3.0 is not released; run: make schemas"),
        ("1.9", "more", "version 1.9 is older than the released 2.0"),
    ],
)  # fmt: skip
def test_a_changed_struct_needs_its_version(
    version: str, struct: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = outcomes.ApprovalDecided
    fields = [(f.name, f.type) for f in msgspec.structs.fields(old)]
    fields = [*fields, ("weight", str)] if struct == "more" else fields[:-1]
    changed = msgspec.defstruct("ApprovalDecided", fields, namespace={"__doc__": old.__doc__})
    source = schemas.kinds()["ApprovalDecided"][0]
    monkeypatch.setattr(schemas, "kinds", lambda: {"ApprovalDecided": (source, changed)})
    monkeypatch.setattr(outcomes, "SCHEMA_VERSION", version)
    assert says in (schemas.verdict("ApprovalDecided") or "")
