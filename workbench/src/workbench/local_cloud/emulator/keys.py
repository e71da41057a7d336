"""The secrets of one local cloud, drawn when it starts: root's key, and the control paths' own.

They lie in one file that its owner alone may read, and go nowhere else: no argument, no
environment of a process of the cloud, no log. The file has the form that the AWS CLI and SDKs
take from a `credential_process`.
"""

import functools
import json
import os
import secrets
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "keys.json"
# Names the file to the processes of the local cloud.
VARIABLE = "LOCAL_CLOUD_KEYS"
# The header that carries the control paths' secret.
HEADER = "X-Local-Cloud-Control"
# The AWS CLI's name for the local cloud.
PROFILE = "local"
_ID_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Keys:
    """Root's access key, and the secret that control paths ask for."""

    access_key_id: str
    secret_access_key: str
    control: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request to a control path carries."""
        return {HEADER: self.control}

    @property
    def credentials(self) -> dict[str, Any]:
        """Root's key as boto3 takes it."""
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }


def make(path: Path) -> Keys:
    """Draw the keys of a new local cloud and write them for their owner only."""
    name = "AKIA" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(16))
    keys = Keys(name, secrets.token_urlsafe(30), secrets.token_urlsafe(30))
    content = {
        "Version": 1,
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "Control": keys.control,
    }
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
    return keys


def read(path: Path) -> Keys:
    """The keys of a local cloud; OSError or ValueError where there are none."""
    content = json.loads(path.read_text())
    try:
        return Keys(content["AccessKeyId"], content["SecretAccessKey"], content["Control"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no keys") from error


@functools.cache
def of_this_process() -> Keys:
    """The keys that the environment names; for processes of the local cloud.

    Raises RuntimeError where it names none.
    """
    try:
        return read(Path(os.environ[VARIABLE]))
    except (KeyError, OSError, ValueError):
        raise RuntimeError(f"{VARIABLE} names no file with keys; start it by `make up`") from None


def write_profile(path: Path, endpoint: str, region: str, keys: Path) -> None:
    """Write a configuration for the AWS CLI that has the key fetched from its file."""
    path.write_text(
        f"[profile {PROFILE}]\nregion = {region}\nendpoint_url = {endpoint}\n"
        f'credential_process = cat "{keys.resolve()}"\n'
    )
