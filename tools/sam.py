"""`sam build`, `sam deploy` and `sam delete` of the template, for one stage."""

import hashlib
import json
import platform
import time
import tomllib

from botocore.exceptions import ClientError

from tools import child, source_template
from tools.errors import UserError
from tools.local_cloud import state
from tools.stage import PROJECT, ROOT, Stage
from tools.workflow import definition

SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
# Template parameter → path below /order-intake/<stage>/ of what Terraform hands over.
HANDED_OVER = {
    "DataKeyArn": "keys/data/arn",
    "ConfigKeyArn": "keys/config/arn",
    "DatabaseSecretArn": "secrets/database/arn",
    "DatabaseOwnerSecretArn": "secrets/database-owner/arn",
    "RatesApiSecretArn": "secrets/rates-api/arn",
    "PartnerWebhookSecretArn": "secrets/partner-webhook/arn",
    "OrdersBusName": "buses/orders/name",
    "OrdersBusArn": "buses/orders/arn",
}


def parameters(stage: Stage) -> dict[str, str]:
    """The template's parameters for `stage`: paths made from its name, then samconfig's own."""
    values = {"Stage": stage.name}
    values |= {name: f"/{PROJECT}/{stage.name}/{path}" for name, path in HANDED_OVER.items()}
    if stage.is_local:  # functions run on this very machine
        values["Architecture"] = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    try:
        config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"samconfig.toml cannot be read: {error}") from None
    overrides = config.get(stage.name, {}).get("deploy", {}).get("parameters", {})
    for override in overrides.get("parameter_overrides", []):
        name, _, value = override.partition("=")
        values[name] = value
    return values


def stack_exists(stage: Stage) -> bool:
    """Whether the stage's stack is there, whatever state it is in."""
    return stack_status(stage) is not None


def make_way(stage: Stage) -> None:
    """Let what an earlier deployment began come to its end; delete a stack that never was complete.

    Such a stack cannot be updated, and holds nothing of anybody. Raises UserError where a person
    has to do something first.
    """
    client, status = stage.client("cloudformation"), stack_status(stage)
    while status and status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        print(f"  stack {stage.prefix} is {status}; waiting for its end", flush=True)
        status = _next_status(stage, status)
    if status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
        print(
            f"  stack {stage.prefix} is {status}: it never was complete and is deleted", flush=True
        )
        client.delete_stack(StackName=stage.prefix)
        client.get_waiter("stack_delete_complete").wait(
            StackName=stage.prefix, WaiterConfig={"Delay": pause(stage)}
        )
    if status == "DELETE_FAILED":
        named = "" if stage.is_local else f" STAGE={stage.name}"
        raise UserError(f"stack {stage.prefix} is half deleted; go on with: make destroy{named}")
    if status == "UPDATE_ROLLBACK_FAILED":
        raise UserError(
            f"stack {stage.prefix} is UPDATE_ROLLBACK_FAILED; its events say why; then: "
            f"aws cloudformation continue-update-rollback --stack-name {stage.prefix}"
        )


def pause(stage: Stage) -> float:
    """Seconds between two questions how far a stack is."""
    return 0.5 if stage.is_local else 10


def _next_status(stage: Stage, status: str) -> str | None:
    """The stack's status once it is another than `status`."""
    while (now := stack_status(stage)) == status:
        time.sleep(pause(stage))
    return now


def stack_status(stage: Stage) -> str | None:
    """The status of the stage's stack; None when there is none."""
    try:
        answer = stage.client("cloudformation").describe_stacks(StackName=stage.prefix)
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return str(answer["Stacks"][0]["StackStatus"])


def fingerprint(stage: Stage) -> str:
    """A hash of all that a deployment is made of: template, workflow, code, parameters' values."""
    handed_over = [f"/{PROJECT}/{stage.name}/{path}" for path in HANDED_OVER.values()]
    answer = stage.client("ssm").get_parameters(Names=handed_over)
    values = {item["Name"]: item["Value"] for item in answer["Parameters"]}
    hashed = hashlib.sha256(json.dumps([parameters(stage), values], sort_keys=True).encode())
    folders = (ROOT / "src", ROOT / "statemachine")
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    for file in sorted([*files, ROOT / "template.yaml", ROOT / "samconfig.toml"]):
        if "__pycache__" not in file.parts:
            hashed.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return hashed.hexdigest()


def check_sources(stage: Stage) -> None:
    """UserError when there is nothing to deploy: template, workflow or settings do not read.

    AWS would refuse them later, and the local cloud takes some of them.
    """
    source_template.load()
    definition.load()
    parameters(stage)


def build(stage: Stage) -> None:
    """Package the functions: one folder of code, built once for all of them."""
    _sam(stage, "build", "--build-dir", f".aws-sam/{stage.name}", *_overrides(stage))


def deploy(stage: Stage) -> None:
    """Create or update the stage's stack from what `build` made."""
    template = f".aws-sam/{stage.name}/template.yaml"
    tags = [f"project={PROJECT}", f"stage={stage.name}", "managed-by=sam"]
    _sam(
        stage, "deploy", "--template-file", template, "--stack-name", stage.prefix,
        "--s3-prefix", stage.prefix, "--region", stage.region, "--tags", *tags,
        *_overrides(stage),
    )  # fmt: skip


def delete(stage: Stage) -> None:
    """Delete the stage's stack and its packages."""
    _sam(stage, "delete", "--stack-name", stage.prefix, "--region", stage.region, "--no-prompts")


def _overrides(stage: Stage) -> list[str]:
    pairs = [f"{name}={value}" for name, value in parameters(stage).items()]
    return ["--parameter-overrides", *pairs]


def _sam(stage: Stage, *arguments: str) -> None:
    """Run SAM quietly; what it printed is shown when it fails."""
    # SAM forgets a folder for each function that it packages.
    with state.scratch() as folder:
        said: list[str] = []
        code = child.run(
            # Without the option, SAM looks for its configuration beside the built template.
            [SAM, *arguments, "--config-file", str(ROOT / "samconfig.toml")],
            said.append,
            cwd=ROOT,
            env=stage.environment() | {"TMPDIR": str(folder)},
        )
    if code:
        print("".join(said))
        raise UserError(f"`sam {arguments[0]}` failed; what it said is above")
