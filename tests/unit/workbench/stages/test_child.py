"""A program that must not be cut off: an interruption reaches it once, and it is waited for."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.stages import child
from workbench.stages.stage import ROOT

# Notes each SIGINT, works on for a moment, and then says that it kept what it had.
CAREFUL = """
import signal, sys, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print("begun", flush=True)
while not seen:
    time.sleep(0.01)
for number in range(20):
    print("ending", flush=True)
    time.sleep(0.02)
open(sys.argv[1], "w").write(f"{len(seen)} interruption")
"""
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it,
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and what nohup starts ignores this one
from workbench.stages import child
from workbench.stages.errors import run
run(lambda: child.run([sys.executable, "-c", sys.argv[2], sys.argv[1]], print, env={}))
"""


def show_nothing(_: str) -> None:
    """Where a test does not look at the lines."""


def begin(kept: Path) -> "subprocess.Popen[str]":
    """A command of ours that runs the careful program, as soon as that has begun."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", COMMAND, str(kept), CAREFUL],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_reaches_it_once_and_waits_for_it(
    number: signal.Signals, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    process = begin(kept)

    os.killpg(process.pid, number)  # all of the terminal's group, as Ctrl-C does
    os.killpg(process.pid, number)  # an impatient person
    _, said = process.communicate(timeout=30)

    assert kept.read_text() == "1 interruption"
    assert (process.returncode, said) == (
        130, "interrupted; the same command again goes on from here\n"
    )  # fmt: skip


def test_it_ends_its_work_when_nobody_reads_any_more(tmp_path: Path) -> None:
    kept, program = tmp_path / "kept", "print('a'); print('b'); open({!r}, 'w').write('all')"

    def no_reader(_: str) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        child.run([sys.executable, "-c", program.format(str(kept))], no_reader, env={})
    assert kept.read_text() == "all"


def test_its_exit_code_and_lines_are_its_own() -> None:
    lines: list[str] = []
    program = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    assert child.run([sys.executable, "-u", "-c", program], lines.append, env={}) == 3
    assert lines == ["one\n", "two\n"]


def test_a_program_that_was_killed_is_said_to_be() -> None:
    kill = "import os; os.kill(os.getpid(), 9)"
    code = child.run([sys.executable, "-c", kill], show_nothing, env={})
    assert child.ended_by(code) == "it was ended by SIGKILL"
    assert child.ended_by(1) == ""


def test_a_program_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        child.run([tmp_path / "gone"], show_nothing, env={})
