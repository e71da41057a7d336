"""Brings code and definitions to the local cloud without SAM, in a second.

CloudFormation does not hear of it. So what was deployed counts as changed from then on, and the
next `make deploy` brings all of it once more.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from workbench.checks.linting import deployed_form
from workbench.deployment import outline, unchanged
from workbench.deployment.packaging import package, sam
from workbench.deployment.resolved import Resolved
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT


class _OfStage(Resolved):
    """The template with the values that its parameters have on a stage."""

    values: dict[str, str]

    def parameter(self, name: str) -> Any:
        """Return the value with which the stage was deployed."""
        return self.values.get(name) or super().parameter(name)


def everything(deployed: Deployed) -> None:
    """Give the stage the code and the definitions that were just deployed.

    CloudFormation compares with what it deployed last, and leaves what `make watch` brought since.
    """
    if package.shared_by():
        bring_code(deployed)
    bring_definitions(deployed, outline.definitions())


def bring_code(deployed: Deployed) -> str:
    """Give all functions that share their code what it is now; return what was done.

    Raises UserError when nothing is built: then only a deployment can.
    """
    stage = deployed.stage
    made, shared = ROOT / ".aws-sam" / stage.name, package.shared_by()
    bucket = sam.package_bucket(stage)
    if shared is None or not (made / shared).is_dir() or bucket is None:
        raise UserError("there is no package to put the change into; run: make deploy")
    mirror(package.folder_of_all(), made / shared)
    package.pack(made, shared)
    content = (made / f"{shared}.zip").read_bytes()
    key = f"{stage.prefix}/{hashlib.md5(content, usedforsecurity=False).hexdigest()}"
    stage.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    functions, client = package.functions(), stage.client("lambda")

    def update(name: str) -> None:
        client.update_function_code(
            FunctionName=f"{stage.prefix}-{name}", S3Bucket=bucket, S3Key=key
        )

    unchanged.forget_application(stage)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(update, functions))
    return f"code: {len(functions)} functions"


def bring_definitions(deployed: Deployed, names: Iterable[str]) -> str:
    """Give these state machines the definitions that their files have now; return what was done.

    Raises UserError for a definition that is none, or that needs what the template does not give.
    """
    stage = deployed.stage
    of = _OfStage(deployed_form.kept())
    object.__setattr__(of, "values", unchanged.values_of_parameters(stage))
    arns = {one.name: one.identifier for one in deployed.parts}
    files = outline.definitions()
    for name in names:
        if name not in arns:
            raise UserError(f"{name} is not deployed yet; run: make deploy")
        definition = deployed_form.filled_in(of, name, files[name])
        unchanged.forget_application(stage)
        stage.client("stepfunctions").update_state_machine(
            stateMachineArn=arns[name], definition=json.dumps(definition)
        )
    return f"definition: {', '.join(names)}"


def mirror(source: Path, built: Path) -> None:
    """Make what was built of the files in `source` the same as they are now."""
    files = {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for top in {file.parts[0] for file in files}:
        for path in (built / top).rglob("*"):
            if path.is_file() and path.relative_to(built) not in files:
                path.unlink()
    for file in files:
        to = built / file
        if not to.exists() or to.read_bytes() != (source / file).read_bytes():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, to)
