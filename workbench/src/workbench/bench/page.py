"""How large the page of the last replay is, and how long a browser takes to open it."""

import statistics
from collections.abc import Iterator

from workbench.bench.figures import Figure
from workbench.page.browser import Browser, found
from workbench.page.document import FILE
from workbench.stages.errors import UserError
from workbench.stages.stage import local_dir

MOST_MEGABYTES = 3.0
MOST_SECONDS = 1.0
ROUNDS = 5


def measure() -> Iterator[Figure]:
    """Yield the page's size and, where there is a Chromium, the time until it is drawn."""
    path = (local_dir() / FILE).resolve()
    if not path.is_file():
        raise UserError("there is no page yet; make one with: make replay")
    size = path.stat().st_size / 1e6
    yield Figure("the last page, in a file", size, "MB", ("at most", MOST_MEGABYTES))
    if found() is None:
        return
    with Browser() as browser:
        browser.look(1440, 1000)
        taken = [browser.open(path.as_uri()) for _ in range(ROUNDS)]
        count = browser.run("document.querySelectorAll('.row').length")
    note = f"{count} scenarios, median of {ROUNDS}"
    took = statistics.median(taken)
    yield Figure("opening the last page", took, "s", ("at most", MOST_SECONDS), note)
