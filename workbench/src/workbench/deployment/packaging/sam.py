"""`sam build` and `sam deploy` of the template, for one stage."""

import platform
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from botocore.exceptions import ClientError

from workbench.application.interface import application
from workbench.deployment import handover, source_template
from workbench.deployment.packaging import failure, package, samconfig
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


def check_sources(stage: Stage) -> None:
    """UserError when there is nothing to deploy: what is deployed or its settings do not read.

    AWS would refuse them later, and the local cloud takes some of them.
    """
    load_all()
    source_template.load()
    application().check_files()
    parameters(stage)


def build(stage: Stage) -> None:
    """Package the functions; those that run the same code are built once.

    SAM notes which libraries it has resolved only when it builds all functions, so that is done
    when they changed; then one function is enough.
    """
    made, shared = _built(stage), package.shared_by()
    note, libraries = made.with_name(f"{stage.name}.libraries"), package.libraries_mark()
    is_known = note.exists() and note.read_text() == libraries
    one = [shared] if shared and is_known else []
    _sam(stage, "build", *one, "--build-dir", f".aws-sam/{stage.name}")
    if shared:
        package.share(made, shared)
        note.write_text(libraries)
    if stage.is_local and platform.system() != "Linux":
        # SAM fetches Lambda's libraries, and `local` runs the functions on this very machine.
        for requirements in made.glob("*/requirements.txt"):
            install_into(requirements.parent, requirements)
    application().add_to_package(stage, made)


def _built(stage: Stage) -> Path:
    return ROOT / ".aws-sam" / stage.name


def deploy(stage: Stage) -> None:
    """Create or update the stage's stack from what `build` made."""
    template = package.pack(_built(stage), package.shared_by())
    _sam(
        stage, "deploy", "--template-file", str(template), "--stack-name", stage.prefix,
        "--s3-prefix", stage.prefix, "--region", stage.region,
    )  # fmt: skip


def sync(stage: Stage) -> int:
    """Run `sam sync --watch` until Ctrl-C, with the settings of a deployment; its exit code."""
    with state.scratch() as folder:
        config = _config(stage, folder)
        command: list[str | Path] = [
            SAM, "sync", "--watch", "--no-dependency-layer", "--template-file", "template.yaml",
            "--stack-name", stage.prefix, "--s3-prefix", stage.prefix, "--region", stage.region,
            "--config-file", config, "--config-env", stage.name,
        ]  # fmt: skip
        return subprocess.run(command, cwd=ROOT, env=stage.environment(), check=False).returncode


def _config(stage: Stage, folder: Path) -> Path:
    tags = {"project": PROJECT, "stage": stage.name, "managed-by": "sam"}
    return samconfig.write(stage, parameters(stage), tags, folder)


def _pace(stage: Stage) -> dict[str, str]:
    """Return how often SAM asks for its stack, in seconds: 5 are for AWS, which limits requests."""
    return {"SAM_CLI_POLL_DELAY": "0.2"} if stage.is_local else {}


def _sam(stage: Stage, *arguments: str) -> None:
    """Run SAM quietly; when it fails, the reason is said, and its log is kept."""
    since = datetime.now(UTC) - timedelta(seconds=1)
    # SAM forgets a folder for each function that it packages.
    with state.scratch() as folder:
        said: list[str] = []
        config = _config(stage, folder)
        code = child.run(
            [SAM, *arguments, "--config-file", config, "--config-env", stage.name],
            said.append,
            cwd=ROOT,
            env=stage.environment() | _pace(stage) | {"TMPDIR": str(folder)},
        )
    if code:
        text, log = "".join(said), state.log_file("sam")
        log.write_text(text, encoding="utf-8")
        why = failure.reason(stage, text, since)
        raise UserError(f"`sam {arguments[0]}` failed: {why}\nall that it said: {log}")
