"""The local stage's rules as the template has them, without a cloud: which events they take."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.application.interface import application
from workbench.checks.linting.expressions import CLOUD_PYTHON
from workbench.deployment import handover
from workbench.permissions.template import Template
from workbench.stages.deployed import DEFAULT_BUS, Deployed, Rule
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL, LOCAL_ACCOUNT, Stage

ANSWERS = Path(__file__).with_name("pattern_answers.py")
RULE = "AWS::Events::Rule"


@dataclass(frozen=True)
class Answers:
    """Of each pattern, why EventBridge would refuse it, and which of the events it takes."""

    problems: list[str | None]
    taken: list[list[bool]]


def ask(patterns: Sequence[str], events: Sequence[dict[str, Any]] = ()) -> Answers:
    """Return what the local cloud's EventBridge would answer; it need not run."""
    if not CLOUD_PYTHON.exists():
        raise UserError("the local cloud's environment is not there; run: make setup")
    done = subprocess.run(
        [str(CLOUD_PYTHON), str(ANSWERS)],
        input=json.dumps({"patterns": list(patterns), "events": list(events)}),
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise UserError(f"the parser of patterns ended with {said[-1]}; run: make setup")
    return Answers(**json.loads(done.stdout))


def patterns(template: Template) -> dict[str, str]:
    """Return the pattern of each rule, by logical id, as text with all references resolved."""
    found = {}
    for name, rule in template.of_type(RULE).items():
        pattern = rule.get("EventPattern")
        if pattern:
            found[name] = pattern if isinstance(pattern, str) else json.dumps(pattern)
    return found


def stage_of(template: Template) -> Deployed:
    """Return the local stage as it would be deployed: its buckets, buses and rules.

    It answers what is asked about events; nothing else of it is there.
    """
    stage = Stage(LOCAL)
    deployed = application().deployed(stage, LOCAL_ACCOUNT)
    buses = {DEFAULT_BUS: DEFAULT_BUS}
    for path in handover.paths().values():
        if path.startswith("buses/"):
            buses[path.split("/")[1]] = handover.sample(path).rpartition("/")[2]
    named = {name: bus for bus, name in buses.items()}
    rules = template.of_type(RULE)
    # These are cached properties, which the deployed stage would be asked for.
    vars(deployed).update(
        buses=buses,
        buckets={
            name: bucket["BucketName"]
            for name, bucket in template.of_type("AWS::S3::Bucket").items()
            if "BucketName" in bucket
        },
        rules=tuple(
            Rule(
                named.get(str(rules[name].get("EventBusName", DEFAULT_BUS)), DEFAULT_BUS),
                str(rules[name].get("Name", name)).removeprefix(deployed.rule_prefix),
                pattern,
            )
            for name, pattern in patterns(template).items()
        ),
    )
    return deployed
