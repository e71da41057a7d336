"""Puts the platform, then the application, into a stage: `make deploy STAGE=…`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from workbench.application.interface import application
from workbench.deployment import sam, terraform
from workbench.stages import place, readiness, stack
from workbench.stages.alone import alone
from workbench.stages.errors import UserError, agreed, run
from workbench.stages.stage import Stage, running_cloud


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


def deploy_application(stage: Stage) -> None:
    """Build and deploy with SAM; on `local` nothing, when nothing changed since the last time.

    What was deployed there is noted with the local cloud's own state, and goes with it.
    """
    note = stage.state_dir / "application.sha256"
    if stage.is_local:
        wanted = sam.fingerprint(stage)
        if note.exists() and note.read_text() == wanted and stack.status(stage):
            print("application (sam) … unchanged")
            return
        note.unlink(missing_ok=True)
    stack.make_way(stage)
    with step("package (sam build)"):
        sam.build(stage)
    with step("application (sam deploy)"):
        sam.deploy(stage)
    if stage.is_local:
        note.write_text(wanted)


def main() -> int:
    """Deploy the stage that STAGE names."""
    stage = Stage.from_environment()
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
    with step("platform (terraform apply)"):
        terraform.check_place(stage)
        terraform.apply(stage)
    application().after_platform(stage)
    deploy_application(stage)
    application().after_deployment(stage)
    print(f"deployed: stack {stage.prefix}")
    return 0


if __name__ == "__main__":
    run(main)
