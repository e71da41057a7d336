"""What Terraform hands over is what the template asks for, path by path."""

import json
import re

from tests.template import template
from workbench.deployment import handover, sam
from workbench.stages.stage import PROJECT, ROOT, Stage


def handed_over_by_terraform() -> set[str]:
    text = (ROOT / "terraform" / "parameters.tf").read_text()
    block = text[text.index("parameters = {") : text.index("\n  }")]
    return set(re.findall(r'^\s+"([a-z/-]+)"\s+=', block, re.MULTILINE))


def asked_for_by_the_template() -> dict[str, str]:
    return {
        name: body["Default"]
        for name, body in template()["Parameters"].items()
        if body["Type"].startswith("AWS::SSM::Parameter::Value")
    }


def test_both_sides_name_the_same_paths() -> None:
    assert handed_over_by_terraform() == set(handover.paths().values())


def test_the_deploy_command_passes_every_path_that_the_template_asks_for() -> None:
    assert set(asked_for_by_the_template()) == set(handover.paths())


def test_the_templates_defaults_are_the_local_stages_paths() -> None:
    local = sam.parameters(Stage("local"))
    for name, default in asked_for_by_the_template().items():
        assert default == local[name]


def test_another_stage_reads_its_own_paths_only() -> None:
    values = sam.parameters(Stage("ana"))
    assert values["Stage"] == "ana"
    for name in handover.paths():
        assert values[name].startswith(f"/{PROJECT}/ana/")


def test_every_handed_over_value_is_used() -> None:
    text = json.dumps(template()["Resources"])
    for name in handover.paths():
        assert json.dumps({"Ref": name}) in text


def test_terraforms_own_name_of_the_project_is_that_of_the_commands() -> None:
    text = (ROOT / "terraform" / "variables.tf").read_text()
    [name] = re.findall(r'variable "project" {[^}]*default += "([^"]+)"', text)
    assert name == PROJECT
