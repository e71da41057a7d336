"""What Terraform hands over is what the template asks for, path by path."""

import json
import re

from workbench.deployment import handover, source_template
from workbench.deployment.packaging import sam
from workbench.stages.stage import PROJECT, ROOT, Stage

TERRAFORM = ROOT / "terraform"


def handed_over() -> set[str]:
    """The keys of the map `parameters` among Terraform's locals."""
    found = handover.handed_over()
    assert found is not None, (
        "terraform/: there is no `parameters = {` among the locals, path by path"
    )
    return found


def test_terraform_hands_over_what_the_template_asks_for() -> None:
    missing = set(handover.paths().values()) - handed_over()
    assert not missing, f"terraform/: hand over {', '.join(sorted(missing))} in `parameters`"


def test_the_template_asks_for_what_terraform_hands_over() -> None:
    spare = handed_over() - set(handover.paths().values())
    assert not spare, (
        f"template.yaml: no parameter of type {handover.KIND} asks for {', '.join(sorted(spare))}; "
        "add one, or hand it over no longer"
    )


def test_another_stage_reads_its_own_paths_only() -> None:
    values = sam.parameters(Stage("ana"))
    assert values["Stage"] == "ana"
    for name in handover.paths():
        assert values[name].startswith(f"/{PROJECT}/ana/")


def test_every_handed_over_value_is_used() -> None:
    text = json.dumps(source_template.load()["Resources"])
    for name in handover.paths():
        used = json.dumps({"Ref": name}) in text or f"${{{name}}}" in text
        assert used, f"template.yaml: nothing uses the parameter {name}"


def test_terraforms_own_name_of_the_project_is_that_of_the_commands() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in TERRAFORM.glob("*.tf"))
    [name] = re.findall(r'variable "project" {[^}]*default += "([^"]+)"', text)
    assert name == PROJECT, f"terraform/: the variable project is {name}; pyproject.toml: {PROJECT}"
