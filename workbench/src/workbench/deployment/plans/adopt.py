"""Finds what Terraform is about to create and what is there already, to be imported instead.

A deployment of production that follows a destroyed one meets its secrets, which wait for their
deletion; one that follows a Terraform that was killed meets what that made last.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from workbench.deployment.plans.changes import Change
from workbench.stages.stage import PROJECT, Stage

_NOT_THERE = {
    "NotFoundException",
    "ParameterNotFound",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "ResourceNotFoundException",
}


def existing(stage: Stage, changes: list[Change]) -> dict[Change, str]:
    """What is to be created and is there already, with what `terraform import` calls it."""
    found: dict[Change, str] = {}
    for change in changes:
        if change.action == "create" and (find := _FINDERS.get(change.type)):
            identifier = _ask(find, stage, change)
            if identifier:
                found[change] = identifier
    return found


def restored(stage: Stage, change: Change, identifier: str) -> bool:
    """Bring a secret that waits for its deletion back; False for anything else."""
    if change.type != "aws_secretsmanager_secret":
        return False
    client = stage.client("secretsmanager")
    if not client.describe_secret(SecretId=identifier).get("DeletedDate"):
        return False
    client.restore_secret(SecretId=identifier)
    return True


def as_blocks(found: dict[Change, str]) -> str:
    """Terraform's import blocks for what was found."""
    return "".join(
        f'import {{\n  to = {change.address}\n  id = "{identifier}"\n}}\n'
        for change, identifier in found.items()
    )


def _ask(find: "Callable[[Stage, str], str]", stage: Stage, change: Change) -> str:
    key = change.address.partition('["')[2].removesuffix('"]') or change.address.rpartition(".")[2]
    try:
        return find(stage, key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return ""
        raise


def _secret(stage: Stage, key: str) -> str:
    client = stage.client("secretsmanager")
    return str(client.describe_secret(SecretId=f"{stage.prefix}/{key}")["ARN"])


def _key(stage: Stage, key: str) -> str:
    described = stage.client("kms").describe_key(KeyId=f"alias/{stage.prefix}-{key}")
    return str(described["KeyMetadata"]["KeyId"])


def _alias(stage: Stage, key: str) -> str:
    _key(stage, key)
    return f"alias/{stage.prefix}-{key}"


def _bus(stage: Stage, key: str) -> str:
    answer = stage.client("events").describe_event_bus(Name=_named(stage, key))
    return str(answer["Name"])


def _archive(stage: Stage, key: str) -> str:
    answer = stage.client("events").describe_archive(ArchiveName=_named(stage, key))
    return str(answer["ArchiveName"])


def _queue(stage: Stage, key: str) -> str:
    return str(stage.client("sqs").get_queue_url(QueueName=_named(stage, key))["QueueUrl"])


def _named(stage: Stage, key: str) -> str:
    """The name of what Terraform calls `key`: `lost_events` is `…-lost-events`."""
    return f"{stage.prefix}-{key.replace('_', '-')}"


def _parameter(stage: Stage, key: str) -> str:
    name = f"/{PROJECT}/{stage.name}/{key}"
    answer: dict[str, Any] = stage.client("ssm").get_parameter(Name=name)
    return str(answer["Parameter"]["Name"])


_FINDERS: dict[str, Callable[[Stage, str], str]] = {
    "aws_kms_key": _key,
    "aws_kms_alias": _alias,
    "aws_secretsmanager_secret": _secret,
    "aws_cloudwatch_event_bus": _bus,
    "aws_cloudwatch_event_archive": _archive,
    "aws_sqs_queue": _queue,
    "aws_ssm_parameter": _parameter,
}
