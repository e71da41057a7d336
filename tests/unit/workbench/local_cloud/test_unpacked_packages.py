"""The local cloud keeps few unpacked packages, and those that a worker runs from."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from workbench.local_cloud.emulator import unpacking
from workbench.local_cloud.emulator.patches.functions.lambda_workers import _SharedCode


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


def package(path: Path, **files: str) -> zipfile.ZipFile:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"claims/{name}.py"), text)
            archive.writestr(zipfile.ZipInfo(f"claims/{name}.pyi"), "its types")
    return zipfile.ZipFile(path)


def test_only_what_changed_is_unpacked_and_compiled(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    with package(tmp_path / "1.zip", same="a = 1", other="b = 1", gone="c = 1") as archive:
        unpacking.unpack(archive, before, None)

    with package(tmp_path / "2.zip", same="a = 1", other="b = 2") as archive:
        unpacking.unpack(archive, after, before)

    assert (after / "claims/other.py").read_text() == "b = 2"
    assert (before / "claims/other.py").read_text() == "b = 1"
    assert not (after / "claims/gone.py").exists()
    assert (after / "claims/same.py").samefile(before / "claims/same.py")
    compiled = {
        name: sorted((after / "claims/__pycache__").glob(f"{name}.*.pyc"))
        for name in ("same", "other")
    }
    assert [len(files) for files in compiled.values()] == [1, 1]
    assert compiled["same"][0].samefile(before / "claims/__pycache__" / compiled["same"][0].name)
