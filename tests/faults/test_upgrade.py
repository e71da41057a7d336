"""A stage that the last released commit deployed is upgraded while files are on their way in it."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from operations.database.connection import find_database
from operations.deployed import Deployed
from operations.files.decide import give_decision
from operations.files.order_file import AWAITING, FINAL, Uploaded, put, read_row
from operations.services import postgres
from operations.services.database import secret, set_password
from workbench.checks.run_tests import ports_of_its_own
from workbench.deployment import terraform
from workbench.deployment.packaging import sam
from workbench.deployment.provider_mirror import find_mirror
from workbench.stages.stage import ROOT, Stage
from workbench.stages.waiting import wait_until

# The last commit whose events have schema version 1.0 and whose database has no migrations.
BEFORE = "0d0997ef00242c295d0ce9faec4be6507a06a0ae"
LIMIT = 420.0  # seconds: a file waits out the quiet hours, and machines are busy
QUIET_MINUTES = 40  # of which the local cloud waits a twentieth

HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis"


def git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.fail(
            f"this clone does not have the commit {BEFORE}, from which stages are upgraded; "
            "get the whole history with: git fetch --unshallow",
            pytrace=False,
        )
    return done.stdout


def unpack_before(folder: Path) -> None:
    folder.mkdir()
    archive = git("archive", BEFORE)
    subprocess.run(["tar", "-x"], cwd=folder, input=archive, check=True)


def deploy_before(folder: Path) -> None:
    """Deploy that commit, as its own `make deploy` did, to today's local cloud.

    Its tools would not: they have no key of a local cloud that asks for one.
    """
    stage = Stage("local")
    state = stage.state_dir
    state.mkdir(parents=True, exist_ok=True)
    environment = terraform.environment_of(stage)
    mirror = find_mirror(environment)
    plugins = [f"-plugin-dir={mirror}"] if mirror else []
    path = f"-backend-config=path={state / 'terraform.tfstate'}"
    module = ["terraform", f"-chdir={folder / 'terraform'}"]
    call([*module, "init", "-input=false", "-lockfile=readonly", path, *plugins], environment)
    settings = ["-var=stage=local", "-var-file=stages/local.tfvars"]
    call([*module, "apply", "-input=false", "-auto-approve", *settings], environment)
    make_database_of_before(stage, folder)
    minute = int(datetime.now(UTC).timestamp() // 60)
    quiet = {"QuietFromMinute": minute % 1440, "QuietToMinute": (minute + QUIET_MINUTES) % 1440}
    values = [f"{name}={value}" for name, value in (sam.parameters(stage) | quiet).items()]
    settings = ["--config-file", str(folder / "samconfig.toml"), "--parameter-overrides", *values]
    environment = stage.environment()
    call([str(sam.SAM), "build", *settings], environment, folder)
    names = ["--stack-name", stage.prefix, "--s3-prefix", stage.prefix, "--region", stage.region]
    call([str(sam.SAM), "deploy", *names, *settings], environment, folder)


def make_database_of_before(stage: Stage, folder: Path) -> None:
    """Make role, database and tables as `make deploy` did then, all by the administrator."""
    wanted = secret(stage)
    with postgres.connect_as_owner(int(wanted["port"])) as server:
        server.execute("CREATE ROLE order_intake")
        set_password(server, wanted)
        server.execute("CREATE DATABASE orders")
    with postgres.connect_as_owner(int(wanted["port"]), "orders") as orders:
        orders.execute((folder / "src" / "order_intake" / "schema.sql").read_bytes())


def call(command: list[str], environment: dict[str, str], folder: Path = ROOT) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def copy(folder: Path, *paths: str) -> None:
    """Copy files of this checkout, as they are now, and lend it this checkout's environments."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths)
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")


