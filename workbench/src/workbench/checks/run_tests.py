"""Runs all tests that this machine can run: `make test`.

The tiers run from cheap to dear; tests/local_cloud needs a running, deployed local cloud, so it is
brought up first, and taken down again unless it was up before. What breaks things has a cloud for
itself: tests/model this one, when all others are done; tests/faults and tests/sam_local, one after
the other, another one that is there for them only: they mostly wait, and so run beside all this.
tests/sam_local runs where a container engine answers; SAM_LOCAL=required fails where none does.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.application.interface import application
from workbench.checks import only
from workbench.local_cloud import ports
from workbench.sam_local import engine, image
from workbench.stages.alone import alone
from workbench.stages.errors import UserError, run
from workbench.stages.stage import PROJECT, ROOT, Stage, running_cloud

SAM_LOCAL = "tests/sam_local"
FAULTS, MODEL = "tests/faults", "tests/model"
WITHOUT_CLOUD = ("tests/unit", "tests/contract")  # what runs at once


def is_up() -> bool:
    """Whether a local cloud was running before the tests."""
    try:
        running_cloud()
    except UserError:
        return False
    return True


def python(*arguments: str) -> int:
    """Run this Python with `arguments`, for the local stage; its exit code."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT)
    try:
        return process.wait()
    except KeyboardInterrupt as error:
        if getattr(error, "number", signal.SIGINT) != signal.SIGINT:
            process.send_signal(signal.SIGINT)  # as Ctrl-C, which reaches it by itself
        process.wait()  # what it has started ends with it
        raise


def main(arguments: Sequence[str] = ()) -> int:
    """Run the tests below `arguments`, or what ONLY names, or all; pytest's exit code."""
    arguments = arguments or sys.argv[1:] or _named()
    os.environ["STAGE"] = Stage("local").name  # tests touch no account, whatever STAGE says
    # A shell's background job ignores Ctrl-C, and all it starts would: tests that send it, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if arguments and all(one in WITHOUT_CLOUD for one in arguments):
        return _run_tiers(arguments)
    with alone("make test"):
        return _with_cloud(arguments)


def _named() -> list[str]:
    """Return the folders that ONLY names: those of tests/, or the workbench's own."""
    tiers = {path.name: f"tests/{path.name}" for path in sorted((ROOT / "tests").iterdir())
             if any(path.glob("test_*.py")) or any(path.glob("*/test_*.py"))}  # fmt: skip
    tiers["workbench"] = "workbench/tests"
    only.check(only.named(), tiers)
    return [tiers[name] for name in only.named()]


def _with_cloud(arguments: Sequence[str]) -> int:
    was_up = is_up()
    try:
        if python("-m", "workbench.local_cloud", "up") or python(
            "-m", "workbench.deployment.deploy"
        ):
            raise UserError("the local cloud that the tests need did not come up; see above")
        return _run_tiers(arguments)
    finally:
        if not was_up:
            python("-m", "workbench.local_cloud", "down")


def _run_tiers(arguments: Sequence[str]) -> int:
    """What can run side by side; then what shares a local cloud with no other test."""
    alone = {tier: [one for one in arguments if tier in one] for tier in (FAULTS, MODEL, SAM_LOCAL)}
    others = [one for one in arguments if not any(one in some for some in alone.values())]
    if not arguments:
        with _on_a_second_cloud(FAULTS, SAM_LOCAL) as second:
            os.environ.setdefault("SEED", "11")  # the same steps each time; others by name
            code = _run_tiers(["tests", "workbench/tests", MODEL])
        return code or second.returncode
    code = 0
    if others:
        many = ("-n", str(os.cpu_count() or 2), "--dist", "worksteal")
        code = python("-m", "pytest", *many, *(f"--ignore={tier}" for tier in alone), *others)
    for tier in (FAULTS, MODEL):
        if alone[tier]:
            code = python("-m", "pytest", *alone[tier]) or code
    if alone[SAM_LOCAL]:
        code = run_containers(alone[SAM_LOCAL]) or code
    return code


def ports_of_its_own() -> dict[str, str]:
    """Return free ports for another local cloud beside a running one, as its environment.

    The usual ones may be free for a moment, while a service of the other cloud is down.
    """
    names = ("CLOUD_PORT", *(service.port_variable for service in application().services))
    return {name: str(ports.free()) for name in names}


@contextlib.contextmanager
def _on_a_second_cloud(*tiers: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run tiers beside the block on a local cloud of their own; print their output after it."""
    environment = os.environ | ports_of_its_own()
    with tempfile.TemporaryDirectory(prefix=f"{PROJECT}-") as folder:
        environment["WORKBENCH_LOCAL_DIR"] = str(Path(folder, "local"))
        output = Path(folder, "output")
        with output.open("wb") as written:
            second = subprocess.Popen(
                [sys.executable, "-m", "workbench.checks.run_tests", *tiers],
                cwd=ROOT, env=environment, stdout=written, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            yield second
        except KeyboardInterrupt:
            second.send_signal(signal.SIGINT)
            raise
        finally:
            second.wait()
            print(output.read_text(errors="replace"), flush=True)


def run_containers(arguments: Sequence[str]) -> int:
    """Run the tests in containers, or say in one line why they are left out; the exit code.

    Raises UserError instead where SAM_LOCAL=required.
    """
    fault = engine.find_fault()
    if fault and os.environ.get("SAM_LOCAL") == "required":
        raise UserError(f"{SAM_LOCAL} is required and cannot run: {fault}")
    if fault:
        print(f"{SAM_LOCAL} is left out: {fault}", flush=True)
        return 0
    image.provide()
    return python("-m", "pytest", *arguments)


if __name__ == "__main__":
    run(main)
