"""What `make check` says of mistakes: each with its file and line, in at most three lines."""

import shutil
from collections.abc import Iterator

import pytest

from tests.infrastructure.broken_edits import DEFINITION, EDITS, TEMPLATE, Edit, rounds
from workbench.checks import check
from workbench.checks.linting import definition
from workbench.mutants.checked import CheckedCopy

MOST_LINES = 3
pytestmark = pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckedCopy]:
    assert check.check() == []  # what is found here is kept for the copy
    with CheckedCopy(tmp_path_factory.mktemp("checked") / "copy") as made:
        assert made.findings() == []
        yield made


@pytest.mark.parametrize("edits", rounds(), ids=lambda edits: edits[0].name.replace(" ", "-"))
def test_every_mistake_is_reported_at_its_place(edits: list[Edit], copy: CheckedCopy) -> None:
    texts: dict[str, str] = {}
    made: list[tuple[Edit, str, str]] = []
    for edit in edits:
        before = texts.get(edit.file) or (copy.root / edit.file).read_text(encoding="utf-8")
        texts[edit.file] = edit.applied(before)
        made.append((edit, texts[edit.file], before))

    with copy.edited(texts):
        found = copy.findings()

    said = "\n".join(map(str, found))
    for edit, text, before in made:
        if edit.kind == "validators" and definition.missing():
            continue  # only those that need Node know it
        file = edit.found_in or edit.file
        whole = texts.get(file) or (copy.root / file).read_text(encoding="utf-8")
        line = edit.line(whole, text, before)
        there = [one for one in found if (one.file, one.line) == (file, line)]
        assert any(edit.says in one.what for one in there), (
            f"{edit.name}: not reported at {file}:{line} as {edit.says!r}:\n{said}"
        )
    assert len(found) <= MOST_LINES * len(edits), said


def test_there_are_enough_mistakes() -> None:
    assert len(EDITS) >= 40
    assert {TEMPLATE, DEFINITION} < {edit.file for edit in EDITS}
