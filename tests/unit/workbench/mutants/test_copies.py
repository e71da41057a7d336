"""A flaw is there while a check runs, and gone afterwards; what a check said is told in a line."""

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.mutants import checks, copies
from workbench.mutants.__main__ import _part
from workbench.mutants.changes import Change
from workbench.mutants.checks import Catch, Check
from workbench.mutants.copies import Copy, StoppedError
from workbench.mutants.flaws import Flaw
from workbench.stages.errors import UserError

README = "README.md"
FLAW = Flaw("text", "another title", README, Change("title", 0, 1, "FLAWED ", "# → FLAWED"), 0)
SEES = Check("sees", ("-c", f"print('x: flawed'); exit('FLAWED' in open('{README}').read())"))
BLIND = Check("blind", ("-c", "pass"))
BROKEN = Check("broken", ("-c", "exit('it is broken')"))


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """A copy of one file."""
    monkeypatch.setattr(copies, "sources", lambda: [README])
    return Copy(tmp_path / "a copy", set())


def checked_by(monkeypatch: pytest.MonkeyPatch, *some: Check) -> None:
    monkeypatch.setattr(checks, "of", lambda flaw, root: list(some))


def test_first_check_that_sees_a_flaw_tells_and_the_copy_is_whole_again(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (copy.root / README).read_text()
    checked_by(monkeypatch, BLIND, SEES, BROKEN)

    assert copy.try_out(FLAW) == Catch("sees", "x: flawed")
    assert (copy.root / README).read_text() == whole


def test_flaw_that_no_check_sees_survives(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    checked_by(monkeypatch, BLIND)
    assert copy.try_out(FLAW) is None


def test_check_that_breaks_on_a_flaw_has_not_told_what_is_wrong(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = f"print(\"KeyError: 'Retry'\"); exit('FLAWED' in open('{README}').read())"
    crashes = Check("crashes", ("-c", crash))

    checked_by(monkeypatch, crashes, SEES)
    assert copy.try_out(FLAW) == Catch("sees", "x: flawed")
    checked_by(monkeypatch, crashes)
    assert copy.try_out(FLAW) is None
    assert copy.try_out(replace(FLAW, kind="code")) == Catch("crashes", "KeyError: 'Retry'")


def test_check_that_fails_anyway_catches_nothing(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked_by(monkeypatch, BROKEN)
    with pytest.raises(UserError, match="broken fails without any flaw: it is broken"):
        copy.try_out(FLAW)


def test_stopped_copy_checks_nothing(copy: Copy) -> None:
    copy.stop()
    with pytest.raises(StoppedError):
        copy.evaluate(BLIND)


def test_failed_test_is_reported_with_its_reason() -> None:
    output = """\
tests/unit/test_a.py:3: in test_a
E   AssertionError: the key must rotate
E   assert False
E    +  where False = rotates(key)
FAILED tests/unit/test_a.py::test_a[one two] - AssertionError: the key must rotate
"""
    reported = checks.read(BLIND, output)
    assert reported.check == "tests/unit/test_a.py::test_a[one two]"
    assert reported.said == "AssertionError: the key must rotate assert False"


def test_linter_is_reported_with_its_first_line() -> None:
    reported = checks.read(
        BLIND, "--- cfn-lint\nE3001 no such type\nmore\nFAILED  cfn-lint (3 s)\n"
    )
    assert reported == Catch("blind", "E3001 no such type")


def test_scanner_is_reported_with_what_it_checks() -> None:
    output = "--- checkov\nsecrets scan results:\n\nCheck: CKV_SECRET_6: Base64\n\tFAILED for x\n"

    assert checks.read(BLIND, output).said == "Check: CKV_SECRET_6: Base64"


@pytest.mark.parametrize(("text", "part"), [("", (0, 1)), ("1/10", (0, 10)), ("10/10", (9, 10))])
def test_part_of_all_flaws(text: str, part: tuple[int, int]) -> None:
    assert _part(text) == part


@pytest.mark.parametrize("text", ["0/10", "11/10", "1", "a/b", "1/0", "-1/3"])
def test_part_that_is_none_is_one_clear_line(text: str) -> None:
    with pytest.raises(UserError, match=f"PART={text} is not a part such as 3/10"):
        _part(text)
