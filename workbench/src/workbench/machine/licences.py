"""Lists under which licence each locked package is: `make licences`.

What is deployed stands in the README, too. The rest runs on laptops and in CI only.
"""

import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

from workbench.machine.setup import ENVIRONMENTS, ROOT, VENVS
from workbench.stages.errors import UserError, run

DEPLOYED = ROOT / "src" / "requirements.txt"


def installed(folder: str) -> dict[str, tuple[str, str]]:
    """Version and licence of each package in a folder of packages, by its name."""
    return {
        _plain(each.metadata["Name"]): (each.version, licence_of(each))
        for each in distributions(path=[folder])
    }


def licence_of(package: Distribution) -> str:
    """A package's licence: its expression, else its short text, else its classifiers."""
    metadata = package.metadata
    text = metadata.get("License-Expression") or metadata.get("License") or ""
    if text and "\n" not in text.strip() and len(text) < 60:
        return str(text).strip()
    classifiers = [str(one) for one in metadata.get_all("Classifier") or []]
    names = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License ::")]
    return ", ".join(names) or "not named"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(requirements: Path) -> list[str]:
    """The names in a locked file."""
    return re.findall(r"^([a-z0-9.-]+)==", requirements.read_text(encoding="utf-8"), re.MULTILINE)


def deployed() -> dict[str, str]:
    """The licence of each package that runs in Lambda, by its name."""
    there = installed(_site_packages("dev"))
    return {name: there[name][1] for name in locked(DEPLOYED) if name in there}


def _site_packages(environment: str) -> str:
    found = list((VENVS / environment).glob("lib/python3*/site-packages"))
    if not found:
        raise UserError(f".venv/{environment} is missing; make it with: make setup")
    return str(found[0])


def main() -> int:
    """Print the licences of what is deployed, then of everything else."""
    print("deployed:")
    for name, licence in deployed().items():
        print(f"  {name:32} {licence}")
    for environment in ENVIRONMENTS:
        print(f"in .venv/{environment}:")
        for name, (version, licence) in sorted(installed(_site_packages(environment)).items()):
            print(f"  {name:32} {version:14} {licence}")
    return 0


if __name__ == "__main__":
    run(main)
