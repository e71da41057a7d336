"""A stage as it is deployed: the names of its parts, and which of its rules take an event."""

import functools
import json
import re
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError

from workbench.deployment import handover, outline
from workbench.stages import place, stack
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT, Stage

DEFAULT_BUS = "default"
_SMALL = re.compile(r"(?<!^)(?=[A-Z])")  # where a word of a logical id begins


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
    def find(cls, stage: Stage) -> Self:
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

    @functools.cached_property
    def parts(self) -> tuple[stack.Resource, ...]:
        """The resources of the stage's stack."""
        return tuple(stack.resources(self.stage))

    @functools.cached_property
    def buckets(self) -> dict[str, str]:
        """The names of the stack's buckets, by logical id."""
        return {one.name: one.identifier for one in self.parts if one.type == "AWS::S3::Bucket"}

    @property
    def bucket_names(self) -> dict[str, str]:
        """The names of the stack's buckets, as events/ calls them: `incoming_files` …"""
        return {_SMALL.sub("_", id).lower(): name for id, name in self.buckets.items()}

    @functools.cached_property
    def buses(self) -> dict[str, str]:
        """The names of all buses that the application works with, by what it calls them."""
        paths = [path for path in handover.paths().values() if path.startswith("buses/")]
        parameters = [f"/{PROJECT}/{self.stage.name}/{path}" for path in paths]
        found = {DEFAULT_BUS: DEFAULT_BUS}
        if parameters:
            answer = self.stage.client("ssm").get_parameters(Names=parameters)
            for one in answer["Parameters"]:
                found[one["Name"].split("/")[-2]] = one["Value"].rpartition("/")[2]
        return found

    @functools.cached_property
    def dead_letter_queues(self) -> dict[str, str | None]:
        """The URLs of the queues that hold what was given up, each with its source queue's ARN.

        None where not a queue, but a rule, a schedule or a function gave up.
        """
        urls = {one.name: one.identifier for one in self.parts if one.type == "AWS::SQS::Queue"}
        queues = self.stage.client("sqs")

        def arn(name: str) -> str:
            asked = queues.get_queue_attributes(QueueUrl=urls[name], AttributeNames=["QueueArn"])
            return str(asked["Attributes"]["QueueArn"])

        given_up = outline.dead_letter_queues()
        return {
            urls[name]: arn(source) if source else None
            for name, source in given_up.items()
            if name in urls
        }

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
        """Return the name of a bus of `buses`; UserError for another one."""
        if bus not in self.buses:
            raise UserError(f"there is no bus {bus}; there are: {', '.join(self.buses)}")
        return self.buses[bus]

    @functools.cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of this stage that are switched on, on all buses, as deployed."""
        pages = self.stage.client("events").get_paginator("list_rules")
        return tuple(
            Rule(bus, rule["Name"].removeprefix(self.rule_prefix), rule["EventPattern"])
            for bus in self.buses
            for page in pages.paginate(EventBusName=self.bus_name(bus), NamePrefix=self.rule_prefix)
            for rule in page["Rules"]
            if rule["State"] == "ENABLED"
            and rule.get("EventPattern")
            and not rule["Name"].startswith(self.probe_prefix)
        )

    def rules_for(self, bus: str, event: dict[str, Any]) -> tuple[str, ...]:
        """The names of the rules of `bus` that take `event`, as EventBridge itself matches."""
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
        """The ARNs of the targets of a rule of a bus."""
        answer = self.stage.client("events").list_targets_by_rule(
            Rule=self.rule_prefix + rule, EventBusName=self.bus_name(bus)
        )
        return [target["Arn"] for target in answer["Targets"]]

    def object_created(self, bucket: str, key: str, size: int) -> dict[str, Any]:
        """Return the event that S3 would send for a new object of `size` bytes; to ask rules."""
        return {
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000000",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "account": self.account,
            "time": "2010-12-31T12:00:00Z",
            "region": self.stage.region,
            "resources": [f"arn:{self.partition}:s3:::{bucket}"],
            "detail": {
                "version": "0",
                "bucket": {"name": bucket},
                "object": {"key": key, "size": size},
                "reason": "PutObject",
            },
        }
