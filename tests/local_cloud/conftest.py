"""What these tests share: this checkout's local cloud, and an emulator that is theirs alone."""

import json
import uuid
from collections.abc import Iterator

import pytest

from operations.deployed import Deployed
from tests.local_cloud import emulator
from workbench.local_cloud import processes
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_REGION, Stage


@pytest.fixture(scope="session")
def deployed() -> Deployed:
    """The stage `local`; `make test` brings it up and deploys it before the tests start."""
    try:
        return Deployed.find(Stage("local"))
    except UserError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    """A MiniStack with the project's patches and nothing on it."""
    running, process = emulator.start(tmp_path_factory.mktemp("ministack"))
    yield running
    processes.kill_group(process.pid)
    process.wait()


@pytest.fixture
def manifest(cloud: emulator.Emulator) -> Iterator[tuple[str, str]]:
    """A JSON list of five chunks in a bucket: (bucket, key)."""
    bucket, client = f"b-{uuid.uuid4().hex[:8]}", cloud.client("s3")
    client.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": LOCAL_REGION}
    )
    chunks = [{"index": number} for number in range(5)]
    client.put_object(Bucket=bucket, Key="manifest.json", Body=json.dumps(chunks))
    yield bucket, "manifest.json"
    there = client.list_object_versions(Bucket=bucket)
    for version in there.get("Versions", []) + there.get("DeleteMarkers", []):
        client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    client.delete_bucket(Bucket=bucket)
