"""How many of the flaws that break a replay does `make check` report before it?

`make mutants BEFORE_REPLAY=yes`: 200 flaws, drawn by a seed from all that the operators can make,
are put into a copy one at a time. `make check` runs on each; then it is deployed all the same, and
events/ is replayed. A flaw takes a minute or two: PART=3/20 takes the third of twenty parts.
BEFORE_REPLAY=check does without replays, and says only what is reported.
"""

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workbench.application.interface import application
from workbench.local_cloud import ports
from workbench.mutants import flaws
from workbench.mutants.checked import CheckedCopy
from workbench.mutants.flaws import Flaw
from workbench.stages.errors import UserError

NUMBER, SEED = 200, 13
WANTED = 0.9  # of those that break a replay, to be reported
LIMIT = 300  # seconds for a deployment, and for a replay
UNCHECKED = """
from workbench.checks import check
check.before_deployment = lambda: None
from workbench.deployment import deploy
from workbench.stages.errors import run
run(deploy.main)
"""


def drawn() -> list[Flaw]:
    """Return the flaws that are tried: the same ones each time, drawn by nobody."""
    every = sorted(flaws.every(), key=lambda flaw: flaw.mark)
    return random.Random(SEED).sample(every, min(NUMBER, len(every)))  # noqa: S311 - no secret


class Cloud:
    """A local cloud of a copy's own, which its flaw is deployed to."""

    def __init__(self, root: Path) -> None:
        self._root = root
        names = ("CLOUD_PORT", *(service.port_variable for service in application().services))
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "PYTEST_", "WORKBENCH_"))
        } | {name: str(ports.free()) for name in names} | {"STAGE": "local"}  # fmt: skip

    def breaks(self) -> str:
        """Return how a replay of the copy as it is fails, in a line; "" when it does not."""
        steps = (
            ("-m", "workbench.local_cloud", "up"),
            ("-c", UNCHECKED),
            ("-m", "workbench.replay"),
        )
        for step in steps:
            if said := self._run(step):
                return said
        return ""

    def down(self) -> None:
        """End it."""
        self._run(("-m", "workbench.local_cloud", "down"))

    def _run(self, arguments: Sequence[str]) -> str:
        python = str(self._root / ".venv" / "dev" / "bin" / "python")
        try:
            done = subprocess.run(
                [python, *arguments], cwd=self._root, env=self._environment, timeout=LIMIT,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"it did not end within {LIMIT} s"
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        return (lines[-1] if lines else "it failed") if done.returncode else ""


def main(part: tuple[int, int], replays: bool) -> int:
    """Try the flaws of a part; 1 when too few of those that break a replay are reported."""
    chosen = [flaw for number, flaw in enumerate(drawn()) if number % part[1] == part[0]]
    reported: dict[Flaw, bool] = {}
    breaking: set[Flaw] = set()
    with tempfile.TemporaryDirectory(prefix="checked-") as folder:
        root = Path(folder, "copy")
        with CheckedCopy(root) as copy:
            if found := copy.findings():
                raise UserError(f"without any flaw make check finds: {found[0]}")
            cloud = Cloud(root)
            try:
                for flaw in chosen:
                    text = flaw.change.applied((root / flaw.file).read_text(encoding="utf-8"))
                    with copy.edited({flaw.file: text}):
                        found = copy.findings()
                        broken = cloud.breaks() if replays else ""
                    reported[flaw] = bool(found)
                    if broken:
                        breaking.add(flaw)
                    _show(flaw, str(found[0]) if found else "", broken)
            finally:
                if replays:
                    cloud.down()
    return _sum_up(reported, breaking, replays)


def _show(flaw: Flaw, said: str, broken: str) -> None:
    print(f"{'reported' if said else 'NOT REPORTED'}  {flaw.mark}  {flaw.kind}: {flaw.operator}")
    print(f"    {flaw.name}")
    if said:
        print(f"    {said[:200]}")
    if broken:
        print(f"    breaks the replay: {broken[:200]}")
    sys.stdout.flush()


def _sum_up(reported: dict[Flaw, bool], breaking: set[Flaw], replays: bool) -> int:
    number = sum(reported.values())
    print(f"\nmake check reports {number} of {len(reported)} flaws")
    if not replays:
        return 0
    seen = sum(reported[flaw] for flaw in breaking)
    share = seen / max(len(breaking), 1)
    print(f"of {len(breaking)} that break a replay it reports {seen} ({share:.1%})")
    return 0 if share >= WANTED or not breaking else 1
