"""Terraform for stages that are not `local`: remote state, lost state, destroyed and made again.

One platform of `prod`, on an emulator that stands for AWS, with its state in a bucket there.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infrastructure.aws_stages import as_aws
from tests.local_cloud import emulator
from tests.local_cloud.emulator import Emulator
from workbench.deployment import terraform
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.local_cloud import processes
from workbench.stages import backend, place
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, ROOT, Stage

pytestmark = [
    pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed"),
    pytest.mark.xdist_group("terraform"),
]

PROD = Stage("prod")
BUCKET = "a-teams-states"
KEY = "order-intake/prod/terraform.tfstate"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of these tests' own, with a bucket for states."""
    running, process = emulator.start(tmp_path_factory.mktemp("cloud"))
    s3 = running.client("s3")
    where = {"LocationConstraint": LOCAL_REGION}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield running
    processes.kill_group(process.pid)
    process.wait()


@pytest.fixture(scope="module")
def with_bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """terraform/stages/ as a team has it that shares its states."""
    stages = tmp_path_factory.mktemp("team") / "stages"
    shutil.copytree(TERRAFORM / "stages", stages)
    (stages / "prod.s3.tfbackend").write_text(
        f'bucket = "{BUCKET}"\nregion = "{LOCAL_REGION}" # the states\'\n'
    )
    return stages


@pytest.fixture(scope="module")
def platform(cloud: Emulator, with_bucket: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The platform of `prod`, deployed by a team."""
    here = as_aws(cloud, tmp_path_factory.mktemp("first clone"))
    with here, pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "STAGES", with_bucket)
        terraform.apply(PROD)
    return PROD


@pytest.fixture
def clone(
    platform: Stage,
    cloud: Emulator,
    with_bucket: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """Another clone of that team; the folder of its states."""
    monkeypatch.setattr(backend, "STAGES", with_bucket)
    with as_aws(cloud, tmp_path / "stages"):
        yield tmp_path / "stages"


def key_of(cloud: Emulator) -> str:
    described = cloud.client("kms").describe_key(KeyId="alias/order-intake-prod-data")
    return str(described["KeyMetadata"]["KeyId"])


def test_another_clone_of_the_team_reads_the_state(clone: Path, cloud: Emulator) -> None:
    assert cloud.client("s3").head_object(Bucket=BUCKET, Key=KEY)["ContentLength"] > 1000
    assert "aws_kms_key.data" in terraform.known(PROD)
    assert terraform.plan_is_empty(PROD)
    assert not (clone / "prod/terraform/terraform.tfstate").exists()
    assert place.here(PROD) == place.Place(LOCAL_ACCOUNT, LOCAL_REGION, f"s3://{BUCKET}/{KEY}")


def test_two_at_once_are_kept_apart_by_the_states_lock(clone: Path, cloud: Emulator) -> None:
    lock = {"Bucket": BUCKET, "Key": f"{KEY}.tflock"}
    cloud.client("s3").put_object(**lock, Body=b'{"ID": "1", "Who": "ana@laptop"}')
    try:
        with pytest.raises(UserError, match="Error acquiring the state lock"):
            terraform.apply(PROD)
    finally:
        cloud.client("s3").delete_object(**lock)


def test_another_region_is_refused_by_what_the_state_knows(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(UserError, match=f"stage prod lives in {LOCAL_REGION}, .* say AWS_REGION="):
        terraform.check_place(PROD)


def test_a_lost_state_is_taken_up_again_when_somebody_confirms(
    platform: Stage, cloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    before = key_of(cloud)
    with as_aws(cloud, tmp_path / "stages"):
        monkeypatch.setenv("YES", "1")
        monkeypatch.setattr("builtins.input", lambda _: "")
        assert terraform.known(PROD) == []
        with pytest.raises(
            UserError, match=r"type prod, or say REPLACE=prod \(YES=1 is not enough"
        ):
            terraform.apply(PROD)
        assert "/order-intake/prod/keys/data/arn is there already" in capsys.readouterr().out

        monkeypatch.setenv("REPLACE", "prod")
        terraform.apply(PROD)

        assert "aws_kms_key.data" in terraform.known(PROD)
    assert key_of(cloud) == before


def test_production_can_be_made_again_right_after_it_was_destroyed(
    clone: Path, cloud: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = cloud.client("secretsmanager")
    terraform.destroy(PROD)
    assert terraform.known(PROD) == []
    assert secrets.describe_secret(SecretId="order-intake-prod/rates-api")["DeletedDate"]

    terraform.apply(PROD)

    assert "waited for its deletion and is restored" in capsys.readouterr().out
    assert not secrets.describe_secret(SecretId="order-intake-prod/rates-api").get("DeletedDate")
    assert terraform.plan_is_empty(PROD)


def test_a_state_is_moved_into_the_teams_bucket(
    cloud: Emulator, with_bucket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, state = Stage("ana"), tmp_path / "stages/ana/terraform/terraform.tfstate"
    with as_aws(cloud, tmp_path / "stages"):
        terraform.initialise(ana)
        place.keep(ana)
        output = {"kept": {"value": "yes", "type": "string"}}
        one = {"version": 4, "serial": 1, "lineage": "l", "outputs": output, "resources": []}
        state.write_text(json.dumps(one))
        shutil.copytree(with_bucket, tmp_path / "team")
        (tmp_path / "team/prod.s3.tfbackend").rename(tmp_path / "team/development.s3.tfbackend")
        monkeypatch.setattr(backend, "STAGES", tmp_path / "team")
        with pytest.raises(
            UserError, match=r"move it with STAGE=ana .*workbench.deployment.terraform migrate"
        ):
            place.check(ana)

        monkeypatch.setattr(sys, "argv", ["terraform", "migrate"])
        monkeypatch.setenv("STAGE", "ana")
        assert terraform.main() is None

        place.check(ana)
    moved = cloud.client("s3").get_object(Bucket=BUCKET, Key=KEY.replace("prod", "ana"))
    assert b'"kept"' in moved["Body"].read()


def test_the_command_that_it_names_is_there() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench.deployment.terraform", "--help"],
        cwd=ROOT, env=os.environ, capture_output=True, text=True,
    )  # fmt: skip
    assert "migrate" in done.stdout
