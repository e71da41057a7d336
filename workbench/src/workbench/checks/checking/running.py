"""Runs the parts of `make check` that something has changed for, side by side."""

import importlib
import multiprocessing
import os
import signal
import threading
from dataclasses import asdict
from typing import Any

from workbench.application import settings
from workbench.checks.checking import kept, places
from workbench.checks.checking.finding import Finding, of_message
from workbench.stages.errors import UserError

_LONGEST = 600.0  # seconds for one part


def run(modules: dict[str, str], beside_each_other: bool) -> dict[str, dict[str, Any]]:
    """Return what each part finds, by its name, and keep it.

    In processes of their own, unless there is one part only: most of a part's time is Python's.
    """
    if len(modules) == 1 or not beside_each_other:
        return {name: run_part(name, module) for name, module in modules.items()}
    named = {name: (name, module) for name, module in modules.items()}
    workers = min(len(modules), (os.cpu_count() or 1) + 1)  # some wait for programs
    # A fork has what is imported here; beside other threads it may hang.
    begun_by = multiprocessing.get_context("fork" if threading.active_count() == 1 else "spawn")
    with begun_by.Pool(workers, _not_interrupted) as pool:  # whatever ends the block ends them
        done = {name: pool.apply_async(run_part, each) for name, each in named.items()}
        return {name: each.get(_LONGEST) for name, each in done.items()}


def _not_interrupted() -> None:
    """Let Ctrl-C reach the process that waits for this one; it ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def run_part(name: str, module: str) -> dict[str, Any]:
    """Return what a part finds, as it is kept; what it cannot go on with is a finding, too."""
    try:
        part = importlib.import_module(module)
        reads = list(part.reads())
        mark = kept.Contents().mark(reads)  # before it reads: what changes meanwhile is read again
    except UserError as error:
        return {"reads": [], "mark": "", "found": [asdict(_of(error))]}
    found: list[Finding] = []
    try:
        found += part.find()
    except UserError as error:
        found.append(_of(error))
    content = {"reads": reads, "mark": mark, "found": [asdict(each) for each in found]}
    kept.keep(name, content)
    return content


def _of(error: UserError) -> Finding:
    found, path = of_message(str(error), "template.yaml"), settings.ROOT
    if found.line or not found.file.endswith(".yaml") or not (path / found.file).is_file():
        return found
    line = places.line_of_message(places.of(path / found.file), found.what)
    return Finding(found.file, line, found.what, follows=True)


def application_parts() -> dict[str, Any]:
    """Return the application's own parts, and what they are known from."""
    from workbench.application.interface import application

    package = settings.SETTINGS.application.partition(".")[0]
    reads = [f"{package}/*.py"] if package else []
    return {
        "reads": reads,
        "mark": kept.Contents().mark(reads),
        "parts": dict(application().checks),
    }
