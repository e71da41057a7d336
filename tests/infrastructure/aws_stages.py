"""Stages with other names than `local`, on an emulator instead of AWS: the commands as on AWS."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.local_cloud.emulator import Emulator
from workbench.local_cloud import ports
from workbench.stages.stage import LOCAL_REGION, Stage


@contextmanager
def as_aws(cloud: Emulator, stages: Path, region: str = LOCAL_REGION) -> Iterator[None]:
    """While inside, an account of AWS is what `cloud` is, and stages' states are below `stages`."""
    settings = {
        "AWS_ENDPOINT_URL": f"http://{ports.HOST}:{cloud.port}",
        "AWS_ACCESS_KEY_ID": cloud.keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": cloud.keys.secret_access_key,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "WORKBENCH_STAGES_DIR": str(stages),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        for name in ("YES", "REPLACE"):
            patch.delenv(name, raising=False)
        yield


def new_stage() -> Stage:
    """A development stage that no test has used."""
    return Stage(f"t{uuid.uuid4().hex[:8]}")
