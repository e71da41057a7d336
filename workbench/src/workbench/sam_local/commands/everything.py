"""`make sam-local`: all fixtures of all functions, in warm containers; one of each also cold."""

import time
from argparse import Namespace
from collections.abc import Callable

from workbench.application.interface import application
from workbench.sam_local import calls, fixtures
from workbench.sam_local.fixtures import Fixture, Prepared
from workbench.sam_local.report import Result, print_table
from workbench.sam_local.session import Session, open_session
from workbench.stages.errors import UserError

COLD, WARM, DEPLOYED = "sam local invoke", "warm container", "local cloud"

type Call = Callable[[Prepared], calls.Answer]


def main(arguments: Namespace) -> int:
    """Run all fixtures, or one function's, and print what came of each; 1 when one differs."""
    wanted = arguments.fn
    chosen = [
        one
        for one in fixtures.all_fixtures()
        if not wanted or one.function == fixtures.find_function(wanted)
    ]
    with open_session() as session:
        results = [*run_warm(session, chosen), *run_cold(session, one_of_each(chosen))]
    print_table(results)
    differ = sum(bool(one.differences) for one in results)
    functions = len({one.function for one in results})
    print(f"{len(results)} calls of {functions} functions, {differ} differ")
    return 1 if differ else 0


def one_of_each(chosen: list[Fixture]) -> list[Fixture]:
    """The first fixture of each function that does not fail."""
    found: dict[str, Fixture] = {}
    for one in chosen:
        if not one.fails:
            found.setdefault(one.function, one)
    return list(found.values())


def run_warm(session: Session, chosen: list[Fixture]) -> list[Result]:
    """Run fixtures through one `sam local start-lambda` with warm containers."""
    begun = time.monotonic()
    print(f"{WARM}s: starting …", flush=True)
    with calls.warm_containers(session) as warm:
        print(f"{WARM}s: ready after {time.monotonic() - begun:.1f} s", flush=True)
        results = run_in(warm, session, chosen)
    print(f"{WARM}s: {len(results)} fixtures, {time.monotonic() - begun:.1f} s in all", flush=True)
    return results


def run_in(warm: calls.Warm, session: Session, chosen: list[Fixture]) -> list[Result]:
    """Run fixtures in containers that wait for them."""
    return [
        _run(session, one, WARM, lambda call: warm.invoke(call.fixture.function, call.event))
        for one in chosen
    ]


def run_cold(session: Session, chosen: list[Fixture]) -> list[Result]:
    """Run fixtures through `sam local invoke`, each in a container of its own."""
    begun = time.monotonic()
    print(f"{COLD}: {len(chosen)} fixtures …", flush=True)
    results = [
        _run(
            session,
            one,
            COLD,
            lambda call: calls.invoke(session, call.fixture.function, call.event),
        )
        for one in chosen
    ]
    print(f"{COLD}: {time.monotonic() - begun:.1f} s in all", flush=True)
    return results


def run_deployed(session: Session, chosen: list[Fixture]) -> list[Result]:
    """Run fixtures through the functions that are deployed on the local cloud, for comparison."""
    return [
        _run(
            session,
            one,
            DEPLOYED,
            lambda call: calls.on_local_cloud(session, call.fixture.function, call.event),
        )
        for one in chosen
    ]


def _run(session: Session, fixture: Fixture, way: str, call: Call) -> Result:
    try:
        with application().prepared(session.deployed, fixture) as ready:
            answer = call(ready)
            differences = fixtures.differences(ready.expect, answer.payload)
    except UserError as error:
        return Result(fixture.function, fixture.name, way, 0.0, (str(error),))
    return Result(fixture.function, fixture.name, way, answer.seconds, tuple(differences))