def run(folder: Path, *arguments: str) -> str:
    paths = f"{folder / 'workbench' / 'src'}:{folder}"
    environment = os.environ | {"STAGE": "local", "YES": "1", "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """The trees of before and of now, with a local cloud of their own."""
    for name, value in ports_of_its_own().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path / "local"))
    before, now = tmp_path / "before", tmp_path / "now"
    unpack_before(before)
    now.mkdir()
    copy(now)
    try:
        run(now, "-m", "workbench.local_cloud", "up")
        yield before, now
    finally:
        run(now, "-m", "workbench.local_cloud", "down")


def lines(count: int, quantity: int) -> bytes:
    invoice = uuid.uuid4().hex[:16]
    row = "{};03.12.2010;K-1001;KLB-48;Klebeband 48 mm, braun, 66 m lang, extra stark;{};10.25"
    rows = (row.format(f"NW-{invoice}-{number // 4}", quantity) for number in range(count))
    return "\n".join([HEADER, *rows, ""]).encode()


def status(deployed: Deployed, uploaded: Uploaded, *wanted: str) -> dict[str, Any]:
    def found() -> dict[str, Any]:
        row = read_row(deployed, uploaded.file_id)
        return row if row and row["status"] in wanted else {}

    row = read_row(deployed, uploaded.file_id) or {}
    said = f"{uploaded.key} is {' or '.join(wanted)}, it was {row.get('status')}"
    return wait_until(found, said, LIMIT)


def upload(deployed: Deployed, content: bytes) -> Uploaded:
    return put(deployed, f"incoming/nordwind/{uuid.uuid4().hex}.csv", content)


def is_in(deployed: Deployed, uploaded: Uploaded, state: str) -> bool:
    """Whether the execution that works on a file has come to this state."""
    row = read_row(deployed, uploaded.file_id) or {}
    client = deployed.stage.client("stepfunctions")
    name = str(row.get("claimed_by", ""))
    if ":execution:" not in name:
        return False
    pages = client.get_paginator("get_execution_history").paginate(executionArn=name)
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for page in pages
        for event in page["events"]
        if "stateEnteredEventDetails" in event
    ]
    return bool(entered) and entered[-1] == state


def test_files_on_their_way_end_well_after_an_upgrade(trees: tuple[Path, Path]) -> None:
    before, now = trees
    deploy_before(before)
    deployed = Deployed.find(Stage("local"))
    done = upload(deployed, small := lines(4, 1))
    pending = upload(deployed, lines(4, 1000))
    under_way = upload(deployed, lines(800, 1))
    assert status(deployed, done, *FINAL)["status"] == "Accepted"
    status(deployed, pending, AWAITING)
    wait_until(lambda: is_in(deployed, under_way, "WaitOutQuietHours"), "a file waits", LIMIT)

    said = run(now, "-m", "workbench.deployment.deploy")

    assert "applied 0001_orders" in said
    waiting = read_row(deployed, pending.file_id)
    assert waiting
    assert waiting["status"] == AWAITING
    give_decision(deployed, pending.file_id, "approved", "upgrade")
    database = find_database(deployed)
    for uploaded, count in ((pending, 4), (under_way, 800), (done, 4)):
        row = status(deployed, uploaded, *FINAL)
        assert row["status"] == "Accepted", row
        stored = database.read(uploaded.file_id)
        assert stored
        assert stored.sums[0] == count
    # What was loaded before is known: the same bytes are a duplicate, and their orders are noted.
    again = upload(deployed, small)
    assert status(deployed, again, *FINAL)["duplicate_of"] == done.file_id
    port = postgres.port()
    with postgres.connect_as_owner(port, postgres.DATABASE) as owner:
        noted = owner.execute(
            "SELECT count(*) FROM partner_order WHERE file_id = ANY(%s)",
            [[done.file_id, pending.file_id, under_way.file_id]],
        ).fetchone()
    assert noted == (202,)
    reconciled = run(now, "-m", "operations.commands.reconcile")
    assert "balanced" in reconciled
