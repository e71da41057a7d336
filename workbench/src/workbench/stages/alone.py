"""Which commands may not run beside each other in one clone: those that change what is deployed."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from workbench.local_cloud import state
from workbench.stages.errors import UserError

NAME = "deployment.lock"
# What a command that holds the clone starts belongs to it, and knows so by this.
OWNER = "WORKBENCH_DEPLOYMENT"


@contextlib.contextmanager
def alone(command: str) -> Iterator[None]:
    """Hold this clone for `command`, such as `make deploy`, as long as the block runs.

    Raises UserError with the owner's number when another command holds it. However a command ends,
    it holds the clone no longer.
    """
    path = state.folder() / NAME
    with path.open("ab", buffering=0) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(path)
            if owner.get("pid") != os.environ.get(OWNER, "nobody"):
                raise UserError(_taken(owner)) from None
            yield
            return
        now = datetime.now().astimezone()
        owner = {"pid": str(os.getpid()), "command": command, "since": f"{now:%H:%M:%S}"}
        lock.truncate(0)
        with contextlib.suppress(OSError):  # `make down` works on a full disk, too
            lock.write(json.dumps(owner).encode())
        before = os.environ.get(OWNER)  # of a command that holds another clone
        os.environ[OWNER] = owner["pid"]
        try:
            yield
        finally:
            del os.environ[OWNER]
            if before:
                os.environ[OWNER] = before
            lock.truncate(0)


def _owner(path: Path) -> dict[str, str]:
    """Who holds the clone; empty when they have not said so yet."""
    try:
        owner: dict[str, str] = json.loads(path.read_text())
    except ValueError:
        owner = {}
    return owner


def _taken(owner: dict[str, str]) -> str:
    who = "pid {pid}: {command}, since {since}".format_map(owner) if owner else "it just began"
    return f"another deployment runs in this clone ({who}); wait until it has ended"
