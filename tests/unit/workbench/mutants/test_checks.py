"""The tests that see a flaw soonest run first, and all others after them."""

from pathlib import Path

import pytest

from operations.checks.first_tests import FIRST_TESTS
from workbench.mutants import checks
from workbench.mutants.changes import Change
from workbench.mutants.checks import Catch, Check
from workbench.mutants.flaws import Flaw
from workbench.stages.stage import ROOT

KINDS = ("terraform", "definition", "template", "pattern", "policy", "profile", "code")
CODE = "src/order_intake/domain/pricing.py"


def flaw(kind: str) -> Flaw:
    return Flaw(kind, "another", CODE, Change("place", 0, 1, "", "it is gone"), 0)


def paths(check: Check) -> list[str]:
    return [word for word in check.arguments if word.startswith(checks.TESTS)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flaw_that_nobody_has_seen_goes_through_every_contract_test(kind: str) -> None:
    found = checks.of(flaw(kind), ROOT)

    run = {path for check in found for path in paths(check)}
    (contract,) = [check for check in found if paths(check) == ["tests/contract"]]
    left_out = {
        word.removeprefix("--deselect=") for word in contract.arguments if "--deselect" in word
    }
    assert left_out == {path for path in run if "/contract/" in path}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_twice(kind: str) -> None:
    found = checks.of(flaw(kind), ROOT)

    assert len({check.name for check in found}) == len(found)


def test_a_flaw_in_code_meets_its_own_modules_tests_first() -> None:
    assert paths(checks.of(flaw("code"), ROOT)[0]) == ["tests/unit/domain/test_pricing.py"]


def test_an_application_without_tests_has_the_linters(tmp_path: Path) -> None:
    assert [check.name for check in checks.of(flaw("definition"), tmp_path)] == [
        "lint: workflow data",
        "lint: workflow definition",
        "lint: cfn-lint translated template",
    ]


def test_a_test_that_saw_a_flaw_is_tried_by_itself_where_there_is_none() -> None:
    whole = next(
        each for each in checks.of(flaw("pattern"), ROOT) if paths(each) == ["tests/contract"]
    )
    seen = Catch("tests/contract/test_names.py::test_a[one two]", "it is longer")

    only = whole.only(seen)

    assert only.name == "tests/contract/test_names.py::test_a"
    assert paths(only) == [only.name]
    assert not any("--deselect" in word for word in only.arguments)
    assert only.arguments[:2] == ("-m", "pytest")


@pytest.mark.parametrize("said", ["lint: mypy", "tests/unit"])
def test_a_linter_or_a_run_without_an_end_is_tried_as_it_is(said: str) -> None:
    check = Check(said, ("-m", "anything", "tests/unit"))

    assert check.only(Catch(said, "it did not end within 600 seconds")) == check


def test_every_first_test_is_there() -> None:
    for runs in FIRST_TESTS.values():
        for path in " ".join(runs).split():
            file, _, name = path.partition("[")[0].partition("::")
            assert (ROOT / file).is_file(), path
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8") or not name, path


def test_first_tests_are_of_kinds_that_there_are() -> None:
    assert set(FIRST_TESTS) <= {*KINDS, checks.SYSTEM}
