"""The same fixtures through `sam local invoke`, through warm containers, on the local cloud."""

import time
from collections.abc import Iterator
from statistics import median

from workbench.bench.figures import Figure
from workbench.sam_local import calls, engine, fixtures
from workbench.sam_local.commands.everything import one_of_each, run_cold, run_deployed, run_in
from workbench.sam_local.report import Result
from workbench.sam_local.session import open_session
from workbench.stages.errors import UserError

ALL_WARM_SECONDS = 60.0
COLD_CALLS = 4  # of as many functions


def measure() -> Iterator[Figure]:
    """Times of a call each way, and their ratios; nothing where no container engine answers.

    Raises UserError when a fixture comes out otherwise than expected.
    """
    fault = engine.find_fault()
    if fault:
        print(f"sam_local is left out: {fault}")
        return
    every = fixtures.all_fixtures()
    each = one_of_each(every)
    with open_session() as session:
        begun = time.perf_counter()
        with calls.warm_containers(session) as containers:
            first = run_in(containers, session, every)
            in_all = time.perf_counter() - begun
            warm = run_in(containers, session, each)
        cold = run_cold(session, each[:COLD_CALLS])
        run_deployed(session, each)  # the local cloud's workers are warm then, too
        deployed = run_deployed(session, each)
    for one in [*first, *warm, *cold, *deployed]:
        if one.differences:
            raise UserError(f"{one.function}/{one.scenario} ({one.way}): {one.differences[0]}")
    warm_call, cold_call = _call(warm), _call(cold)
    deployed_call = _call(deployed)
    count = f"{len(every)} calls and the start"
    yield Figure("all fixtures, warm containers", in_all, "s", ("at most", ALL_WARM_SECONDS), count)
    yield Figure("a fixture, sam local invoke", cold_call * 1000, "ms")
    yield Figure("a fixture, warm container", warm_call * 1000, "ms")
    yield Figure("a fixture, local cloud", deployed_call * 1000, "ms")
    yield Figure("sam local invoke / local cloud", cold_call / deployed_call, "times")
    yield Figure("sam local invoke / warm container", cold_call / warm_call, "times")
    yield Figure("warm container / local cloud", warm_call / deployed_call, "times")


def _call(results: list[Result]) -> float:
    return median(one.seconds for one in results)
