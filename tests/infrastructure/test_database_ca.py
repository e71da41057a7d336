"""The certificates by which a database's server is known come from one package, unchanged."""

import shutil
import ssl
from pathlib import Path

import pytest

from operations.database import database_ca
from workbench.stages.errors import UserError


@pytest.fixture
def fetched() -> Path:
    if not shutil.which("npm"):
        pytest.skip("npm is not found: no stage with a database can be built here")
    return database_ca.file()


def test_they_are_those_of_rds_and_its_proxy(fetched: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(fetched)).get_ca_certs()

    assert len(trusted) >= 100
    for name in ("Amazon RDS eu-central-1 Root CA RSA2048 G1", "Amazon Root CA 1"):
        assert any(name in str(one["subject"]) for one in trusted), name


def test_each_built_function_gets_them(fetched: Path, tmp_path: Path) -> None:
    for function in ("LoadOrders", "MigrateDatabase"):
        (tmp_path / function / "order_intake").mkdir(parents=True)

    database_ca.add_to(tmp_path)

    found = tmp_path.glob(f"*/order_intake/{database_ca.NAME}")
    assert {path.read_text() for path in found} == {fetched.read_text()}


def test_another_package_is_refused() -> None:
    with pytest.raises(UserError, match="its checksum differs"):
        database_ca.certificates(b"another")


def test_without_npm_it_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(database_ca, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UserError, match=r"^npm is not found: [^\n]*$"):
        database_ca.file()
