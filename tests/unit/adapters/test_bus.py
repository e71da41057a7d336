"""Events out: all of them, in PutEvents' portions, or an error that passes."""

import pytest

from order_intake.adapters import bus
from order_intake.domain.errors import InvalidInput, ServiceBusy
from order_intake.domain.outcomes import ReconciliationFinding
from tests.unit.fakes import FakeCloud, client_error


def test_events_go_out_in_portions_of_ten(cloud: FakeCloud) -> None:
    bus.announce("orders", "ReconciliationFinding", [{"n": n} for n in range(23)])

    assert [d["n"] for d in cloud.events.details("ReconciliationFinding")] == list(range(23))
    assert {(e["Source"], e["EventBusName"]) for e in cloud.events.put} == {
        ("order-intake", "orders")
    }


def test_nothing_to_say_is_no_call(cloud: FakeCloud) -> None:
    cloud.fail("put_events", client_error("ValidationException"))

    bus.announce("orders", "ReconciliationFinding", [])


def test_what_does_not_fit_its_schema_does_not_go_out(cloud: FakeCloud) -> None:
    right = {"file_id": "f1", "key": "k", "explanation": "x"}
    fine = ReconciliationFinding(kind="upload_without_outcome", **right)
    wrong = ReconciliationFinding(kind="lost", **right)  # type: ignore[arg-type]

    with pytest.raises(InvalidInput, match="does not fit its schema"):
        bus.announce("orders", "ReconciliationFinding", [fine, wrong])
    assert not cloud.events.put


def test_a_refused_entry_is_noticed(cloud: FakeCloud) -> None:
    cloud.events.refuse = 1

    with pytest.raises(ServiceBusy, match="ThrottlingException"):
        bus.announce("orders", "OrderFileAccepted", [{}])
