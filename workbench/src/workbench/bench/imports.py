"""How long a cold function takes to import its handler, against importing boto3 alone."""

import os
from collections.abc import Callable, Iterator

from workbench.application.interface import application
from workbench.bench.figures import Figure, medians, python
from workbench.deployment import source_template

ROUNDS = 7
USUAL_LIMIT = 1.35  # times boto3's
_CODE = """
import importlib, sys, time
begun = time.perf_counter()
importlib.import_module(sys.argv[1])
print(time.perf_counter() - begun)
"""


def modules() -> dict[str, str]:
    """Return the module of each function's handler, by the function's logical id."""
    return {
        name: body["Properties"]["Handler"].rpartition(".")[0]
        for name, body in sorted(source_template.load()["Resources"].items())
        if "Handler" in body.get("Properties", {})
    }


def measure() -> Iterator[Figure]:
    """A ratio for each function: its module's import in a fresh process over boto3's."""

    def timed(module: str) -> Callable[[], float]:
        return lambda: float(python(_CODE, dict(os.environ), module))

    wanted = modules() | {"boto3": "boto3"}
    taken = medians({name: timed(module) for name, module in wanted.items()}, ROUNDS)
    base = taken.pop("boto3")
    yield Figure("import of boto3", base * 1000, "ms")
    for name, value in taken.items():
        limit = application().slow_imports.get(name, USUAL_LIMIT)
        note = f"{value * 1000:.0f} ms"
        yield Figure(
            f"import of {name} / of boto3", value / base, "times", ("at most", limit), note
        )
