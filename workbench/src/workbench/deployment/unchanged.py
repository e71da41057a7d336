"""What was deployed on the laptop the last time, so that what is unchanged is not deployed again.

The notes lie with the local cloud's own state, and go with it.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from workbench.deployment import handover, outline
from workbench.deployment.packaging import sam
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.stages import stack
from workbench.stages.stage import PROJECT, ROOT, Stage, running_cloud

_BROUGHT = "brought by make watch"


def is_platform(stage: Stage) -> bool:
    """Whether Terraform made just this platform, and all that it hands over is there."""
    return _noted(_platform(stage)) == _platform_now(stage) and _handed_over(stage) is not None


def note_platform(stage: Stage) -> None:
    """Note that the platform is deployed as it is now."""
    _platform(stage).write_text(_platform_now(stage))


def is_application(stage: Stage) -> bool:
    """Whether SAM deployed just this template, this code, and these values of its parameters."""
    noted = _noted(_application(stage))
    return noted is not None and noted == application_now(stage) and bool(stack.status(stage))


def is_application_noted(stage: Stage) -> bool:
    """Whether any application was deployed by SAM."""
    return _noted(_application(stage)) is not None


def note_application(stage: Stage) -> None:
    """Note that the application is deployed as it is now."""
    _application(stage).write_text(application_now(stage))


def forget_application(stage: Stage) -> None:
    """Note that the stack does not know what is deployed: the next deployment brings all of it."""
    _application(stage).write_text(_BROUGHT)


def is_brought(stage: Stage) -> bool:
    """Whether something was brought to the stage that its stack does not know."""
    return _noted(_application(stage)) == _BROUGHT


def values_of_parameters(stage: Stage) -> dict[str, str]:
    """Return the values of the template's parameters, those that are handed over among them."""
    handed_over = _handed_over(stage) or {}
    return {name: handed_over.get(value, value) for name, value in sam.parameters(stage).items()}


def application_now(stage: Stage) -> str:
    """Return a hash of all that a deployment is made of: template, code, parameters' values."""
    values = json.dumps([sam.parameters(stage), _handed_over(stage)], sort_keys=True)
    return _hash(values, [*outline.sources(), ROOT / "template.yaml", ROOT / "samconfig.toml"])


def _platform(stage: Stage) -> Path:
    return stage.state_dir / "platform.sha256"


def _application(stage: Stage) -> Path:
    return stage.state_dir / "application.sha256"


def _noted(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


def _platform_now(stage: Stage) -> str:
    cloud = running_cloud()
    values = json.dumps([cloud["endpoint"], cloud["variables"]], sort_keys=True)
    sources = [path for path in TERRAFORM.rglob("*.*") if path.suffix in (".tf", ".hcl", ".tfvars")]
    return _hash(values, [*sources, stage.state_dir / "terraform.tfstate"])


def _handed_over(stage: Stage) -> dict[str, str] | None:
    """Return the value of each parameter that Terraform hands over; None when one is not there."""
    names = [f"/{PROJECT}/{stage.name}/{path}" for path in handover.paths().values()]
    found: dict[str, str] = {}
    for start in range(0, len(names), 10):  # as many as SSM takes in one request
        answer = stage.client("ssm").get_parameters(Names=names[start : start + 10])
        found |= {item["Name"]: item["Value"] for item in answer["Parameters"]}
    return found if len(found) == len(names) else None


def _hash(values: str, sources: Iterable[Path]) -> str:
    hashed = hashlib.sha256(values.encode())
    named = list(sources)
    inside = [file for source in named for file in source.rglob("*")]
    for file in sorted({file for file in [*named, *inside] if file.is_file()}):
        if "__pycache__" not in file.parts:
            hashed.update(f"{file.relative_to(file.anchor)}\0".encode() + file.read_bytes())
    return hashed.hexdigest()
