"""Where a checkout may lie, and what the commands' exit codes become on the way through make."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.machine import doctor, setup
from workbench.stages.stage import ROOT


@pytest.mark.parametrize("name", ["cash$", 'a"b', "a`b", "a\\b", "a:b", "a\nb", "a\x1bb"])
def test_a_path_that_programs_cannot_take_is_one_line(name: str) -> None:
    with pytest.raises(SystemExit) as ended:
        setup.check_place(Path("/home/ana") / name)
    said = str(ended.value)
    assert said.startswith("error: the path of this checkout, '/home/ana/")
    assert "move it to another folder" in said
    assert "\n" not in said
    assert "\x1b" not in said


def test_spaces_quotes_and_other_letters_are_fine() -> None:
    setup.check_place(Path("/home/ana/a b'c%d#e ü(&;!)"))


@pytest.mark.parametrize("main", [setup.main, doctor.main])
def test_setup_and_doctor_look_at_it(main: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.check_place, "__defaults__", (Path("/home/cash$"),))
    with pytest.raises(SystemExit, match="move it to another folder"):
        main()  # type: ignore[operator]


def test_on_macos_the_doctor_says_that_it_is_not_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert doctor.machine() == "Darwin on arm64 (not tested on macOS)"


def test_where_nothing_runs_the_doctor_says_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    with pytest.raises(SystemExit, match="this is Windows; use Linux, WSL 2, macOS"):
        doctor.machine()


def test_a_second_setup_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venvs = tmp_path / ".venv"
    wait = (
        "import pathlib, sys; from workbench.machine import setup\n"
        "setup.VENVS = pathlib.Path(sys.argv[1])\n"
        "with setup._alone(): print('has it', flush=True)"
    )
    monkeypatch.setattr(setup, "VENVS", venvs)
    with setup._alone():
        second = subprocess.Popen(
            [sys.executable, "-c", wait, str(venvs)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert second.stdout
        assert "waiting for it" in second.stdout.readline()
    assert second.communicate(timeout=30)[0] == "has it\n"


def test_make_ends_with_2_and_prints_the_commands_own_status(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("it:\n\t@exit 3\n")
    done = subprocess.run(["make", "it"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Error 3" in done.stderr) == (2, True)
