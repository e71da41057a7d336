"""The platform: Terraform's own validation, the stages' variables, and what is handed over."""

import re
from collections.abc import Iterator

from workbench.checks.checking import places
from workbench.checks.checking.finding import Finding, near
from workbench.deployment import handover, outline, terraform
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.stages.stage import ROOT

DECLARED = re.compile(r'^variable "(\w+)"', re.MULTILINE)
GIVEN = re.compile(r"^(\w+)\s*=", re.MULTILINE)
FOLDER = TERRAFORM.name


def reads() -> list[str]:
    """Return what is read: the platform, and the template for what it is handed."""
    return [f"{FOLDER}/*.tf", f"{FOLDER}/*.tfvars", f"{FOLDER}/.terraform.lock.hcl",
            outline.TEMPLATE.name]  # fmt: skip


def find() -> Iterator[Finding]:
    """Return what Terraform would refuse, and where the two sides of the hand-over differ."""
    terraform.check_sources()
    yield from _variables()
    found = list(terraform.diagnostics())
    for file, line, what in found:
        yield Finding(f"{FOLDER}/{file}" if file else FOLDER, line, what)
    if not found:
        yield from _handed_over()


def _variables() -> Iterator[Finding]:
    """Return the settings of stages that no variable is declared for: Terraform only warns."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(TERRAFORM.glob("*.tf"))]
    declared = {name for text in texts for name in DECLARED.findall(text)}
    for path in sorted((TERRAFORM / "stages").glob("*.tfvars")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            name = GIVEN.match(line)
            if name and name[1] not in declared:
                what = f"no variable {name[1]} is declared in {FOLDER}/{near(name[1], declared)}"
                yield Finding(str(path.relative_to(ROOT)), number, what)


def _handed_over() -> Iterator[Finding]:
    given = handover.handed_over()
    if given is None:
        return
    at = places.of(outline.TEMPLATE)
    for name, path in handover.paths().items():
        if path not in given:
            what = f"{name}: terraform/ hands over no {path}{near(path, given)}"
            yield Finding(at.file, at.line(("Parameters", name, "Default")), what)
