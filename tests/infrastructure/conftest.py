"""A MiniStack of the infrastructure tests' own, dressed up as this machine's local cloud."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_cloud import emulator
from workbench.local_cloud import ports, processes
from workbench.stages.stage import Stage


@pytest.fixture(scope="module")
def local_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage `local` in a fresh local cloud, with its state in a folder of the tests.

    Not for longer than a module: meanwhile other tests would take it for the checkout's own.
    """
    folder = tmp_path_factory.mktemp("local cloud")  # a space, as a checkout's path may have
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_LOCAL_DIR", str(folder))
        running, process = emulator.start(folder)
        write_cloud(folder, running.port, database_port=5433)
        yield Stage("local")
        processes.kill_group(process.pid)
        process.wait()


def write_cloud(folder: Path, port: int, database_port: int) -> None:
    """Write what `make up` writes; nothing listens at the outside things' addresses."""
    cloud = {
        "endpoint": f"http://{ports.HOST}:{port}",
        "cloud_port": port,
        "services": {},
        "variables": {
            "database": {
                "host": ports.HOST,
                "port": database_port,
                "dbname": "orders",
                "username": "order_intake",
            },
            "rates_api": {"base_url": f"http://{ports.HOST}:9/v1", "key": "generated"},
            "partner_webhook": {"url": f"http://{ports.HOST}:9/webhook", "key": "generated"},
        },
    }
    (folder / "cloud.json").write_text(json.dumps(cloud))
