"""Every function has its fixtures in events/functions/, and every rule its scenarios."""

import pytest

from workbench.sam_local import fixtures
from workbench.testing.contract.deployed import FUNCTION, of_type

FIXTURES = fixtures.all_fixtures()


@pytest.mark.parametrize("name", sorted(of_type(FUNCTION)))
def test_one_fixture_of_a_function_succeeds_and_one_fails(name: str) -> None:
    ends = {one.fails for one in FIXTURES if one.function == name}
    for fails, wanted in ((False, "[expect.payload]"), (True, "[expect] with an errorType")):
        assert fails in ends, (
            f"events/functions/{name}/: no fixture {'fails' if fails else 'succeeds'}; add an "
            f"event as .json, and beside it a .toml with {wanted}"
        )


def test_every_fixture_is_one_of_a_function() -> None:
    for one in FIXTURES:
        known = one.function in of_type(FUNCTION)
        assert known, f"events/functions/{one.function}/: template.yaml has no such function"


def test_every_file_is_part_of_a_fixture() -> None:
    parts = {path for one in FIXTURES for path in (one.path, one.path.with_suffix(".toml"))}
    alone = {path for path in fixtures.FUNCTIONS.rglob("*") if path.is_file()} - parts
    said = ", ".join(sorted(str(path.relative_to(fixtures.FUNCTIONS)) for path in alone))
    assert not alone, f"events/functions/: {said}: a fixture is an event's .json and its .toml"
