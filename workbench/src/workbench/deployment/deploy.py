"""Puts the platform, then the application, into a stage: `make deploy STAGE=…`."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from workbench.application.interface import application
from workbench.checks import check
from workbench.deployment import terraform, unchanged
from workbench.deployment.packaging import sam
from workbench.stages import place, readiness, stack
from workbench.stages.alone import alone
from workbench.stages.errors import UserError, agreed, run
from workbench.stages.stage import ROOT, Stage, running_cloud
from workbench.watch import bring


def confirm(stage: Stage, question: str) -> None:
    """Show where this goes and ask; UserError unless the answer is yes. YES=1 answers it."""
    print(f"account {place.account(stage)} · region {stage.region} · stage {stage.name}")
    if not agreed(question):
        raise UserError("nothing was changed; answer y, or say YES=1")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show a step when it begins and when it ends; it may print lines of its own between."""
    print(f"{what} …", flush=True)
    begun = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begun:.0f} s", flush=True)


def deploy_platform(stage: Stage) -> None:
    """Let Terraform make the platform; on `local` not, when nothing changed since the last time."""
    if stage.is_local and unchanged.is_platform(stage):
        print("platform (terraform) … unchanged")
        return
    with step("platform (terraform apply)"):
        terraform.check_place(stage)
        terraform.apply(stage)
    if stage.is_local:
        unchanged.note_platform(stage)


def deploy_application(stage: Stage, is_built: bool = False) -> None:
    """Build, unless that is done, and deploy with SAM; on `local` not, when nothing changed."""
    if stage.is_local and unchanged.is_application(stage):
        print("application (sam) … unchanged")
        return
    stack.make_way(stage)
    if not is_built:
        with step("package (sam build)"):
            sam.build(stage)
    with step("application (sam deploy)"):
        sam.deploy(stage)
    if stage.is_local:
        if unchanged.is_brought(stage):
            bring.everything(application().deployed.find(stage))
        unchanged.note_application(stage)


@contextmanager
def built_meanwhile(stage: Stage) -> Iterator[bool]:
    """Package the functions beside what is done in this block; False when it is left for later.

    At the first deployment on the laptop only: later there may be nothing to build, and on AWS the
    platform says what belongs into the package. Raises UserError when it fails.
    """
    if not stage.is_local or unchanged.is_application_noted(stage):
        yield False
        return
    command = [sys.executable, "-m", "workbench.deployment.build"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    ) as process:
        yield True
        said, _ = process.communicate()
    if process.returncode:
        raise UserError(said.strip().removeprefix("error: "))
    print(said.splitlines()[-1], flush=True)


def main() -> int:
    """Deploy the stage that STAGE names."""
    stage = Stage.from_environment()
    check.before_deployment()
    sam.check_sources(stage)
    terraform.check_sources()
    if stage.is_local:
        running_cloud()  # says what to do when there is none
    with alone("make deploy"):
        return _deploy(stage)


def _deploy(stage: Stage) -> int:
    if not stage.is_local:
        readiness.check(stage)
        place.check_with_credentials(stage)
        confirm(stage, "Deploy there?")
        place.keep(stage)
    with built_meanwhile(stage) as is_built:
        deploy_platform(stage)
        application().after_platform(stage)
    deploy_application(stage, is_built)
    application().after_deployment(stage)
    print(f"deployed: stack {stage.prefix}")
    return 0


if __name__ == "__main__":
    run(main)
