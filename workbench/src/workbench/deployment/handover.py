"""What Terraform hands over to SAM: read from the template's own parameters."""

import functools
import re
from pathlib import Path

from workbench.deployment import outline
from workbench.deployment.outline import TEMPLATE
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, PROJECT, Stage

KIND = "AWS::SSM::Parameter::Value<String>"
_PATH = re.compile(r'^\s+"([a-z0-9/-]+)"\s+=', re.MULTILINE)


def handed_over() -> set[str] | None:
    """Return the paths that Terraform hands over: the keys of the map `parameters` of its locals.

    None where it has no such map, path by path.
    """
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(TERRAFORM.glob("*.tf")))
    block = re.search(r"^\s*parameters = \{\n(.*?)\n  \}", text, re.MULTILINE | re.DOTALL)
    return set(_PATH.findall(block[1])) if block else None


def paths(template: Path = TEMPLATE) -> dict[str, str]:
    """Return the path below /<project>/<stage>/ of each parameter that Terraform hands over.

    Read without the rest of the template, which takes seconds, and once until it changes. Raises
    UserError when it does not read, or a parameter's default is not a path of the local stage.
    """
    return _paths(template, template.stat().st_mtime_ns if template.is_file() else 0)


@functools.cache
def _paths(template: Path, _changed: int) -> dict[str, str]:
    start = f"/{PROJECT}/local/"
    found = {}
    for name, said in _parameters(template).items():
        if said.get("Type") != KIND:
            continue
        default = said.get("Default", "")
        if not default.startswith(start):
            raise UserError(f"{template.name}: the Default of {name} does not begin with {start}")
        found[name] = default.removeprefix(start)
    return found


def sample(path: str) -> str:
    """Return a value as Terraform hands it over for the local stage.

    Raises UserError for a path of which the workbench does not know what it names.
    """
    where, prefix = f"{LOCAL_REGION}:{LOCAL_ACCOUNT}", Stage("local").prefix
    match path.split("/"):
        case ["keys", name, "arn"]:
            return f"arn:aws:kms:{where}:key/{name}"
        case ["secrets", name, "arn"]:
            return f"arn:aws:secretsmanager:{where}:secret:{prefix}/{name}-AbCdEf"
        case ["buses", name, "arn"]:
            return f"arn:aws:events:{where}:event-bus/{prefix}-{name}"
        case ["buses", name, "name"]:
            return f"{prefix}-{name}"
    known = "keys/<name>/arn, secrets/<name>/arn, buses/<name>/arn or buses/<name>/name"
    raise UserError(f"{TEMPLATE.name} asks for {path}, which is not one of {known}")


def _parameters(template: Path) -> dict[str, dict[str, str]]:
    """Return the plain texts that each parameter has, by its name."""
    found = outline.fields(outline.fields(outline.whole(template)).get("Parameters"))
    return {
        name: {key: outline.text(value) for key, value in outline.fields(body).items()}
        for name, body in found.items()
    }
