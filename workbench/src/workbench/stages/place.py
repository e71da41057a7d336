"""Where a stage lives: its account, its region and its backend, which the first deployment fixes.

Kept in `.stages/<stage>/place.json`, which git ignores. Another clone reads account and region back
from Terraform's state.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from workbench.stages import backend
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

_FORGET = "if it was destroyed by hand and is to live elsewhere, remove "


@dataclass(frozen=True)
class Place:
    """An account's id, a region, and where Terraform's state is: `local` or an s3:// address."""

    account: str
    region: str
    backend: str


def file(stage: Stage) -> Path:
    """Where a stage's place is kept."""
    return stage.state_dir.parent / "place.json"


def here(stage: Stage) -> Place:
    """Where a command with the caller's settings would work."""
    return Place(stage.account(), stage.region, backend.of(stage).address)


def account(stage: Stage) -> str:
    """The account of the caller's credentials; UserError when there are none that work."""
    try:
        return stage.account()
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            f"no AWS credentials that work ({error}); log in (`aws sso login`, AWS_PROFILE=…), "
            "or leave STAGE out to stay on this machine"
        ) from None


def check_with_credentials(stage: Stage) -> None:
    """As `check`; UserError too when there are no credentials that work."""
    account(stage)
    check(stage)


def check(stage: Stage) -> None:
    """Raise UserError when the caller's settings lead elsewhere than where the stage lives."""
    kept = _kept(stage)
    if not kept:
        return
    now = here(stage)
    if now.account != kept.account:
        raise UserError(
            f"stage {stage.name} lives in account {kept.account}, and these credentials are of "
            f"{now.account}: name others (AWS_PROFILE=…); {_FORGET}{file(stage)}"
        )
    check_region(stage, kept.region)
    if now.backend != kept.backend:
        raise UserError(
            f"the state of stage {stage.name} is in {kept.backend}, and {backend.source(stage)} "
            f"names {now.backend}: move it with "
            f"STAGE={stage.name} .venv/dev/bin/python -m workbench.deployment.terraform migrate"
        )


def check_region(stage: Stage, region: str) -> None:
    """Raise UserError when the caller names another region than the stage's."""
    if region != stage.region:
        raise UserError(
            f"stage {stage.name} lives in {region}, and the settings here name {stage.region}: "
            f"say AWS_REGION={region}; {_FORGET}{file(stage)}"
        )


def check_state(stage: Stage, key_arn: str) -> None:
    """Raise UserError when Terraform's state knows a key of another account or region."""
    _, _, _, region, account, _ = key_arn.split(":", 5)
    check_region(stage, region)
    if account != stage.account():
        raise UserError(
            f"Terraform's state of stage {stage.name} is of account {account}, and these "
            f"credentials are of {stage.account()}: name others (AWS_PROFILE=…)"
        )


def keep(stage: Stage) -> None:
    """Note where the stage is deployed; the local stage lives nowhere else."""
    if not stage.is_local:
        file(stage).parent.mkdir(parents=True, exist_ok=True)
        file(stage).write_text(json.dumps(asdict(here(stage)), indent=2) + "\n")


def forget(stage: Stage) -> None:
    """Forget a stage that is destroyed: the next may live elsewhere."""
    file(stage).unlink(missing_ok=True)


def _kept(stage: Stage) -> Place | None:
    if stage.is_local:
        return None
    try:
        return Place(**json.loads(file(stage).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise UserError(f"{file(stage)} does not read; {_FORGET}it") from None
