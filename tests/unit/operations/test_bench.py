"""What a measurement says of itself, and that its figures are kept."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.bench import cloud
from operations.bench.pricing import bare_loop
from tests.template import functions
from workbench.application.interface import application
from workbench.bench import __main__ as bench
from workbench.bench import imports
from workbench.bench.figures import Figure, medians, write
from workbench.stages.errors import UserError

LINE = b"536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"


@pytest.mark.parametrize(
    ("bound", "met"),
    [(None, True), (("at most", 2), True), (("at most", 1.9), False), (("at least", 2.1), False)],
)
def test_a_figure_knows_whether_it_keeps_its_bound(bound: object, met: bool) -> None:
    figure = Figure("name", 2.0, "s", bound)  # type: ignore[arg-type]

    assert figure.is_met == met
    assert ("MISSED" in figure.line()) == (not met)


def test_medians_are_taken_in_turns() -> None:
    order: list[str] = []

    def action(name: str, values: list[float]) -> float:
        order.append(name)
        return values.pop()

    first, second = [9.0, 1.0, 2.0], [4.0, 6.0, 5.0]
    taken = medians({"a": lambda: action("a", first), "b": lambda: action("b", second)}, 3)

    assert taken == {"a": 2.0, "b": 5.0}
    assert order == ["a", "b"] * 3


def test_figures_are_kept_in_a_file(tmp_path: Path) -> None:
    write([Figure("one", 1.5, "ms"), Figure("two", 2.0, "s", ("at most", 3))], tmp_path / "f")

    first, second = (tmp_path / "f").read_text().splitlines()
    assert first.startswith("one")
    assert "1.50 ms" in first
    assert "reached" in second


def test_the_bare_loop_does_the_same_sum() -> None:
    assert str(bare_loop(LINE * 2)) == "35.56"  # 6 × 2.55 ÷ 0.86075, twice


def test_what_was_measured_is_kept_when_a_later_measurement_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure() -> Iterator[Figure]:
        yield Figure("one", 1.5, "ms")
        raise UserError("the second one cannot be measured")

    monkeypatch.setattr(bench, "FILE", tmp_path / "bench.txt")
    monkeypatch.setattr(bench, "part", lambda name: measure)

    with pytest.raises(UserError):
        bench.main(["--only", "pricing"])

    assert (tmp_path / "bench.txt").read_text().startswith("one ")


def test_a_replay_that_differs_says_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = (
        "  OK      one  rule  Accepted  0.1 s\n"
        "  DIFFERS two  rule  Failed  0.1 s\n"
        "          outcome: expected Accepted, got Failed\n"
        "replayed 2, as expected 1, differ 1\n"
    )
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, printed)
    )

    with pytest.raises(UserError) as error:
        cloud.replay_all()

    said = str(error.value)
    assert "DIFFERS two" in said
    assert "outcome: expected Accepted, got Failed" in said
    assert "one" not in said


def test_the_module_of_every_function_is_imported() -> None:
    found = imports.modules()

    assert set(found) == set(functions())
    assert found["PriceChunk"] == "order_intake.handlers.price_chunk"
    assert set(application().slow_imports) <= set(found)


def test_each_measurement_of_the_application_is_there() -> None:
    for name in application().benchmarks:
        assert callable(bench.part(name))


def test_an_unknown_part_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="ONLY=x: there are imports, pricing"):
        bench.main(["--only", "x"])


def test_it_measures_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "dev")

    with pytest.raises(UserError, match="on this machine"):
        bench.main(["--only", "pricing"])
