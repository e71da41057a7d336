"""Where Terraform keeps a stage's state: in a file of this clone, or in a bucket of a team's.

A bucket is named in `terraform/stages/<stage>.s3.tfbackend`, or for all development stages in
`development.s3.tfbackend`. The local stage has none: its state goes with the local cloud.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from workbench.deployment.provider_mirror import TERRAFORM
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT, Stage

STAGES = TERRAFORM / "stages"
# What the file says itself; the object's name, locking and encryption are the same for every team.
_SETTING = re.compile(r'^\s*(\w+)\s*=\s*"?([^"#]*?)"?\s*(?:#.*)?$')
_TAKEN = {"key", "use_lockfile", "encrypt", "path"}
_OVERRIDE = 'terraform {\n  backend "s3" {}\n}\n'


@dataclass(frozen=True)
class Backend:
    """A kind of backend, where it keeps the state, and what `terraform init` is handed."""

    address: str
    arguments: tuple[str, ...]

    @property
    def is_remote(self) -> bool:
        """Whether the state is outside this clone."""
        return self.address != "local"


def names(stage: Stage) -> list[str]:
    """Whose settings count for a stage, the later ones more: of its kind, then its own."""
    kind = stage.name if stage.name in {"local", "prod"} else "development"
    return list(dict.fromkeys([kind, stage.name]))


def source(stage: Stage) -> Path:
    """The file that names a stage's bucket, or would."""
    files = [STAGES / f"{name}.s3.tfbackend" for name in names(stage)]
    return next((file for file in reversed(files) if file.exists()), files[0])


def of(stage: Stage) -> Backend:
    """Where the state of `stage` is kept. UserError when the file that says so does not read."""
    if stage.is_local or not source(stage).exists():
        return Backend("local", (f"-backend-config=path={stage.state_dir / 'terraform.tfstate'}",))
    settings = _read(source(stage))
    key = f"{PROJECT}/{stage.name}/terraform.tfstate"
    more = {"key": key, "use_lockfile": "true", "encrypt": "true"}
    arguments = [f"-backend-config={source(stage).resolve()}"]
    arguments += [f"-backend-config={name}={value}" for name, value in more.items()]
    return Backend(f"s3://{settings['bucket']}/{key}", tuple(arguments))


def _read(file: Path) -> dict[str, str]:
    settings: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if found := _SETTING.match(line):
            settings[found[1]] = found[2]
    for name in _TAKEN & set(settings):
        raise UserError(f"{file} says {name}, which is the same for every stage: leave it out")
    for name in ("bucket", "region"):
        if not settings.get(name):
            raise UserError(f'{file} names no {name}; say {name} = "…"')
    return settings


def module(stage: Stage, extra: dict[str, str] | None = None) -> Path:
    """The folder that Terraform works in for `stage`, with `extra` files beside terraform/'s.

    That is terraform/ itself, or a folder of links to it where something must be added: Terraform
    takes the kind of a backend, and what is to be imported, from files of the module only.
    """
    added = dict(extra or {})
    if of(stage).is_remote:
        added["backend_override.tf"] = _OVERRIDE
    if not added:
        return TERRAFORM
    folder = stage.state_dir / "module"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in TERRAFORM.iterdir():
        if path.suffix == ".tf" or path.name in {".terraform.lock.hcl", "stages"}:
            (folder / path.name).symlink_to(path)
    for name, text in added.items():
        (folder / name).write_text(text)
    return folder
