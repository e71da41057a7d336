"""All that `sam local` needs to run the functions against the local cloud, for as long as it runs.

A session's folder holds a template of the built functions, the environment of each with the
temporary credentials of its own role, and a `samconfig.toml` that names them. It is gone when the
session ends, and so is the way to the local cloud.
"""

import contextlib
import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from workbench.deployment import unchanged
from workbench.deployment.packaging import package, sam
from workbench.local_cloud import interrupts, state
from workbench.sam_local import engine, image
from workbench.sam_local.forwarder import open_way
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT, Stage, running_cloud

BUILT = ROOT / ".aws-sam" / "local"
FOLDER = "sam-local"
# In a container this name leads to the host as well: by `--add-host`, and the resolver has to be
# told to look at more than the first line of /etc/hosts. What the functions allow for loopback
# (HTTP, unencrypted sessions) thereby holds, and it is true: nothing leaves the machine.
HOST_NAME = "localhost"
BOTH_ADDRESSES = {"RESOLV_MULTI": "on"}


@dataclass(frozen=True)
class Session:
    """An open session: its folder, the environment for `sam`, and which image is used."""

    deployed: Deployed
    folder: Path
    image: str
    functions: tuple[str, ...]

    @property
    def options(self) -> tuple[str, str]:
        """What `sam local invoke` and `sam local start-lambda` are told."""
        return ("--config-file", str(self.folder / "samconfig.toml"))

    @property
    def environment(self) -> dict[str, str]:
        """The environment that `sam` runs in: the stage's, without the caller's AWS settings."""
        return self.deployed.stage.environment()


@contextlib.contextmanager
def open_session() -> Iterator[Session]:
    """Build what changed, hand over environments, and open the way to the local cloud.

    Raises UserError when there is no engine, no image, no local cloud, or nothing deployed on it.
    """
    engine.check()
    deployed = Deployed.find(Stage("local"))
    bridge, chosen = engine.bridge(), image.choose()
    if chosen != image.AWS_IMAGE:
        print(image.STAND_IN_NOTE, flush=True)
    with interrupts.interruptible(), _alone():
        build_what_changed(deployed.stage)
        _say_what_is_not_deployed(deployed.stage)
        cloud = running_cloud()
        folder = state.folder(FOLDER)
        try:
            names = _write(folder, deployed, bridge.address, chosen)
            services = [one["port"] for one in cloud["services"].values()]
            ports = (cloud["cloud_port"], *services)
            with open_way(bridge, ports):
                yield Session(deployed, folder, chosen, names)
        finally:
            # Of an interrupted `sam`; nobody else has a session with this code.
            engine.remove_containers(engine.containers_with(BUILT))
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One session at a time: there is one way, and the fixtures share their rows."""
    with (state.folder() / f"{FOLDER}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another `sam local` session is open; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_what_changed(stage: Stage) -> None:
    """`sam build`, unless what is built is of just these sources."""
    hashed = hashlib.sha256()
    files = [file for file in (ROOT / "src").rglob("*") if file.is_file()]
    for file in sorted([*files, ROOT / "template.yaml"]):
        if "__pycache__" not in file.parts:
            hashed.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    note = BUILT / "sources.sha256"  # whoever else builds removes it with the folder
    if note.exists() and note.read_text() == hashed.hexdigest():
        return
    print("package (sam build) …", flush=True)
    sam.build(stage)
    note.write_text(hashed.hexdigest())


def _say_what_is_not_deployed(stage: Stage) -> None:
    if not unchanged.is_application(stage):
        print(
            "note: the code is the one at hand; variables, roles and permissions are those that "
            "were deployed before your last change (make deploy)"
        )


def _write(folder: Path, deployed: Deployed, host: str, chosen: str) -> tuple[str, ...]:
    """Write the session's files, which nobody else may read; the functions' names."""
    functions = {name: _configuration(deployed, name) for name in package.functions()}
    environments = {
        name: _environment(deployed, configuration) for name, configuration in functions.items()
    }
    resources = {
        name: _resource(name, configuration, environments[name])
        for name, configuration in functions.items()
    }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    parameters = {
        "template_file": str(folder / "template.yaml"),
        "env_vars": str(folder / "environments.json"),
        "add_host": f"{HOST_NAME}:{host}",
        "invoke_image": chosen,
        "skip_pull_image": True,
        "region": deployed.stage.region,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in parameters.items()]
    commands = ("local_invoke", "local_start_lambda")
    tables = [f"[default.{name}.parameters]\n" + "\n".join(lines) for name in commands]
    _private(folder / "template.yaml", json.dumps(template))  # JSON is YAML
    _private(folder / "environments.json", json.dumps(environments))
    _private(folder / "samconfig.toml", "version = 0.1\n" + "\n".join(tables) + "\n")
    return tuple(functions)


def _configuration(deployed: Deployed, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = deployed.stage.client("lambda").get_function_configuration(
            FunctionName=f"{deployed.stage.prefix}-{name}"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise UserError(f"{name} is not deployed yet; deploy it with: make deploy") from None
    return found


def _environment(deployed: Deployed, configuration: dict[str, Any]) -> dict[str, str]:
    """What a function gets on the stage, its role's credentials, and where the cloud is."""
    given = deployed.stage.client("sts").assume_role(
        RoleArn=configuration["Role"], RoleSessionName=configuration["FunctionName"]
    )["Credentials"]
    port = urlsplit(running_cloud()["endpoint"]).port
    return {
        **configuration.get("Environment", {}).get("Variables", {}),
        **BOTH_ADDRESSES,
        "AWS_ENDPOINT_URL": f"http://{HOST_NAME}:{port}",
        "AWS_REGION": deployed.stage.region,
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCOUNT_ID": deployed.account,
    }


def _resource(
    name: str, configuration: dict[str, Any], environment: dict[str, str]
) -> dict[str, Any]:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": configuration["FunctionName"],
            "Runtime": configuration["Runtime"],
            "Handler": configuration["Handler"],
            "CodeUri": str(package.code_of(BUILT, name)),
            "Timeout": configuration["Timeout"],
            "MemorySize": configuration["MemorySize"],
            "Architectures": [image.PROCESSOR],
            "LoggingConfig": configuration.get("LoggingConfig", {}),
            # SAM hands over only what is declared; the values are in environments.json.
            "Environment": {"Variables": dict.fromkeys(environment, "")},
        },
    }


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
