"""What `make try-pins` makes of the results of tests, and which tests it knows of."""

import pytest

from workbench.checks import try_pins
from workbench.checks.try_pins import Tried
from workbench.local_cloud.emulator.patches import PATCHES
from workbench.stages.stage import ROOT

SAID = """
..F.                                                                     [100%]
=========================== short test summary info ============================
PASSED tests/local_cloud/test_a.py::test_log
PASSED tests/local_cloud/test_a.py::test_kind[a - b]
SKIPPED [1] tests/local_cloud/test_a.py:143: workers are forked on Linux only
FAILED tests/local_cloud/test_a.py::test_retry - assert 1 == 2
ERROR tests/local_cloud/test_b.py::test_start - AssertionError: not within 60 s
"""


def test_every_patch_has_a_test_that_is_marked_with_its_name() -> None:
    tests = try_pins.tests_of_patches(ROOT)

    assert set(tests) == set(PATCHES)
    assert tests["shared_code"] == [
        "tests/local_cloud/patches/test_patches.py::test_package_is_unpacked_once"
    ]


def test_outcomes_are_read_from_what_pytest_says() -> None:
    assert try_pins.failed(SAID) == [
        "tests/local_cloud/test_a.py::test_retry",
        "tests/local_cloud/test_b.py::test_start",
    ]
    assert len(try_pins.outcomes(SAID)) == 4
    assert not try_pins.passes(SAID)


def test_tests_that_did_not_run_pass_nothing() -> None:
    assert not try_pins.passes("SKIPPED [1] tests/local_cloud/test_a.py:143: Linux only\n")
    assert not try_pins.passes("ERROR: file or directory not found: tests/local_cloud/a.py\n")
    assert try_pins.passes("PASSED tests/local_cloud/test_a.py::test_log\n")


@pytest.mark.parametrize(
    ("tried", "line"),
    [
        (Tried("exact_logs", "", [], passes_without=False), ""),
        (
            Tried("exact_logs", "RuntimeError: no such line", [], passes_without=False),
            "broken    exact_logs: cannot be applied: RuntimeError: no such line",
        ),
        (
            Tried("exact_logs", "", ["t.py::test_a", "t.py::test_b"], passes_without=False),
            "broken    exact_logs: fails with it: t.py::test_a, t.py::test_b",
        ),
        (
            Tried("exact_logs", "RuntimeError: no such line", [], passes_without=True),
            "obsolete  exact_logs: its tests pass without it",
        ),
    ],
)
def test_a_patch_that_is_not_fine_is_one_line(tried: Tried, line: str) -> None:
    assert tried.line == line


def test_the_pins_are_found() -> None:
    for package in try_pins.ENVIRONMENTS:
        assert try_pins.pinned(package)[0].isdigit()
