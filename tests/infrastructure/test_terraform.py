"""terraform/ in the local cloud: it applies, it keeps secrets, it comes back after a destroy."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infrastructure.conftest import write_cloud
from workbench.deployment import terraform
from workbench.deployment.provider_mirror import TERRAFORM, find_mirror
from workbench.local_cloud.emulator import faults, keys
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_REGION, PROJECT, ROOT, Stage, local_dir, running_cloud

pytestmark = [
    pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed"),
    pytest.mark.xdist_group("terraform"),  # one worker, so one platform
]

PARAMETERS = {
    "keys/data/arn",
    "keys/config/arn",
    "secrets/database/arn",
    "secrets/database-owner/arn",
    "secrets/rates-api/arn",
    "secrets/partner-webhook/arn",
    "buses/orders/name",
    "buses/orders/arn",
}


@pytest.fixture(scope="module")
def platform(local_stage: Stage) -> Stage:
    """The stage with its platform applied."""
    terraform.apply(local_stage)
    return local_stage


def terraform_says(
    stage: Stage, *arguments: str, data: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs Terraform itself; `data` is a TF_DATA_DIR other than the stage's."""
    environment = terraform.environment_of(stage)
    if data:
        environment["TF_DATA_DIR"] = str(data)
    command = ["terraform", f"-chdir={TERRAFORM}", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def initialized(local_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TF_DATA_DIR for Terraform's own tests, apart from the stage's."""
    data = tmp_path_factory.mktemp("terraform")
    mirror = find_mirror(terraform.environment_of(local_stage))
    plugins = [f"-plugin-dir={mirror}"] if mirror else []
    init = ["init", "-backend=false", "-input=false", "-lockfile=readonly", *plugins]
    begun = terraform_says(local_stage, *init, data=data)
    assert begun.returncode == 0, begun.stderr
    return data


# Those in tests/permissions run where tests/contract reads their plan.
OWN_TESTS = sorted(TERRAFORM.glob("tests/*.hcl"))


@pytest.mark.parametrize("file", OWN_TESTS, ids=[path.name for path in OWN_TESTS])
def test_own_tests(local_stage: Stage, initialized: Path, file: Path) -> None:
    environment = terraform.environment_of(local_stage) | {"TF_DATA_DIR": str(initialized)}
    own = {name: value for name, value in environment.items() if not name.startswith("TF_VAR_")}
    only = ["-test-directory=tests", f"-filter=tests/{file.name}"]
    command = ["terraform", f"-chdir={TERRAFORM}", "test", "-no-color", *only]
    done = subprocess.run(command, env=own, capture_output=True, text=True)
    # Each error ends with what the failed assertion has to say, in a paragraph of its own.
    errors = done.stderr.split("\nError: ")[1:]
    said = [" ".join(error.rstrip().rpartition("\n\n")[2].split()) for error in errors]
    assert done.returncode == 0, "\n".join([*said, done.stdout, done.stderr])


def test_second_plan_is_empty(platform: Stage) -> None:
    assert terraform.plan_is_empty(platform)


def test_hands_over_every_name(platform: Stage) -> None:
    answer = platform.client("ssm").get_parameters_by_path(
        Path=f"/{PROJECT}/local/", Recursive=True, MaxResults=10
    )
    found = {parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]}
    assert set(found) == {f"/{PROJECT}/local/{name}" for name in PARAMETERS}
    assert found == terraform.outputs(platform)["parameters"]
    assert found[f"/{PROJECT}/local/buses/orders/name"] == f"{platform.prefix}-orders"


def secrets_of(stage: Stage) -> dict[str, dict[str, object]]:
    client = stage.client("secretsmanager")
    return {
        name: json.loads(client.get_secret_value(SecretId=f"{stage.prefix}/{name}")["SecretString"])
        for name in ("database", "database-owner", "rates-api", "partner-webhook")
    }


def test_secrets_hold_what_functions_read(platform: Stage) -> None:
    secrets = secrets_of(platform)
    assert {name: sorted(fields) for name, fields in secrets.items()} == {
        "database": ["dbname", "engine", "host", "password", "port", "username"],
        "database-owner": ["dbname", "engine", "host", "password", "port", "username"],
        "rates-api": ["api_key", "base_url"],
        "partner-webhook": ["api_key", "url"],
    }
    assert secrets["database"]["port"] == 5433
    # By name, which leads to this machine from a container as well (docs/sam_local.md).
    address = running_cloud()["variables"]["rates_api"]["base_url"].replace(
        "127.0.0.1", "localhost"
    )
    assert secrets["rates-api"]["base_url"] == address


def test_no_secret_in_state_plan_or_output(platform: Stage, tmp_path: Path) -> None:
    secrets = secrets_of(platform)
    values = [str(fields.get("password") or fields.get("api_key")) for fields in secrets.values()]
    # Safe in a connection string, a header and a shell.
    odd = "a generated secret has not 40 letters and digits"
    assert all(len(value) == 40 and value.isalnum() for value in values), odd
    assert len(set(values)) == len(secrets)

    plan = tmp_path / "plan"
    # A plan that writes all secrets anew: the one that has most to hide.
    arguments = [*terraform.variable_arguments(platform), "-var=secrets_version=2"]
    planned = terraform_says(platform, "plan", "-lock=false", f"-out={plan}", *arguments)
    assert planned.returncode == 0, planned.stderr
    shown = terraform_says(platform, "show", "-json", str(plan)).stdout
    assert '"update"' in shown
    files = [path for path in platform.state_dir.glob("terraform.tfstate*") if path.is_file()]
    said = [planned.stdout, shown, terraform_says(platform, "output", "-json").stdout]
    for text in [*said, *(path.read_text() for path in files)]:
        for value in values:
            assert value not in text


def test_a_changed_address_is_written_to_its_secret(
    platform: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(local_dir() / keys.FILE, tmp_path)
    write_cloud(tmp_path, running_cloud()["cloud_port"], database_port=5434)
    state = platform.state_dir / "terraform.tfstate"
    (tmp_path / "terraform").mkdir()
    (tmp_path / "terraform/terraform.tfstate").write_text(state.read_text())
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    assert not terraform.plan_is_empty(platform)


def test_destroy_then_apply(platform: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    before = terraform.outputs(platform)["key_arns"]
    terraform.destroy(platform)
    assert terraform.outputs(platform) == {}
    terraform.apply(platform)
    assert terraform.outputs(platform)["key_arns"] != before
    said = capsys.readouterr().out.splitlines()
    assert all(line.startswith("  ") for line in said)


def test_goes_on_when_the_answer_to_a_request_is_lost(
    platform: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.client("events").delete_event_bus(Name=f"{platform.prefix}-orders")
    lost = {"service": "events", "request": "CreateEventBus", "times": 1, "action": "lose"}
    faults.set_requests([lost])
    terraform.apply(platform)
    assert faults.requests_left() == [0]
    assert "is there already" in capsys.readouterr().out
    assert terraform.plan_is_empty(platform)


def test_a_platform_that_was_never_made_is_not_known(
    local_stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(local_dir() / keys.FILE, tmp_path)
    write_cloud(tmp_path, running_cloud()["cloud_port"], database_port=5433)
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    assert terraform.known(Stage("local")) == []


def test_state_of_a_lost_cloud_is_forgotten(
    local_stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(local_dir() / keys.FILE, tmp_path)
    write_cloud(tmp_path, running_cloud()["cloud_port"], database_port=5433)
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    lost = f"arn:aws:kms:{LOCAL_REGION}:000000000000:key/00000000-0000-0000-0000-000000000000"
    state = local_dir() / "terraform/terraform.tfstate"
    state.parent.mkdir()
    state.write_text(json.dumps({"outputs": {"key_arns": {"value": {"data": lost}}}}))
    terraform.destroy(Stage("local"))
    assert not state.exists() or lost not in state.read_text()


def test_refuses_a_stage_name_that_makes_no_resource_name(local_stage: Stage) -> None:
    terraform.initialise(local_stage)
    arguments = ["-input=false", "-lock=false", "-var=stage=Ana_1"]
    done = terraform_says(
        local_stage, "plan", "-no-color", "-var-file=stages/local.tfvars", *arguments
    )
    assert done.returncode == 1
    assert "stage must be a lower-case letter" in done.stderr
    with pytest.raises(UserError, match="is not a stage name"):
        Stage("Ana_1")


def test_arguments_name_the_stages_settings_and_nothing_else() -> None:
    assert terraform.variable_arguments(Stage("prod")) == [
        f"-var=project={PROJECT}",
        "-var=stage=prod",
        "-var-file=stages/prod.tfvars",
    ]
    assert terraform.variable_arguments(Stage("ana")) == [
        f"-var=project={PROJECT}",
        "-var=stage=ana",
        "-var-file=stages/development.tfvars",
    ]


def test_what_is_deleted_in_production_by_mistake_can_be_brought_back() -> None:
    settings = dict(
        line.replace(" ", "").split("=", 1)
        for line in (ROOT / "terraform/stages/prod.tfvars").read_text(encoding="utf-8").splitlines()
        if "=" in line
    )
    assert settings == {
        "key_deletion_window_in_days": "30",
        "secret_recovery_window_in_days": "30",
        "archive_retention_in_days": "90",
    }
