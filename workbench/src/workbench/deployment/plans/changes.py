"""What Terraform plans for a platform: shown in short, and confirmed where something is lost."""

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any

from workbench.stages.errors import UserError, agreed
from workbench.stages.stage import Stage

# Replaced or deleted, these take with them what cannot be made again: what was encrypted with a
# key, who knows a password, what the bus's archive keeps. A new version of a secret is a password
# that nobody outside knows yet.
_PRECIOUS = {
    "aws_kms_key": "what it encrypted cannot be read any more",
    "aws_secretsmanager_secret": "its passwords and keys are lost",
    "aws_cloudwatch_event_bus": "its archive goes with it",
    "aws_cloudwatch_event_archive": "the events that it keeps are lost",
}
_NEW_VERSION = "a new password or key is written, which the other side does not know yet"
OUTPUT = "output"  # in place of a resource's type
_SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "±"}


@dataclass(frozen=True)
class Change:
    """One resource that Terraform plans to create, update, replace, delete or import."""

    address: str
    type: str
    action: str

    @property
    def line(self) -> str:
        """The change as it is shown."""
        loss = f": {self.loss}" if self.loss else ""
        return f"{_SIGNS.get(self.action, ' ')} {self.address} ({self.action}){loss}"

    @property
    def loss(self) -> str:
        """What cannot be brought back after it; empty when nothing is."""
        if self.type == "aws_secretsmanager_secret_version" and self.action != "create":
            return _NEW_VERSION
        return _PRECIOUS.get(self.type, "") if self.action in ("replace", "delete") else ""


def read(event: dict[str, Any]) -> list[Change]:
    """The changes that a line of `terraform plan -json` is about; none for most lines."""
    if event.get("type") == "planned_change":
        change = event["change"]
        resource = change["resource"]
        return [Change(resource["addr"], resource["resource_type"], change["action"])]
    if event.get("type") == "outputs":
        outputs = {name: one.get("action", "noop") for name, one in event["outputs"].items()}
        return [
            Change(f"output.{name}", OUTPUT, action)
            for name, action in outputs.items()
            if action != "noop"
        ]
    return []


def summary(changes: list[Change]) -> str:
    """How many resources are created, changed and so on, in one line."""
    counts = Counter(change.action for change in changes if change.type != OUTPUT)
    return ", ".join(f"{count} to {action}" for action, count in counts.items()) or "no changes"


def confirm(stage: Stage, changes: list[Change]) -> None:
    """Show what is replaced or deleted, and ask; UserError unless the answer is yes.

    YES=1 answers it, but not where something is lost for good: that needs the stage's name, typed
    or as REPLACE=<stage>. The local stage has nothing to lose and is not asked.
    """
    resources = [one for one in changes if one.type != OUTPUT]
    going = [one for one in resources if one.action in ("replace", "delete") or one.loss]
    for change in going:
        print(f"  {change.line}", flush=True)
    if stage.is_local or not going:
        return
    if any(change.loss for change in going):
        confirm_by_name(stage, "Something is lost for good.")
    elif not agreed("Replace or delete these?"):
        raise UserError("nothing was changed; answer y, or say YES=1")


def confirm_by_name(stage: Stage, why: str) -> None:
    """Ask for the stage's name; REPLACE=<stage> answers, and YES=1 does not."""
    if os.environ.get("REPLACE") == stage.name:
        return
    try:
        answer = input(f"{why} Type the stage's name to go on: ")
    except EOFError:
        print()
        answer = ""
    if answer.strip() != stage.name:
        raise UserError(
            f"nothing was changed; type {stage.name}, or say REPLACE={stage.name} (YES=1 is not "
            "enough for this)"
        )
