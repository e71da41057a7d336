"""One package for all functions that run the same code.

SAM copies what it built for each function, and zips each copy: a second for each function, at every
deployment. Where all functions have their code from `Globals`, it builds one of them, and the built
template points the others to the same folder; a deployment zips this folder once.
"""

import hashlib
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import yaml

from workbench.deployment import outline, source_template

_FUNCTION = "AWS::Serverless::Function"
# With one of these of its own, a function is built from something else than the others.
_OWN = ("CodeUri", "InlineCode", "ImageUri", "PackageType", "Runtime", "Architectures")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same files make the same package; ZIP begins here


def shared_by(template: Path = outline.TEMPLATE) -> str | None:
    """Return the first function, to be built for all; None where functions differ in their code."""
    whole = outline.fields(outline.whole(template))
    everywhere = outline.fields(outline.fields(whole.get("Globals")).get("Function"))
    names = []
    for name, body in outline.fields(whole.get("Resources")).items():
        if name.startswith("Fn::ForEach"):
            if _FUNCTION in outline.texts(body):
                return None
        elif outline.text((said := outline.fields(body)).get("Type")) == _FUNCTION:
            own = outline.fields(said.get("Properties"))
            if "Metadata" in said or any(each in own for each in _OWN):
                return None
            names.append(name)
    return names[0] if names and outline.text(everywhere.get("CodeUri")) else None


def functions() -> list[str]:
    """Return the logical ids of the template's functions."""
    resources = source_template.load()["Resources"]
    return sorted(name for name, body in resources.items() if body["Type"] == _FUNCTION)


def folder_of_all(template: Path = outline.TEMPLATE) -> Path:
    """Return the folder with the code of all functions, where `Globals` names one."""
    whole = outline.fields(outline.whole(template))
    everywhere = outline.fields(outline.fields(whole.get("Globals")).get("Function"))
    return template.parent / outline.text(everywhere.get("CodeUri"))


def libraries_mark() -> str:
    """Return a hash of what says which libraries the functions of all get."""
    requirements = folder_of_all() / "requirements.txt"
    text = requirements.read_bytes() if requirements.is_file() else b""
    return hashlib.sha256(text).hexdigest()


def share(made: Path, name: str) -> None:
    """Point all functions of the template in `made` to the folder that was built for one.

    Copies of it that were built for the others are taken away.
    """
    template = _pointed_to(made, name)
    for other in set(template["Resources"]) - {name}:
        shutil.rmtree(made / other, ignore_errors=True)
    _write(made / "template.yaml", template)


def code_of(made: Path, function: str) -> Path:
    """Return the folder in `made` that has the code of a function."""
    own = made / function
    return own if own.is_dir() else next(path for path in sorted(made.iterdir()) if path.is_dir())


def pack(made: Path, name: str | None) -> Path:
    """Return the template that is to be deployed: with a ZIP file, where all share the folder."""
    if name is None:
        return made / "template.yaml"
    file = made / f"{name}.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(path for path in (made / name).rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(made / name)), _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Lambda runs it as another user, whatever may be read here.
            entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            archive.writestr(entry, path.read_bytes())
    template = made / "packed.yaml"
    _write(template, _pointed_to(made, file.name))
    return template


def _pointed_to(made: Path, code: str) -> dict[str, Any]:
    template: dict[str, Any] = yaml.load(
        (made / "template.yaml").read_text(encoding="utf-8"),
        Loader=yaml.CSafeLoader,
    )
    template["Globals"]["Function"]["CodeUri"] = code
    for body in template["Resources"].values():
        if isinstance(body, dict) and body.get("Type") == _FUNCTION:
            body["Properties"].pop("CodeUri", None)
    return template


def _write(path: Path, template: dict[str, Any]) -> None:
    text = yaml.dump(template, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
