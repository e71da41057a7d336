"""The platform as Terraform plans it: its policies, and the key of each thing that has one."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.deployment import terraform
from workbench.permissions import known
from workbench.permissions.policies import Grant, grants
from workbench.permissions.template import WHERE
from workbench.stages.errors import UserError

PLAN = "permissions"  # a folder of Terraform's own tests: no cloud, no state

# Whose policies are read here, by address; and the types of what may hold permissions, too.
_READ = {
    "aws_kms_key.data": "key data",
    "aws_kms_key.config": "key config",
    "aws_sqs_queue.orders_dlq": "queue orders-dlq",
}
_GIVES = re.compile("_iam_|_policy|_grant|_permission")


@dataclass(frozen=True)
class Platform:
    """What Terraform makes, as far as permissions go; keys by their ARN, "" for none."""

    policies: dict[str, list[Grant]]  # by whose they are, as `Need.where` names it
    bus_key: str
    queue_key: str
    secrets_key: str

    @classmethod
    def planned(cls) -> "Platform":
        """As terraform/ says; UserError when that cannot be planned."""
        things = terraform.planned_in_test(PLAN)
        bus, queue = things["aws_cloudwatch_event_bus.orders"], things["aws_sqs_queue.orders_dlq"]
        _all_is_read(things)
        known.check_planned(things)
        documents = {whose: things[at] for at, whose in _READ.items()}
        aliases = {
            alias["name"]: f"arn:aws:kms:{WHERE}:key/{alias.get('target_key_id')}"
            for at, alias in things.items()
            if at.startswith("aws_kms_alias.")
        }
        keys = {
            secret.get("kms_key_id", "")
            for at, secret in things.items()
            if at.startswith("aws_secretsmanager_secret.")
        }
        return cls(
            policies={whose: _policy(whose, thing) for whose, thing in documents.items()},
            bus_key=bus.get("kms_key_identifier") or "",
            queue_key=aliases.get(queue.get("kms_master_key_id"), ""),
            secrets_key=keys.pop() if len(keys) == 1 else "",
        )


def _all_is_read(things: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what may hold permissions and is not read here."""
    for at, thing in things.items():
        if _GIVES.search(at.partition(".")[0]) or (thing.get("policy") and at not in _READ):
            raise UserError(
                f"{at}: permissions that stand here are not judged; give them by the policies of "
                "the template, or teach workbench/permissions/platform.py to read them"
            )


def _policy(whose: str, thing: dict[str, Any]) -> list[Grant]:
    """The grants of a thing's policy, none where it has none."""
    return list(grants(whose, json.loads(thing.get("policy") or "{}")))
