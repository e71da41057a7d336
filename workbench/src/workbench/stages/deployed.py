"""A stage as it is deployed: the names of its parts, and which of its rules take an event."""

import functools
import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from workbench.stages import place
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage


@dataclass(frozen=True)
class Rule:
    """A deployed EventBridge rule: its bus, its name without the stage, its pattern as JSON."""

    bus: str
    name: str
    pattern: str


@dataclass(frozen=True)
class Deployed:
    """The deployed parts of a stage that commands work with; `find` makes sure they are there."""

    stage: Stage
    account: str

    @classmethod
    def find(cls, stage: Stage) -> "Deployed":
        """The stage's deployment. Raises UserError when there is none, or no local cloud."""
        hint = "make deploy" if stage.is_local else f"make deploy STAGE={stage.name}"
        try:
            stacks = stage.client("cloudformation").describe_stacks(StackName=stage.prefix)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise UserError(f"{stage.prefix} is not deployed; deploy it with: {hint}") from None
        place.check(stage)
        status = stacks["Stacks"][0]["StackStatus"]
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
            raise UserError(f"{stage.prefix} is in state {status}; deploy it again with: {hint}")
        return cls(stage, stage.account())

    @property
    def bucket(self) -> str:
        """The uploads bucket's name."""
        return f"{self.stage.prefix}-uploads-{self.account}-{self.stage.region}"

    @property
    def ledger(self) -> str:
        """The ledger table's name."""
        return f"{self.stage.prefix}-ledger"

    @property
    def orders_bus(self) -> str:
        """The orders bus's name."""
        return f"{self.stage.prefix}-orders"

    @property
    def rule_prefix(self) -> str:
        """What the names of the stage's rules begin with."""
        return f"{self.stage.prefix}-"

    @property
    def probe_prefix(self) -> str:
        """What the names of replay's temporary queues and rules begin with."""
        return f"{self.stage.prefix}-replay-"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of `resource` of `service` in this stage's region and account."""
        return f"arn:{self.partition}:{service}:{self.stage.region}:{self.account}:{resource}"

    @functools.cached_property
    def partition(self) -> str:
        """`aws`, or what the region's ARNs begin with instead: `aws-cn`, `aws-us-gov` …"""
        if self.stage.is_local:
            return "aws"
        session = self.stage.session()
        return str(session.get_partition_for_region(self.stage.region))

    def bus_name(self, bus: str) -> str:
        """The name of the `default` or the `orders` bus."""
        return "default" if bus == "default" else self.orders_bus

    @functools.cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of this stage that are switched on, on both buses, as deployed."""
        pages = self.stage.client("events").get_paginator("list_rules")
        return tuple(
            Rule(bus, rule["Name"].removeprefix(self.rule_prefix), rule["EventPattern"])
            for bus in ("default", "orders")
            for page in pages.paginate(EventBusName=self.bus_name(bus), NamePrefix=self.rule_prefix)
            for rule in page["Rules"]
            if rule["State"] == "ENABLED"
            and rule.get("EventPattern")
            and not rule["Name"].startswith(self.probe_prefix)
        )

    def rules_for(self, bus: str, event: dict[str, Any]) -> tuple[str, ...]:
        """The names of the rules of `bus` that take `event`, as EventBridge itself judges."""
        events = self.stage.client("events")
        return tuple(
            rule.name
            for rule in self.rules
            if rule.bus == bus
            and events.test_event_pattern(EventPattern=rule.pattern, Event=json.dumps(event))[
                "Result"
            ]
        )

    def targets_of(self, bus: str, rule: str) -> list[str]:
        """The ARNs of the targets of a rule of the `default` or the `orders` bus."""
        answer = self.stage.client("events").list_targets_by_rule(
            Rule=self.rule_prefix + rule, EventBusName=self.bus_name(bus)
        )
        return [target["Arn"] for target in answer["Targets"]]

    def upload_event(self, key: str, size: int) -> dict[str, Any]:
        """The event that S3 would send for an upload of `size` bytes; to ask the rules about."""
        return {
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000000",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "account": self.account,
            "time": "2010-12-31T12:00:00Z",
            "region": self.stage.region,
            "resources": [f"arn:{self.partition}:s3:::{self.bucket}"],
            "detail": {
                "version": "0",
                "bucket": {"name": self.bucket},
                "object": {"key": key, "size": size},
                "reason": "PutObject",
            },
        }
