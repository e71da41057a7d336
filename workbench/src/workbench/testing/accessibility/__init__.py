"""Whether everybody can read and use a page: contrast, names, roles; found by axe-core in it."""

from pathlib import Path
from typing import Any

from workbench.machine import npm
from workbench.page.browser import Browser
from workbench.stages.stage import ROOT

FOLDER = ROOT / ".venv" / "axe"
SCRIPT = FOLDER / "node_modules" / "axe-core" / "axe.min.js"


def missing() -> str | None:
    """Return why axe-core cannot be used here; None when it is there, or was installed."""
    return npm.install(Path(__file__).parent, FOLDER)


def violations(browser: Browser) -> list[str]:
    """Return what axe-core finds in the page that is open, a line each."""
    browser.run(SCRIPT.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = browser.run("axe.run().then(found => found.violations)")
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]}"
        for one in found
        for node in one["nodes"][:3]
    ]
