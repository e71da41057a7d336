"""WeighParcel: a gram a byte, up to a limit."""

import pytest
from parcels.weigh_parcel import LIMIT, TooHeavy, handler


def test_a_parcel_at_the_limit_is_carried() -> None:
    assert handler({"key": "incoming/a", "size": LIMIT}, None) == {"grams": LIMIT}


def test_a_parcel_above_the_limit_is_not() -> None:
    with pytest.raises(TooHeavy):
        handler({"key": "incoming/a", "size": LIMIT + 1}, None)
