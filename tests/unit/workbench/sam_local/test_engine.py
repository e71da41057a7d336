"""What a person is told who has no container engine, may not use it, or has no image for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.sam_local import engine, image, standin
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, with no `docker` in it yet."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "sh").symlink_to(str(shutil.which("sh")))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def docker(programs: Path, script: str) -> None:
    program = programs / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "reported"),
    [
        ("echo 28.2.2", None),
        ("echo 'permission denied while trying to connect' >&2; exit 1", "you may not use"),
        ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", "is not running; start it"),
        ("exit 1", "is not running; start it"),
    ],
)
def test_an_engines_fault_is_reported(programs: Path, script: str, reported: str | None) -> None:
    docker(programs, script)

    fault = engine.find_fault()

    assert (fault is None) if reported is None else (fault is not None and reported in fault)
    assert "\n" not in (fault or "")


@pytest.mark.usefixtures("programs")
def test_no_engine_is_reported_with_where_to_get_one() -> None:
    assert engine.find_fault() == (
        "no container engine is installed; get one: https://docs.docker.com/engine/install"
    )


def test_an_engine_on_another_machine_is_refused(programs: Path) -> None:
    docker(programs, "echo '[]'")

    with pytest.raises(UserError, match="not on this machine"):
        engine.bridge()


def test_an_engine_that_does_not_know_its_bridge_is_refused(programs: Path) -> None:
    docker(programs, "exit 1")

    with pytest.raises(UserError, match="not on this machine"):
        engine.bridge()


def test_no_image_and_no_registry_is_reported(programs: Path) -> None:
    docker(programs, "exit 1")

    with pytest.raises(UserError, match="make sam-local-image"):
        image.choose()


def test_an_image_that_was_pulled_is_never_replaced(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = tmp_path / "calls"
    docker(programs, f'echo "$@" >> "{calls}"; [ "$3" = "{image.AWS_IMAGE}" ]')

    assert image.provide() == image.choose() == image.AWS_IMAGE
    assert "AWS's own image is here" in capsys.readouterr().out
    assert set(calls.read_text().splitlines()) == {f"image inspect {image.AWS_IMAGE}"}


def test_a_stand_in_has_a_name_of_its_own_and_is_reported_as_one(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # No image of AWS's, no registry, and the stand-in of now.
    docker(programs, f'[ "$3" = --format ] && echo {standin.made_of()}')

    assert image.provide() == standin.NAME
    assert "stand-in" in capsys.readouterr().out
    assert not standin.NAME.startswith("public.ecr.aws")


@pytest.mark.parametrize(
    ("script", "reported"),
    [
        ("", "no container engine is installed"),
        ("echo 'permission denied' >&2; exit 1", "sudo usermod -aG docker"),
    ],
)
def test_the_commands_say_it_in_one_line(programs: Path, script: str, reported: str) -> None:
    if script:
        docker(programs, script)
    for command in ("all", "image"):
        done = subprocess.run(
            [sys.executable, "-m", "workbench.sam_local", command],
            cwd=ROOT, env=os.environ | {"STAGE": "local"}, capture_output=True, text=True,
        )  # fmt: skip

        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert reported in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_make_test_leaves_the_containers_out_in_one_line(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from workbench.checks import run_tests

    monkeypatch.delenv("SAM_LOCAL", raising=False)
    assert run_tests.run_containers([]) == 0
    line = capsys.readouterr().out
    assert line.startswith("tests/sam_local is left out: no container engine")
    assert line.count("\n") == 1

    monkeypatch.setenv("SAM_LOCAL", "required")
    with pytest.raises(UserError, match="is required and cannot run"):
        run_tests.run_containers([])
