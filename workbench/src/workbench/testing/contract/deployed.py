"""What the template deploys, translated and with its references resolved, for the tests here."""

import functools
import shutil
from typing import Any

import pytest

from workbench.application.settings import LONGEST_NAME
from workbench.deployment.provider_mirror import TERRAFORM
from workbench.permissions.platform import PLAN
from workbench.permissions.template import Template
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_REGION, LONGEST_STAGE, Stage

FUNCTION = "AWS::Lambda::Function"
RULE = "AWS::Events::Rule"
SCHEDULE = "AWS::Scheduler::Schedule"
LONGEST_PREFIX = f"{'p' * LONGEST_NAME}-{'s' * LONGEST_STAGE}"
LONGEST_REGION = "ap-southeast-1"  # no region has a longer name

platform_is_planned = pytest.mark.skipif(
    not shutil.which("terraform") or not (TERRAFORM / "tests" / PLAN).is_dir(),
    reason=f"terraform is not installed, or there is no terraform/tests/{PLAN}/",
)
"""For tests that need what Terraform plans."""


@functools.cache
def template() -> Template:
    """Return the project's own template."""
    return Template.load()


@functools.cache
def fault() -> str:
    """Return why the template cannot be deployed; "" when it can."""
    try:
        template()
    except UserError as error:
        return str(error)
    return ""


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by logical id."""
    return template().of_type(kind)


def targets() -> list[tuple[str, dict[str, Any]]]:
    """Return (rule or schedule, target) for each target that events are delivered to."""
    of_rules = [
        (name, target) for name, rule in of_type(RULE).items() for target in rule["Targets"]
    ]
    return of_rules + [(name, one["Target"]) for name, one in of_type(SCHEDULE).items()]


def called_by_events() -> list[str]:
    """Return the functions that rules and schedules call: Lambda queues these calls."""
    arns = {target["Arn"] for _, target in targets()}
    return sorted(name for name in of_type(FUNCTION) if template().arn(name) in arns)


def longest(text: str) -> str:
    """Return a text with the local stage's names as the longest project, stage and region."""
    prefix = Stage("local").prefix
    return text.replace(prefix, LONGEST_PREFIX).replace(LOCAL_REGION, LONGEST_REGION)
