"""Finds a folder on this machine that has the AWS provider, so that nothing is downloaded."""

import re
from pathlib import Path

from workbench.stages.errors import UserError

TERRAFORM = Path(__file__).resolve().parents[4] / "terraform"
_REGISTRY = "registry.terraform.io"
_PROVIDER = f"{_REGISTRY}/hashicorp/aws"


def find_mirror(environment: dict[str, str], optional: Path = Path("/opt")) -> Path | None:
    """The mirror to name with `-plugin-dir`; None leaves the choice to Terraform.

    TF_PLUGIN_DIR comes first; then Terraform's own mirror folders and configuration, which it
    finds by itself; then a `registry.terraform.io` folder one level under a folder of `optional`.
    Raises UserError when TF_PLUGIN_DIR does not hold the provider.
    """
    named = environment.get("TF_PLUGIN_DIR")
    if named:
        if not _holds_provider(Path(named)):
            raise UserError(
                f"TF_PLUGIN_DIR={named} holds no {_PROVIDER} {locked_version()}; "
                "name another folder or unset it"
            )
        return Path(named).resolve()
    home = Path(environment.get("HOME") or Path.home())
    own = _implied_mirrors(home, environment)
    if _configured(home, environment) or any(_holds_provider(folder) for folder in own):
        return None
    found = sorted(folder.parent for folder in optional.glob(f"*/{_REGISTRY}"))
    return next((folder for folder in found if _holds_provider(folder)), None)


def _implied_mirrors(home: Path, environment: dict[str, str]) -> list[Path]:
    """https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirrors."""
    data_home = environment.get("XDG_DATA_HOME") or str(home / ".local/share")
    data_dirs = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [
        TERRAFORM / "terraform.d/plugins",
        home / ".terraform.d/plugins",
        home / "Library/Application Support/io.terraform/plugins",
        *(Path(folder) / "terraform/plugins" for folder in [data_home, *data_dirs.split(":")]),
    ]


def _configured(home: Path, environment: dict[str, str]) -> bool:
    """Whether Terraform's own configuration says where providers come from."""
    config = Path(environment.get("TF_CLI_CONFIG_FILE") or home / ".terraformrc")
    return config.is_file() and "provider_installation" in config.read_text()


def locked_version() -> str:
    """The provider's version in terraform/.terraform.lock.hcl."""
    lock = (TERRAFORM / ".terraform.lock.hcl").read_text()
    found = re.search(r'^\s*version\s*=\s*"([^"]+)"', lock, re.MULTILINE)
    if not found:
        raise UserError("terraform/.terraform.lock.hcl names no version; take it from git again")
    return found[1]


def _holds_provider(mirror: Path) -> bool:
    """Whether `mirror` has the locked version, unpacked or packed, for any platform."""
    folder = mirror / _PROVIDER
    packed = folder.glob(f"terraform-provider-aws_{locked_version()}_*.zip")
    return (folder / locked_version()).is_dir() or any(packed)
