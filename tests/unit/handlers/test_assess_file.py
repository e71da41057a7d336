"""AssessFile: from the chunks' results to the verdict."""

from typing import Any

import pytest

from order_intake.domain.errors import InvalidInput
from order_intake.handlers.assess_file import handler
from tests.unit.fakes import FakeCloud
from tests.unit.handlers.conftest import context, priced

TERMS = {"approval_threshold": "100000.00", "tolerance": "0.5"}


@pytest.fixture
def known(cloud: FakeCloud, started: dict[str, Any]) -> dict[str, Any]:
    done = priced(started, cloud)
    return {"file": done["file"], "chunks": done["chunks"]}


@pytest.mark.parametrize(
    ("terms", "verdict"),
    [
        (TERMS, "load"),
        (TERMS | {"approval_threshold": "35.00"}, "approve"),
        (TERMS | {"tolerance": "0.01"}, "reject"),
    ],
)
def test_the_terms_that_were_kept_decide(
    known: dict[str, Any], terms: dict[str, str], verdict: str
) -> None:
    answer: Any = handler(known | {"terms": terms}, context())

    assert answer["verdict"] == verdict
    assert answer["totals"]["refused"] == {"price_not_positive": 1}
    assert answer["totals"]["house_total"] == "35.56"
    assert (answer["reason"] is not None) == (verdict == "reject")


def test_a_missing_chunk_is_never_taken_for_an_empty_one(known: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"results/00001\.json"):
        handler(known | {"chunks": 2, "terms": TERMS}, context())
