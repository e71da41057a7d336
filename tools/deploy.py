"""Puts the platform, then the application, into a stage: `make deploy STAGE=…`."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from tools import sam, terraform
from tools.errors import UserError, run
from tools.local_cloud.database import connect_database
from tools.stage import Stage


def confirm(stage: Stage, question: str) -> None:
    """Show where this goes and ask; UserError unless the answer is yes. YES=1 answers it."""
    try:
        account = stage.account()
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            f"no AWS credentials that work ({error}); log in (`aws sso login`, AWS_PROFILE=…), "
            "or leave STAGE out to stay on this machine"
        ) from None
    print(f"account {account} · region {stage.region} · stage {stage.name}")
    if os.environ.get("YES") == "1":
        return
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError("nothing was changed; answer y, or say YES=1")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show a step while it runs, and how long it took."""
    print(f"{what} …", end=" ", flush=True)
    begun = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - begun:.0f} s", flush=True)


def main() -> int:
    """Deploy the stage that STAGE names."""
    stage = Stage.from_environment()
    if not stage.is_local:
        confirm(stage, "Deploy there?")
    with step("platform (terraform apply)"):
        terraform.initialise(stage)
        terraform.apply(stage)
    if stage.is_local:
        with step("database (role, schema)"):
            connect_database(stage)
    with step("package (sam build)"):
        sam.build(stage)
    with step("application (sam deploy)"):
        sam.deploy(stage)
    print(f"deployed: stack {stage.prefix}")
    return 0


if __name__ == "__main__":
    run(main)
