"""What was saved, and what has to be done for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.deployment import outline
from workbench.deployment.packaging import package
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.replay.scenarios import EVENTS, is_scenario
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

_BY_DEPLOYMENT = ("template.yaml", "samconfig.toml", "pyproject.toml")
_FOR_THE_PLATFORM = {".tf", ".tfvars", ".hcl"}


@dataclass(frozen=True)
class Saved:
    """The files that were saved; what of it is code, a definition, a scenario, or needs `deploy`.

    `definitions` are logical ids of state machines, `scenarios` files below events/.
    """

    files: tuple[Path, ...]
    code: bool = False
    definitions: tuple[str, ...] = ()
    scenarios: tuple[Path, ...] = ()
    deploy: bool = False

    def __bool__(self) -> bool:
        """Whether any of it matters to what is deployed or replayed."""
        return bool(self.code or self.definitions or self.scenarios or self.deploy)


def watched() -> list[Path]:
    """Return the files and folders whose saving matters."""
    named = [*outline.sources(), ROOT / "template.yaml", ROOT / "samconfig.toml", TERRAFORM, EVENTS]
    folders = {path if path.is_dir() else path.parent for path in named if path.exists()}
    # The files at the top are in the folder of all the others.
    return sorted(folders - {ROOT}) + [path for path in named if path.parent == ROOT]


def sorted_out(files: Iterable[Path]) -> Saved:
    """Return what has to be done for these files."""
    found = tuple(sorted({file for file in files if _is_source(file)}))
    try:
        machines = {path: name for name, path in outline.definitions().items()}
        shared, code = package.shared_by(), package.folder_of_all()
    except UserError:  # the template does not read: the check says why
        machines, shared, code = {}, None, None
    of_code = [file for file in found if _in_code(file)]
    by_deployment = [file for file in found if _needs_deployment(file)]
    quickly = shared is not None and code is not None
    return Saved(
        files=found,
        code=bool(of_code) and quickly,
        definitions=tuple(machines[file] for file in found if file in machines),
        scenarios=tuple(file for file in found if is_scenario(file)),
        deploy=bool(by_deployment) or (bool(of_code) and not quickly),
    )


def _is_source(file: Path) -> bool:
    # What editors put beside a file while they save it.
    hidden = file.name.startswith(".") or file.name.endswith(("~", ".swp", ".tmp"))
    return not hidden and "__pycache__" not in file.parts


def _in_code(file: Path) -> bool:
    folders = [path for path in outline.sources() if path.is_dir()]
    return file.name != "requirements.txt" and any(file.is_relative_to(each) for each in folders)


def _needs_deployment(file: Path) -> bool:
    if file.parent == ROOT:
        return file.name in _BY_DEPLOYMENT
    if file.is_relative_to(TERRAFORM):
        return file.suffix in _FOR_THE_PLATFORM and "tests" not in file.parts
    return file.name == "requirements.txt"
