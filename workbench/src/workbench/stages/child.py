"""Runs a program that must not be cut off in the middle, such as Terraform."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workbench.local_cloud import interrupts


def run(
    command: Sequence[str | Path],
    show: Callable[[str], None],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
) -> int:
    """Run `command` to its end; its exit code, below zero the signal that ended it.

    `show` gets each line that it prints. It runs in a process group of its own: an interruption
    reaches it once, as SIGINT (a second one makes Terraform leave without its state), and it is
    waited for before the interruption goes on. The same when `show` cannot write any more.
    """
    process: subprocess.Popen[str] | None = None
    is_reported = False
    unshown: OSError | None = None

    def pass_on() -> None:
        nonlocal is_reported
        if process is not None and not is_reported:
            is_reported = True
            _end(process)

    with interrupts.interruptible(), interrupts.held(pass_on):
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            process_group=0,
        )  # fmt: skip
        if interrupts.is_pending():
            pass_on()
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        for line in process.stdout:
            if unshown is None:
                try:
                    show(line)
                except OSError as error:
                    unshown = error
        code = process.wait()
    if unshown:
        raise unshown
    return code


def _end(process: "subprocess.Popen[str]") -> None:
    try:
        os.killpg(process.pid, signal.SIGINT)
    except ProcessLookupError:
        return  # it has ended by itself


def ended_by(code: int) -> str:
    """The signal that ended a program, as a text for people; empty when none did."""
    return f"it was ended by {signal.Signals(-code).name}" if code < 0 else ""
