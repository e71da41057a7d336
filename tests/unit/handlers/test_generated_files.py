"""Generated files and events through the direct route: each ends in an outcome that adds up."""

import contextlib
import copy
import csv
import functools
import io
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from order_intake import environment, logs
from order_intake.domain.errors import InvalidInput, PermanentError, TransientError
from order_intake.handlers.decide_approval import handler as decide
from order_intake.handlers.intake_small_file import handler
from order_intake.handlers.notify_partner import handler as notify
from order_intake.handlers.register_file import handler as register
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import GOOD, HEADER, Put, context, file_id_of, upload_in
from tests.unit.handlers.test_decide_approval import decision
from tests.unit.handlers.test_notify_partner import EVENT as OUTCOME

pytestmark = pytest.mark.usefixtures("rates", "orders_database")
# The fixtures hold no state that one example could leave to the next: each file is another.
generated = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

AWKWARD = [
    "",
    " ",
    "1e9",
    "NaN",
    "\uff11\uff12",
    "1,5",
    "=1+1",
    "@x",
    "-3",
    "0",
    '"',
    'a"b',
    "a\nb",
    "\r",
]
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
field = st.sampled_from(AWKWARD) | text
number = st.integers(-3, 9).map(str) | field
price = st.sampled_from(["2.55", "0.01", "1.2345", "0", "-1"]) | field
day = st.sampled_from(["2010-12-01 08:26:00", "2010-02-30 00:00:00", "2010-12-01"]) | field
invoice = st.sampled_from(["536365", "C536366", "536367"]) | field
row = st.tuples(invoice, field, field, number, day, price, st.just("17850.0") | field, field).map(
    list
)
rows = st.lists(row | st.lists(field, min_size=1, max_size=10), max_size=12)


def ending(cloud: FakeCloud, event: dict[str, Any]) -> dict[str, Any]:
    """The event of the outcome that a file ended with; handed over, the totals are to come."""
    answer = handler(event, context())
    if answer["outcome"] == "handed_over":
        return {}
    [detail] = cloud.events.details(f"OrderFile{answer['outcome']}")[-1:]
    assert detail["file_id"] == file_id_of(event)
    return detail


def check_it_adds_up(cloud: FakeCloud, detail: dict[str, Any]) -> None:
    """Lines in = accepted + refused, in the event and in the objects; sums are those of lines."""
    if detail["lines_in"] is None:
        return
    refused = sum(detail["refused"].values())
    assert detail["lines_in"] == detail["accepted"] + refused
    work = cloud.s3.objects(f"work/{detail['file_id']}/")
    priced = [
        line
        for key, body in work.items()
        if "/priced/" in key
        for line in csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True)
    ]
    reported = [
        msgspec.json.decode(line)
        for key, body in work.items()
        if "/refused/" in key
        for line in body.splitlines()
    ]
    assert len(priced) == detail["accepted"]
    assert Counter(one["reason"] for one in reported) == detail["refused"]
    assert sum(Decimal(one["amount"]) for one in priced) == Decimal(detail["total"])
    assert sum(Decimal(one["house_amount"]) for one in priced) == Decimal(detail["house_total"])
    assert (
        len({one["line"] for one in priced} | {str(one["line"]) for one in reported})
        == (detail["lines_in"])
    )


@generated
@given(rows=rows, line_end=st.sampled_from(["\n", "\r\n"]), mark=st.booleans())
def test_any_rows_are_accounted_for(
    cloud: FakeCloud, put: Put, rows: list[list[str]], line_end: str, mark: bool
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=line_end).writerows(rows)
    body = (b"\xef\xbb\xbf" if mark else b"") + HEADER + written.getvalue().encode()

    detail = ending(cloud, put(body))

    if detail:
        assert detail["outcome"] in ("Accepted", "Rejected", "Duplicate")
        check_it_adds_up(cloud, detail)


@generated
@given(body=st.binary(max_size=300) | st.binary(max_size=100).map(HEADER.__add__))
def test_any_bytes_have_an_outcome_with_a_reason(cloud: FakeCloud, put: Put, body: bytes) -> None:
    detail = ending(cloud, put(body))

    if detail:
        assert detail["outcome"] in ("Accepted", "Rejected", "Duplicate")
        assert detail["reason"] or detail["outcome"] != "Rejected"
        check_it_adds_up(cloud, detail)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
events = json | st.fixed_dictionaries(
    {
        "id": json,
        "source": st.sampled_from(["aws.s3", "order-intake", "order-intake.operators"]) | text,
        "detail-type": st.sampled_from(["Object Created", "ApprovalDecided"]) | text,
        "time": st.just("2026-03-02T12:00:00Z") | text,
        "detail": json | st.fixed_dictionaries({"file_id": json, "decision": json}),
    }
)


@generated
@given(event=events)
def test_any_event_is_refused_by_its_name_or_understood(cloud: FakeCloud, event: Any) -> None:
    for function in (handler, register, decide, notify):
        with pytest.raises(InvalidInput):
            function(event, context())
    assert not cloud.events.put


def fields_of(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of every field of an event, those that hold others included."""
    for name, value in node.items():
        yield (*path, name)
        if isinstance(value, dict):
            yield from fields_of(value, (*path, name))


def with_field(event: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """The event with another value in one field."""
    changed = copy.deepcopy(event)
    functools.reduce(dict.__getitem__, path[:-1], changed)[path[-1]] = value
    return changed


@generated
@given(data=st.data())
def test_an_event_with_one_other_field_is_understood_or_an_error_of_ours(
    cloud: FakeCloud, put: Put, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setenv("PARTNER_WEBHOOK_SECRET_ARN", environment.NOT_CONFIGURED)
    upload, outcome = put(HEADER + GOOD), {**OUTCOME, "id": "event-2", "resources": []}
    one_of_each: dict[logs.Handler, dict[str, Any]] = {
        handler: upload,
        register: upload_in(upload),
        decide: decision(file_id_of(upload)),
        notify: outcome,
    }

    for function, event in one_of_each.items():
        path = data.draw(st.sampled_from(list(fields_of(event))))
        changed = with_field(event, path, data.draw(json))
        with contextlib.suppress(PermanentError, TransientError):  # told by its name
            function(changed, context())
