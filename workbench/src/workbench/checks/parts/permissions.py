"""Permissions: what a role, a key, a queue or a bus must allow, and does not."""

import re
from collections.abc import Iterator

from workbench.checks.checking import places
from workbench.checks.checking.finding import Finding
from workbench.deployment import outline
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.permissions import asked
from workbench.permissions.evaluation import evaluate
from workbench.permissions.platform import PLAN, Platform
from workbench.permissions.template import Template
from workbench.stages.stage import ROOT

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
    template = Template.load()
    recorded = asked.kept() if asked.FILE.exists() else set()
    verdict = evaluate(template, Platform.planned(), asked.needs(recorded, template.handlers))
    for said in [*verdict.missing, *verdict.undenied]:
        yield _placed(said)


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
    place = at.line(("Resources", held)) if held else 0
    for field in ("Policies", "PolicyDocument"):
        if at.has(("Resources", held, "Properties", field)) and not kind:
            place = at.line(("Resources", held, "Properties", field))
    return Finding(at.file, place, said)
