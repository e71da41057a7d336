"""The flaws that live on purpose, and why."""

from pathlib import Path

import pytest

from workbench.mutants import __main__ as mutants
from workbench.mutants import flaws


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("# nobody survives\n", []),
        ('[[survivor]]\nmark = "3fcb5d6b"\nwhy = "nothing comes of it"\n', ["3fcb5d6b"]),
    ],
)
def test_explained_survivors_are_read(
    text: str, marks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "survivors.toml"
    file.write_text(text)
    monkeypatch.setattr(mutants, "SURVIVORS", file)

    assert list(mutants.survivors()) == marks


def test_without_a_file_none_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "SURVIVORS", tmp_path / "survivors.toml")

    assert mutants.survivors() == {}


def test_every_explained_survivor_is_a_flaw_that_can_still_be_made() -> None:
    assert set(mutants.survivors()) <= {flaw.mark for flaw in flaws.every()}, "take it out"
