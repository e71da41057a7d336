"""What `make lint` runs is part of `make test`: each check by itself."""

import shutil

import pytest

from tools import lint


@pytest.mark.parametrize("name", lint.CHECKS)
def test_check_finds_nothing(name: str) -> None:
    if not shutil.which(lint.CHECKS[name][0]):
        pytest.fail(f"{lint.CHECKS[name][0]} is not installed; see make doctor")
    verdict = lint.check(name)
    assert verdict.passed, verdict.output
