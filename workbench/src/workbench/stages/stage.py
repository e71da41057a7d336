"""Which stage a command works on, and the environment its subprocesses get.

`local` is the default and can reach nothing but the local cloud: whatever AWS settings the
caller's environment holds are taken out before anything starts.
"""

import functools
import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from workbench.application.settings import PROJECT, ROOT
from workbench.local_cloud.emulator import keys
from workbench.stages.errors import UserError

__all__ = ["PROJECT", "ROOT"]  # settings' own, for all who import them from here
LOCAL = "local"
LOCAL_REGION = "eu-central-1"
LOCAL_ACCOUNT = "000000000000"
# A bucket's name has at most 63 characters; testing/contract/test_names.py adds up.
LONGEST_STAGE = 12
_NAME = re.compile(rf"[a-z][a-z0-9]{{0,{LONGEST_STAGE - 1}}}")


def local_dir() -> Path:
    """Where the local cloud keeps all its state. Tests name a folder of their own."""
    return Path(os.environ.get("WORKBENCH_LOCAL_DIR") or ROOT / ".local")


MODULES = f"{ROOT / 'workbench' / 'src'}:{ROOT}"
"""PYTHONPATH of a Python that is not the one of `.venv/dev`, to run modules of this checkout."""


def running_cloud() -> dict[str, Any]:
    """What `make up` wrote about the running local cloud; UserError when there is none."""
    try:
        cloud: dict[str, Any] = json.loads((local_dir() / "cloud.json").read_text())
        # It may have been killed. boto3 would try again and again before it says so.
        socket.create_connection(("127.0.0.1", cloud["cloud_port"]), timeout=2).close()
    except (OSError, ValueError, LookupError, TypeError):  # not there, or not what was written
        raise UserError("the local cloud is not running; start it with: make up") from None
    return cloud


def local_keys() -> keys.Keys:
    """The keys of the running local cloud; UserError when there are none."""
    try:
        return keys.read(local_dir() / keys.FILE)
    except (OSError, ValueError):
        raise UserError("the local cloud is an older one; start it anew: make down up") from None


def stages_dir() -> Path:
    """Where the state of stages on AWS lives. Tests name a folder of their own."""
    return Path(os.environ.get("WORKBENCH_STAGES_DIR") or ROOT / ".stages")


@dataclass(frozen=True)
class Stage:
    """One deployment of the project: `local`, `prod`, or a development stage of any other name."""

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(
                f"STAGE={self.name!r} is not a stage name: a lower-case letter, then at most 11 "
                "lower-case letters or digits, such as local, dev, ana or prod"
            )

    @classmethod
    def from_environment(cls) -> "Stage":
        """The stage that STAGE names; `local` without it."""
        return cls(os.environ.get("STAGE") or LOCAL)

    @property
    def is_local(self) -> bool:
        """Whether this is the laptop's stage."""
        return self.name == LOCAL

    @property
    def prefix(self) -> str:
        """The start of every resource's name; also the stack's name."""
        return f"{PROJECT}-{self.name}"

    @property
    def region(self) -> str:
        """The stage's region. On AWS, the caller's: AWS_REGION, the profile's, or eu-central-1."""
        if self.is_local:
            return LOCAL_REGION
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return named or boto3.Session().region_name or LOCAL_REGION

    @property
    def state_dir(self) -> Path:
        """Where Terraform's state of this stage lives; it outlasts `make clean` but on `local`."""
        if self.is_local:
            return local_dir() / "terraform"
        return stages_dir() / self.name / "terraform"

    def environment(self) -> dict[str, str]:
        """The environment for subprocesses (terraform, sam, aws) that work on this stage."""
        environment = {
            **os.environ,
            "STAGE": self.name,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "SAM_CLI_TELEMETRY": "0",
            "CHECKPOINT_DISABLE": "1",  # Terraform asks no one for its newest version
        }
        if self.is_local:
            environment = _local_environment(environment)
        return environment

    def session(self) -> boto3.Session:
        """A boto3 session for this stage; use `client`, which knows the endpoint too."""
        if not self.is_local:
            return boto3.Session(region_name=self.region)
        return _local_session()

    def client(self, service: str) -> Any:
        """A boto3 client for `service` on this stage. Raises UserError when `local` is down."""
        if not self.is_local:
            return _client(self, service, None, None)
        return _client(self, service, running_cloud()["endpoint"], local_keys())

    def account(self) -> str:
        """The account id that this stage lives in."""
        if self.is_local:
            return LOCAL_ACCOUNT
        return str(self.client("sts").get_caller_identity()["Account"])


@functools.cache
def _client(stage: Stage, service: str, endpoint: str | None, root: keys.Keys | None) -> Any:
    # By key, too: another local cloud may answer at the same address.
    return stage.session().client(service, endpoint_url=endpoint)  # type: ignore[call-overload]


def _local_session() -> boto3.Session:
    # The local cloud's own root key; a profile or key of the caller is never looked at.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        if name not in {"AWS_CA_BUNDLE"}:
            del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return boto3.Session(**local_keys().credentials, region_name=LOCAL_REGION)


def _local_environment(inherited: dict[str, str]) -> dict[str, str]:
    """`inherited` without the caller's AWS settings, pointed at the local cloud."""
    cloud, root = running_cloud(), local_keys()
    environment = {
        name: value for name, value in inherited.items() if not name.startswith(("AWS_", "TF_VAR_"))
    }
    return environment | {
        "AWS_ENDPOINT_URL": cloud["endpoint"],
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        "AWS_REGION": LOCAL_REGION,
        "AWS_DEFAULT_REGION": LOCAL_REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **{f"TF_VAR_{name}": _by_name(value) for name, value in cloud["variables"].items()},
    }


def _by_name(variable: Any) -> str:
    """Return a variable with loopback by its name: a container can be told another place."""
    return json.dumps(variable).replace("127.0.0.1", "localhost")
