"""What follows a save, in a process of its own: it sees the code as it was saved.

It is forked from a server that has the libraries loaded, and none of the application's modules: so
it starts at once.
"""

import contextlib
import difflib
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

from workbench.application.interface import application
from workbench.checks import check
from workbench.deployment import deploy
from workbench.replay import __main__ as replay
from workbench.replay.scenarios import find_scenarios
from workbench.stages.alone import alone
from workbench.stages.errors import UserError, run
from workbench.stages.stage import Stage
from workbench.stages.visible import say
from workbench.stages.waiting import within
from workbench.watch import bring
from workbench.watch.saved import Saved

_LONGEST_WAIT = 60.0  # seconds for another command, such as a second `make watch`
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["workbench.watch.turns"])


def take(what: Saved, scenarios: list[Path]) -> None:
    """Check, bring what was saved, and replay; what is wrong is printed, and ends the turn."""
    process = _FORKED.Process(target=_turn, args=(what, [str(path) for path in scenarios]))
    process.start()
    process.join()


def named(names: str) -> list[Path]:
    """Return the files of the scenarios of these names; without one, those of the application.

    Raises UserError for a name that no scenario has.
    """
    known = {one.name: one.path for one in find_scenarios([])}
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked or application().watched:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise UserError(f"there is no scenario {name!r} below events/{meant}")
    chosen = asked or list(application().watched) or list(known)[:1]
    return [known[name] for name in chosen]


def _turn(what: Saved, scenarios: list[str]) -> None:
    run(lambda: _steps(what, scenarios))


def _steps(what: Saved, scenarios: list[str]) -> int:
    try:
        check.before_deployment()
    except UserError:  # it was printed
        say("the local cloud still has what it had before; put this right and save")
        return 1
    try:
        if _bring(what):
            return 1
        return replay.main(["--quick", *scenarios]) if scenarios else 0
    except KeyboardInterrupt:  # whoever waits for this one says that it stopped
        return 1


def _bring(what: Saved) -> int:
    if what.deploy:
        return deploy.main()
    deployed = application().deployed.find(Stage.from_environment())
    with _alone_soon():
        if what.code:
            say(bring.bring_code(deployed), flush=True)
        if what.definitions:
            say(bring.bring_definitions(deployed, what.definitions), flush=True)
    return 0


@contextlib.contextmanager
def _alone_soon() -> Iterator[None]:
    """Hold this clone, after waiting for another command that does.

    Raises UserError, naming that one, when it takes too long.
    """
    with contextlib.ExitStack() as held:
        refused: list[UserError] = []

        def is_entered() -> bool:
            try:
                held.enter_context(alone("make watch"))
            except UserError as error:
                if not refused:
                    say("another command deploys in this clone; waiting for it", flush=True)
                refused.append(error)
                return False
            return True

        if not within(_LONGEST_WAIT, is_entered):
            raise refused[-1]
        yield
