"""How long a cold function takes to import its handler, against importing boto3 alone."""

import os
from collections.abc import Callable, Iterator

from workbench.bench.figures import Figure, medians, python
from workbench.stages.stage import ROOT

ROUNDS = 7
WITH_DRIVER = ("load_orders", "rotate_database_secret")
_CODE = """
import importlib, sys, time
begun = time.perf_counter()
importlib.import_module(sys.argv[1])
print(time.perf_counter() - begun)
"""


def measure() -> Iterator[Figure]:
    """A ratio for each handler: its import in a fresh process over boto3's."""
    handlers = sorted(path.stem for path in (ROOT / "src/order_intake/handlers").glob("[!_]*.py"))

    def timed(module: str) -> Callable[[], float]:
        return lambda: float(python(_CODE, dict(os.environ), module))

    wanted = {name: f"order_intake.handlers.{name}" for name in handlers} | {"boto3": "boto3"}
    taken = medians({name: timed(module) for name, module in wanted.items()}, ROUNDS)
    base = taken.pop("boto3")
    yield Figure("import of boto3", base * 1000, "ms")
    for name, value in taken.items():
        limit = 1.6 if name in WITH_DRIVER else 1.35
        note = f"{value * 1000:.0f} ms"
        yield Figure(
            f"import of {name} / of boto3", value / base, "times", ("at most", limit), note
        )
