"""`sam build` and `sam deploy` of the template, for one stage."""

import hashlib
import json
import platform

from botocore.exceptions import ClientError

from workbench.application.interface import application
from workbench.deployment import handover, outline, samconfig, source_template
from workbench.local_cloud import state
from workbench.machine.packages import install_into
from workbench.stages import child
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT, ROOT, Stage
from workbench.workflow.definition import load_all

SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
_MANAGED_STACK = "aws-sam-cli-managed-default"  # one for the whole account and region


def parameters(stage: Stage) -> dict[str, str]:
    """The template's parameters for `stage`: paths made from its name, then samconfig's own."""
    values = {"Project": PROJECT, "Stage": stage.name}
    values |= {name: f"/{PROJECT}/{stage.name}/{path}" for name, path in handover.paths().items()}
    if stage.is_local:  # functions run on this very machine
        values["Architecture"] = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    own: dict[str, str] = samconfig.commands(stage).get("deploy", {}).get("parameter_overrides", {})
    return values | own


def package_bucket(stage: Stage) -> str | None:
    """Where SAM keeps the stage's packages; None when there is no such bucket."""
    named = samconfig.commands(stage).get("deploy", {}).get("s3_bucket")
    if named:
        return str(named)
    try:
        answer = stage.client("cloudformation").describe_stacks(StackName=_MANAGED_STACK)
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    outputs = answer["Stacks"][0].get("Outputs", [])
    found = [one["OutputValue"] for one in outputs if one["OutputKey"] == "SourceBucket"]
    return str(found[0]) if found else None


def fingerprint(stage: Stage) -> str:
    """A hash of all that a deployment is made of: template, workflow, code, parameters' values."""
    handed_over = [f"/{PROJECT}/{stage.name}/{path}" for path in handover.paths().values()]
    answer = stage.client("ssm").get_parameters(Names=handed_over)
    values = {item["Name"]: item["Value"] for item in answer["Parameters"]}
    hashed = hashlib.sha256(json.dumps([parameters(stage), values], sort_keys=True).encode())
    named = outline.sources()
    inside = [file for source in named for file in source.rglob("*")]
    files = [file for file in [*named, *inside] if file.is_file()]
    for file in sorted([*files, ROOT / "template.yaml", ROOT / "samconfig.toml"]):
        if "__pycache__" not in file.parts:
            hashed.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return hashed.hexdigest()


def check_sources(stage: Stage) -> None:
    """UserError when there is nothing to deploy: what is deployed or its settings do not read.

    AWS would refuse them later, and the local cloud takes some of them.
    """
    load_all()
    source_template.load()
    application().check_files()
    parameters(stage)


def build(stage: Stage) -> None:
    """Package the functions: one folder of code, built once for all of them."""
    _sam(stage, "build", "--build-dir", f".aws-sam/{stage.name}")
    made = ROOT / ".aws-sam" / stage.name
    if stage.is_local and platform.system() != "Linux":
        # SAM fetches Lambda's libraries, and `local` runs the functions on this very machine.
        for requirements in made.glob("*/requirements.txt"):
            install_into(requirements.parent, requirements)
    application().add_to_package(stage, made)


def deploy(stage: Stage) -> None:
    """Create or update the stage's stack from what `build` made."""
    template = f".aws-sam/{stage.name}/template.yaml"
    _sam(
        stage, "deploy", "--template-file", template, "--stack-name", stage.prefix,
        "--s3-prefix", stage.prefix, "--region", stage.region,
    )  # fmt: skip


def _sam(stage: Stage, *arguments: str) -> None:
    """Run SAM quietly; what it printed is shown when it fails."""
    # SAM forgets a folder for each function that it packages.
    with state.scratch() as folder:
        said: list[str] = []
        tags = {"project": PROJECT, "stage": stage.name, "managed-by": "sam"}
        config = samconfig.write(stage, parameters(stage), tags, folder)
        code = child.run(
            [SAM, *arguments, "--config-file", config, "--config-env", stage.name],
            said.append,
            cwd=ROOT,
            env=stage.environment() | {"TMPDIR": str(folder)},
        )
    if code:
        print("".join(said))
        raise UserError(f"`sam {arguments[0]}` failed; what it said is above")
