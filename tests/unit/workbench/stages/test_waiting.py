"""The one way to wait: as long as it must, and no longer."""

import pytest

from workbench.stages.errors import UserError
from workbench.stages.waiting import wait_until, within


def test_the_first_value_that_counts_is_returned() -> None:
    values = iter([None, "", "there", "too late"])
    assert within(5, lambda: next(values), pause=0) == "there"


def test_after_the_limit_the_last_value_is_returned() -> None:
    looks = iter(range(5))
    assert within(0, lambda: next(looks) * 0) == 0
    assert next(looks) == 1  # it has looked once, all the same


def test_what_is_waited_for_is_named() -> None:
    with pytest.raises(UserError, match=r"^not within 0 s: the file has its outcome$"):
        wait_until(lambda: None, "the file has its outcome", 0)
