"""The platform as Terraform plans it: its policies, and the key of each thing that has one."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.deployment import terraform
from workbench.deployment.resolved import PREFIX, WHERE
from workbench.permissions import known
from workbench.permissions.policies import Grant, grants
from workbench.stages.errors import UserError

PLAN = "permissions"  # a folder of Terraform's own tests: no cloud, no state

# Whose policies are read here; and the types of what may hold permissions, too.
_READ = {"aws_kms_key": "key", "aws_sqs_queue": "queue"}
_GIVES = re.compile("_iam_|_policy|_grant|_permission")


@dataclass(frozen=True)
class Platform:
    """What Terraform makes, as far as permissions go; keys by their ARN, "" for none."""

    policies: dict[str, list[Grant]]  # by whose they are, as `Need.where` names it
    buses: dict[str, "Bus"]  # by their names
    queues: dict[str, str]  # the key of each queue, by the queue's name
    secrets_key: str

    @classmethod
    def planned(cls) -> "Platform":
        """As terraform/ says; UserError when that cannot be planned."""
        things = terraform.planned_in_test(PLAN)
        _all_is_read(things)
        known.check_planned(things)
        aliases = {
            alias["name"]: f"arn:aws:kms:{WHERE}:key/{alias.get('target_key_id')}"
            for alias in _of("aws_kms_alias", things).values()
        }
        keys = {
            secret.get("kms_key_id", "")
            for secret in _of("aws_secretsmanager_secret", things).values()
        }
        return cls(
            policies={
                whose: _policy(whose, thing)
                for kind in _READ
                for at, thing in _of(kind, things).items()
                for whose in [_whose(at, thing)]
            },
            buses={
                bus["name"]: Bus(bus.get("kms_key_identifier") or "", _dead_letters(bus))
                for bus in _of("aws_cloudwatch_event_bus", things).values()
            },
            queues={
                queue["name"]: aliases.get(queue.get("kms_master_key_id"), "")
                for queue in _of("aws_sqs_queue", things).values()
            },
            secrets_key=keys.pop() if len(keys) == 1 else "",
        )


@dataclass(frozen=True)
class Bus:
    """A bus's key, and the name of the queue of what it cannot encrypt; "" for none."""

    key: str
    dead_letters: str


def _dead_letters(bus: Mapping[str, Any]) -> str:
    configured = bus.get("dead_letter_config") or [{}]
    return str(configured[0].get("arn") or "").rpartition(":")[2]


def _of(kind: str, things: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is of one of Terraform's types, by address."""
    return {at: thing for at, thing in things.items() if at.startswith(f"{kind}.")}


def _whose(at: str, thing: Mapping[str, Any]) -> str:
    """How `Need.where` names a thing with a policy: `key data`, `queue jobs-dlq`."""
    kind, _, label = at.partition(".")
    own = str(thing.get("name") or label).removeprefix(f"{PREFIX}-")
    return f"{_READ[kind]} {own if kind == 'aws_sqs_queue' else label}"


def _all_is_read(things: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what may hold permissions and is not read here."""
    for at, thing in things.items():
        if _GIVES.search(at.partition(".")[0]) or (
            thing.get("policy") and at.partition(".")[0] not in _READ
        ):
            raise UserError(
                f"{at}: permissions that stand here are not checked; give them by the policies of "
                "the template, or teach workbench/permissions/platform.py to read them"
            )


def _policy(whose: str, thing: dict[str, Any]) -> list[Grant]:
    """The grants of a thing's policy, none where it has none."""
    return list(grants(whose, json.loads(thing.get("policy") or "{}")))
