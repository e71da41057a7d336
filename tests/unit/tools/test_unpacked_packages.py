"""The local cloud keeps few unpacked packages, and those that a worker runs from."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from workbench.local_cloud.emulator.patches.lambda_workers import _SharedCode


@pytest.fixture
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The local cloud's temporary folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def start_worker(tmp: Path, number: int) -> Path:
    """Do what MiniStack does for a worker of package `number`; where its code lies."""
    worker = tmp / f"ministack-lambda-f-{number}"
    (worker / "code").mkdir(parents=True)
    with zipfile.ZipFile(worker / "code.zip", "w") as package:
        package.writestr(zipfile.ZipInfo("main.py"), f"number = {number}")  # of no date
    with _SharedCode.ZipFile(worker / "code.zip") as package:
        package.extractall(worker / "code")
    unpacked = (worker / "code").resolve()
    os.utime(unpacked, (number, number))  # each is used later than the one before
    return unpacked


def end_worker(tmp: Path, number: int) -> None:
    shutil.rmtree(tmp / f"ministack-lambda-f-{number}")


def test_the_last_packages_and_those_in_use_are_kept(tmp: Path) -> None:
    unpacked = [start_worker(tmp, 0)]  # runs all the time
    for number in range(1, 6):
        unpacked.append(start_worker(tmp, number))
        end_worker(tmp, number)

    assert [path.exists() for path in unpacked] == [True, False, False, True, True, True]
    assert (unpacked[0] / "main.py").read_text() == "number = 0"


def test_a_package_that_was_forgotten_is_unpacked_again(tmp: Path) -> None:
    first = start_worker(tmp, 1)
    end_worker(tmp, 1)
    for number in range(2, 6):
        start_worker(tmp, number)
        end_worker(tmp, number)
    assert not first.exists()

    assert start_worker(tmp, 1) == first
    assert (first / "main.py").exists()
