"""Where the local cloud keeps what it knows: a folder of mode 0700, and what is in it."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from workbench.stages.stage import local_dir

# What `make down` leaves; report.html is the last page of workbench.page.
KEPT = frozenset({"lock", "deployment.lock", "logs", "scratch", "report.html"})


def folder(name: str = "") -> Path:
    """The state's folder, or a folder in it, made when it is not there."""
    base = local_dir()
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    base.chmod(0o700)
    path = base / name
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def aws_profile() -> Path:
    """The configuration that lets the AWS CLI work on the local cloud."""
    return folder() / "aws-config"


def log_file(process: str) -> Path:
    """Where a process of the local cloud writes its log."""
    return folder("logs") / f"{process}.log"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder of mode 0700 for a program's temporary files; it goes with the block.

    In a folder that all users share, some programs read files back under names that another user
    can guess. What a killed command has left goes, too.
    """
    base = folder("scratch")
    for left in base.iterdir():
        owner = left.name.partition("-")[0]
        if not (owner.isdecimal() and psutil.pid_exists(int(owner))):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f"{os.getpid()}-", dir=base, ignore_cleanup_errors=True
    ) as path:
        yield Path(path)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Hold the lock that keeps two commands from changing the local cloud at once."""
    with (folder() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another command is changing the local cloud; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_json(name: str, content: Any) -> None:
    """Write a JSON file of the state, at once or not at all."""
    path = folder() / name
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)


def read_json(name: str) -> Any:
    """The content of a JSON file of the state; None when it is missing or unreadable."""
    try:
        return json.loads((local_dir() / name).read_text())
    except (FileNotFoundError, ValueError):
        return None


def remove() -> None:
    """Remove all state but the logs; Terraform's of the vanished cloud goes with it."""
    if not local_dir().exists():
        return
    for path in local_dir().iterdir():
        if path.name in KEPT:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
