"""The ledger's values as DynamoDB's, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_intake.adapters import dynamo_values

SCALARS = st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text()
ITEMS = st.dictionaries(
    st.text(min_size=1), SCALARS | st.dictionaries(st.text(), SCALARS) | st.lists(SCALARS)
)


@given(ITEMS)
def test_what_goes_in_comes_out(item: dict[str, object]) -> None:
    assert dynamo_values.decode(dynamo_values.encode(item)) == item


def test_values_have_dynamodbs_types() -> None:
    assert dynamo_values.encode({"n": 7, "yes": True, "m": {"s": "x"}, "l": ["x"]}) == {
        "n": {"N": "7"},
        "yes": {"BOOL": True},
        "m": {"M": {"s": {"S": "x"}}},
        "l": {"L": [{"S": "x"}]},
    }


@pytest.mark.parametrize("value", [1.5, [1.5], b"x"])
def test_what_the_ledger_does_not_keep_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        dynamo_values.encode({"value": value})
