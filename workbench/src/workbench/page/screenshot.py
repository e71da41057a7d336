"""`make screenshot`: take a picture of the last replay's page for the documentation, docs/page.png.

SCENARIO=uploads/… says which one it shows.
"""

import argparse
import os

from workbench.page.browser import Browser
from workbench.page.document import FILE
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT, local_dir
from workbench.stages.visible import say

PICTURE = ROOT / "docs" / "page.png"
WIDTH, HEIGHT = 1280, 760
MOST_BYTES = 200_000


def main(arguments: list[str] | None = None) -> int:
    """Take the picture. Raises UserError where there is no page, no Chromium, or no scenario."""
    parser = argparse.ArgumentParser(prog="make screenshot", description=__doc__)
    parser.add_argument(
        "--scenario", default=os.environ.get("SCENARIO", ""), help="its folder and name (SCENARIO=)"
    )
    asked = parser.parse_args(arguments)
    page = (local_dir() / FILE).resolve()
    if not page.is_file():
        raise UserError("there is no page yet; make one with: make replay")
    with Browser() as browser:
        browser.look(WIDTH, HEIGHT)
        browser.open(page.as_uri() + (f"#s/{asked.scenario}" if asked.scenario else ""))
        name = browser.run("document.querySelector('.row[aria-current]')?.dataset.id ?? ''")
        if asked.scenario not in ("", name):
            raise UserError(f"SCENARIO={asked.scenario} is not in the page; it is like {name}")
        browser.picture(PICTURE)
    size = PICTURE.stat().st_size
    say(f"{PICTURE.relative_to(ROOT)}: {size / 1000:.0f} kB, of {name}")
    if size > MOST_BYTES:
        raise UserError(f"it is larger than {MOST_BYTES // 1000} kB; choose another scenario")
    return 0


if __name__ == "__main__":
    run(main)
