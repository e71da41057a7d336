"""samconfig.toml: what a stage says there counts, in each of SAM's forms, or is refused."""

import json
from pathlib import Path

import pytest

from workbench.deployment.packaging import sam, samconfig
from workbench.stages import readiness
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

DEFAULT = """\
[default.deploy.parameters]
capabilities = "CAPABILITY_IAM"
tags = "team=orders"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a samconfig.toml of the test's own."""
    monkeypatch.setattr(samconfig, "ROOT", tmp_path)
    return tmp_path


def say(folder: Path, text: str) -> None:
    (folder / "samconfig.toml").write_text(DEFAULT + text)


@pytest.mark.parametrize(
    "overrides",
    [
        """'OperatorsEmail=ops@example.com LogRetentionDays="90" Note="two words"'""",
        '["OperatorsEmail=ops@example.com", "LogRetentionDays=90", "Note=two words"]',
        '{OperatorsEmail = "ops@example.com", LogRetentionDays = 90, Note = "two words"}',
        "'ParameterKey=OperatorsEmail,ParameterValue=ops@example.com LogRetentionDays=90 "
        'ParameterKey=Note,ParameterValue="two words"\'',
    ],
    ids=["text", "list", "table", "both named"],
)
def test_every_form_of_overrides_is_read(overrides: str, folder: Path) -> None:
    say(folder, f"[dev.deploy.parameters]\nparameter_overrides = {overrides}\n")
    values = sam.parameters(Stage("dev"))
    assert values["OperatorsEmail"] == "ops@example.com"
    assert values["LogRetentionDays"] == "90"
    assert values["Note"] == "two words"
    assert values["Stage"] == "dev"
    assert "OperatorsEmail" not in sam.parameters(Stage("prod"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('parameter_overrides = "OperatorsEmail"', "'OperatorsEmail' is not NAME=value"),
        ('parameter_overrides = ["file://x.yaml"]', "'file://x.yaml' is not NAME=value"),
        ("parameter_overrides = 3", "is not a text, a list of texts or a table"),
        ("parameter_overrides = [3]", "is not a text, a list of texts or a table"),
        ("parameter_overrides = 'A=\"b'", "No closing quotation"),
        ('region = "eu-west-1"', r"says region; a deployment says that .*AWS_REGION"),
        ('stack_name = "mine"', "says stack_name"),
    ],
)
def test_what_cannot_count_is_refused(line: str, says: str, folder: Path) -> None:
    say(folder, f"[dev.deploy.parameters]\n{line}\n")
    with pytest.raises(UserError, match=rf"^samconfig.toml, \[dev.deploy.parameters\].*{says}"):
        sam.check_sources(Stage("dev"))


def test_everything_else_of_a_stage_reaches_sam(folder: Path) -> None:
    say(folder, '[dev.deploy.parameters]\ns3_bucket = "ours"\ntags = ["team=returns"]\n')
    config = samconfig.write(Stage("dev"), {"Stage": "dev"}, {"stage": "dev"}, folder)
    deploy = json.loads(config.read_text())["dev"]["deploy"]["parameters"]
    assert deploy == {
        "capabilities": "CAPABILITY_IAM",
        "s3_bucket": "ours",
        "tags": ['team="returns"', 'stage="dev"'],
        "parameter_overrides": {"Stage": "dev"},
    }
    assert sam.package_bucket(Stage("dev")) == "ours"


def test_sync_has_the_settings_of_a_deployment_and_its_own(folder: Path) -> None:
    say(
        folder,
        '[dev.deploy.parameters]\ns3_bucket = "ours"\nconfirm_changeset = true\n'
        "[dev.sync.parameters]\nskip_deploy_sync = false\n",
    )
    config = samconfig.write(Stage("dev"), {"Stage": "dev"}, {"stage": "dev"}, folder)

    assert json.loads(config.read_text())["dev"]["sync"]["parameters"] == {
        "capabilities": "CAPABILITY_IAM",
        "s3_bucket": "ours",
        "tags": ['team="orders"', 'stage="dev"'],
        "parameter_overrides": {"Stage": "dev"},
        "skip_deploy_sync": False,
    }


def test_production_needs_somebody_who_hears_of_it_and_its_schedules(folder: Path) -> None:
    say(folder, "")
    readiness.check(Stage("dev"))
    with pytest.raises(UserError, match=r"^prod is not ready: nobody hears .*; a schedule is off"):
        readiness.check(Stage("prod"))


def test_production_with_all_of_them_is_ready(folder: Path) -> None:
    lacking = readiness.lacking({"OperatorsEmail": "ops@example.com"})
    switches = [line.partition("(")[2].partition("=")[0] for line in lacking]
    said = "".join(f"{name}=ENABLED " for name in switches)
    overrides = f"'OperatorsEmail=ops@example.com {said}'"
    say(folder, f"[prod.deploy.parameters]\nparameter_overrides = {overrides}\n")
    readiness.check(Stage("prod"))
