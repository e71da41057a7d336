"""Where the AWS provider is looked for."""

from pathlib import Path

import pytest

from workbench.deployment.provider_mirror import find_mirror, locked_version
from workbench.stages.errors import UserError


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose home folder is empty, so that this machine's own is not looked at."""
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "XDG_DATA_DIRS": str(tmp_path / "share")}


def provider(mirror: Path, version: str = "") -> Path:
    folder = mirror / "registry.terraform.io/hashicorp/aws" / (version or locked_version())
    folder.mkdir(parents=True)
    return mirror


def test_named_folder_comes_first(home: dict[str, str], tmp_path: Path) -> None:
    provider(tmp_path / "opt/other")
    named = provider(tmp_path / "named")
    found = find_mirror(home | {"TF_PLUGIN_DIR": str(named)}, optional=tmp_path / "opt")
    assert found == named


def test_named_folder_without_the_provider_is_an_error(
    home: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="TF_PLUGIN_DIR"):
        find_mirror(home | {"TF_PLUGIN_DIR": str(tmp_path)})


def test_terraforms_own_folders_are_left_to_it(home: dict[str, str], tmp_path: Path) -> None:
    provider(tmp_path / "opt/mirror")
    provider(tmp_path / "home/.terraform.d/plugins")
    assert find_mirror(home, optional=tmp_path / "opt") is None


def test_terraforms_own_configuration_is_left_to_it(home: dict[str, str], tmp_path: Path) -> None:
    provider(tmp_path / "opt/mirror")
    config = tmp_path / "terraform.rc"
    config.write_text("provider_installation {}")
    environment = home | {"TF_CLI_CONFIG_FILE": str(config)}
    assert find_mirror(environment, optional=tmp_path / "opt") is None


def test_optional_folder_with_the_locked_version(home: dict[str, str], tmp_path: Path) -> None:
    provider(tmp_path / "opt/a", version="4.0.0")
    mirror = provider(tmp_path / "opt/b")
    assert find_mirror(home, optional=tmp_path / "opt") == mirror


def test_packed_provider_counts(home: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "opt/packed/registry.terraform.io/hashicorp/aws"
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_{locked_version()}_linux_amd64.zip").touch()
    assert find_mirror(home, optional=tmp_path / "opt") == tmp_path / "opt/packed"


def test_without_a_mirror_the_registry_serves(home: dict[str, str], tmp_path: Path) -> None:
    assert find_mirror(home, optional=tmp_path / "opt") is None
