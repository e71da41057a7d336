"""One package for all functions that run the same code."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from workbench.deployment.packaging import package

GLOBALS = {"Function": {"CodeUri": "src/", "Runtime": "python3.13"}}
FUNCTION = {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "claims.check.handler"}}


def template(where: Path, resources: dict[str, Any], shared: dict[str, Any] = GLOBALS) -> Path:
    path = where / "template.yaml"
    path.write_text(yaml.safe_dump({"Globals": shared, "Resources": resources}, sort_keys=False))
    return path


def test_functions_with_the_code_of_all_are_built_once(tmp_path: Path) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Metadata": {"why": "not a function"}}
    found = template(tmp_path, {"Jobs": queue, "Check": FUNCTION, "Close": FUNCTION})

    assert package.shared_by(found) == "Check"


@pytest.mark.parametrize(
    "other",
    [
        FUNCTION | {"Metadata": {"BuildMethod": "makefile"}},
        FUNCTION | {"Properties": {"CodeUri": "other/"}},
        FUNCTION | {"Properties": {"Runtime": "python3.12"}},
        FUNCTION | {"Properties": {"PackageType": "Image", "ImageUri": "claims:1"}},
    ],
)
def test_a_function_with_code_of_its_own_is_built_by_itself(
    other: dict[str, Any], tmp_path: Path
) -> None:
    assert package.shared_by(template(tmp_path, {"Check": FUNCTION, "Close": other})) is None


def test_functions_in_a_loop_are_left_to_sam(tmp_path: Path) -> None:
    loop = ["Name", ["A", "B"], {"${Name}": FUNCTION}]

    found = template(tmp_path, {"Check": FUNCTION, "Fn::ForEach::More": loop})

    assert package.shared_by(found) is None


def test_without_code_for_all_nothing_is_shared(tmp_path: Path) -> None:
    assert package.shared_by(template(tmp_path, {"Check": FUNCTION}, {})) is None


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What `sam build Check` leaves: a folder, and a template that points to it from there."""
    built = {**FUNCTION, "Properties": {**FUNCTION["Properties"], "CodeUri": "Check"}}  # type: ignore[dict-item]
    template(tmp_path, {"Check": built, "Close": FUNCTION})
    (tmp_path / "Check").mkdir()
    (tmp_path / "Check" / "check.py").write_text("def handler(): ...\n")
    (tmp_path / "Check" / "check.py").chmod(0o600)
    return tmp_path


def code(path: Path) -> dict[str, str | None]:
    read = yaml.safe_load(path.read_text())
    everywhere = read["Globals"]["Function"].get("CodeUri")
    return {
        name: body["Properties"].get("CodeUri", everywhere)
        for name, body in read["Resources"].items()
    }


def test_all_functions_find_the_folder_that_was_built(made: Path) -> None:
    (made / "Close").mkdir()  # a copy that SAM makes when it builds all
    package.share(made, "Check")

    assert code(made / "template.yaml") == {"Check": "Check", "Close": "Check"}
    assert package.code_of(made, "Close") == made / "Check"


def test_all_functions_are_deployed_with_one_zip_file(made: Path) -> None:
    package.share(made, "Check")

    packed = package.pack(made, "Check")

    assert code(packed) == {"Check": "Check.zip", "Close": "Check.zip"}
    with zipfile.ZipFile(made / "Check.zip") as archive:
        assert archive.namelist() == ["check.py"]


def test_the_same_files_make_the_same_package_whoever_may_read_them(made: Path) -> None:
    package.share(made, "Check")
    package.pack(made, "Check")
    first = (made / "Check.zip").read_bytes()
    os.utime(made / "Check" / "check.py", (0, 0))
    (made / "Check" / "check.py").chmod(0o644)

    package.pack(made, "Check")

    assert (made / "Check.zip").read_bytes() == first
    with zipfile.ZipFile(made / "Check.zip") as archive:
        assert archive.infolist()[0].external_attr >> 16 & 0o777 == 0o644
