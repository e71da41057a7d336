import concurrent.futures
import stat
from pathlib import Path

import pytest

from workbench.machine import npm

# Counts its calls, takes its time, and installs something.
NPM = """#!/bin/sh
echo call >>"$CALLS"
sleep 0.2
mkdir -p node_modules/one
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(NPM)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    folder = tmp_path / "sources"
    folder.mkdir()
    for name in npm.NAMES:
        (folder / name).write_text("{}")
    return folder


def test_several_at_once_install_once_and_whole(sources: Path, tmp_path: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: npm.install(sources, tmp_path / "there"), range(4)))

    assert answers == [None] * 4
    assert (tmp_path / "calls").read_text() == "call\n"
    assert (tmp_path / "there" / "node_modules" / "one").is_dir()


def test_what_is_locked_anew_is_installed_anew(sources: Path, tmp_path: Path) -> None:
    for text in ("{}", "{ }", "{ }"):
        (sources / npm.NAMES[1]).write_text(text)
        assert npm.install(sources, tmp_path / "there") is None

    assert (tmp_path / "calls").read_text() == "call\n" * 2


def test_failure_is_one_line_and_leaves_what_was_there(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm.install(sources, tmp_path / "there")
    (tmp_path / "bin" / "npm").write_text("#!/bin/sh\necho npm error no registry >&2\nexit 1\n")
    (sources / npm.NAMES[0]).write_text("{ }")

    assert npm.install(sources, tmp_path / "there") == "npm ci failed: no registry"
    assert (tmp_path / "there" / "node_modules").is_dir()
    monkeypatch.setenv("PATH", "/nowhere")
    assert npm.install(sources, tmp_path / "there") == "npm is not found"
