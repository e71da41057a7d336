"""Permissions: what a role, a key, a queue or a bus must allow, and does not."""

import re
from collections.abc import Iterator

from workbench.checks.checking import places
from workbench.checks.checking.finding import Finding
from workbench.deployment import handover, outline
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.permissions import asked
from workbench.permissions.evaluation import evaluate
from workbench.permissions.platform import PLAN, Platform
from workbench.permissions.template import Template
from workbench.stages.stage import ROOT

ACTION = re.compile(r"(\S+:\S+) on \S+$")
NOT_ALLOWED = re.compile(r": (?:(trust|queue|topic|bucket|function|key) )?(\S+) does not allow ")


def reads() -> list[str]:
    """Return what is read: all that says who may do what, and what the code asks for."""
    code = [path.relative_to(ROOT) for path in outline.sources() if path.is_dir()]
    return [
        outline.TEMPLATE.name, "terraform/*.tf", "terraform/*.hcl", "operations/*.py",
        *(str(path.relative_to(ROOT)) for path in outline.definitions().values()),
        *(f"{folder}/*.py" for folder in code), str(asked.FILE.relative_to(ROOT)),
    ]  # fmt: skip


def find() -> Iterator[Finding]:
    """Return what is missing; what is unused or too wide stops nothing, `make test` says it."""
    if not (TERRAFORM / "tests" / PLAN).is_dir():
        return
    if set(handover.paths().values()) - (handover.handed_over() or set()):
        return  # the part `terraform` says it; all that follows would be missing
    template = Template.load()
    recorded = asked.kept() if asked.FILE.exists() else set()
    verdict = evaluate(template, Platform.planned(), asked.needs(recorded, template.handlers))
    of_place: dict[tuple[str, int], list[Finding]] = {}
    for said in [*verdict.missing, *verdict.undenied]:
        found = _placed(said)
        of_place.setdefault((found.file, found.line), []).append(found)
    for (file, line), every in of_place.items():
        more = f" (and {len(every) - 1} more: make permissions)" if len(every) > 1 else ""
        yield Finding(file, line, every[0].what + more)


def _placed(said: str) -> Finding:
    """Return it at whose policy should say it."""
    at, found = places.of(outline.TEMPLATE), NOT_ALLOWED.search(said)
    kind, name = (found[1], found[2]) if found else (None, "")
    if kind == "key":
        for path in sorted(TERRAFORM.glob("*.tf")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if line.startswith("resource ") and line.rstrip(" {").endswith(f'"{name}"'):
                    return Finding(str(path.relative_to(ROOT)), number, said)
    resources = at.keys(("Resources",))
    held = max((each for each in resources if name.startswith(each)), key=len, default="")
    if kind in ("queue", "topic", "bucket") and f"{held}Policy" in resources:
        held = f"{held}Policy"
    place = at.line(("Resources", held)) if held else 0
    action = ACTION.search(said)
    if held and action and (there := at.of_word(action[1], ("Resources", held))):
        place = there  # who allows it for something else
    elif at.has(("Resources", held, "Properties", "Policies")) and not kind:
        place = at.line(("Resources", held, "Properties", "Policies"))
    return Finding(at.file, place, said)
