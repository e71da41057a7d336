"""An object that is put into a bucket, and what comes of it: the workbench's own kind of upload.

It is played where the application has no kind of its own for events/uploads.
"""

import json
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from workbench.history import finding
from workbench.history.why import command, why
from workbench.replay.kinds.path import path_of
from workbench.replay.probe import EVENT_LIMIT
from workbench.replay.result import Result, Taken, compare, side_by_side
from workbench.replay.scenarios import Asked, Kind, Scenario
from workbench.replay.session import Session
from workbench.stages.deployed import DEFAULT_BUS, Deployed
from workbench.stages.errors import UserError
from workbench.stages.waiting import wait_until

START_LIMIT = 30.0  # seconds until an execution has started
LIMIT = 120.0  # seconds for an execution
CLOCKS = timedelta(minutes=1)  # by which a stage's clock may differ from this machine's
STRAGGLERS = 5.0  # seconds more for events that are still on their way


class UploadExpected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes of an upload: `rules` take it, `status` and `error` are the execution's.

    `events` are the detail types of what was published about it, in order.
    """

    rules: tuple[str, ...] = ()
    status: str | None = None
    error: str | None = None
    events: tuple[str, ...] = ()


class ObjectUpload(Scenario, frozen=True):
    """The file is put into a bucket, under a key."""

    key: str
    expect: UploadExpected
    bucket: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    expect: UploadExpected
    bucket: str | None = None  # its logical id, where the template has several


def read(path: Path, said: dict[str, Any]) -> ObjectUpload:
    """Return the upload of a file and its TOML."""
    file = msgspec.convert(said, _File)
    return ObjectUpload(path, file.key, file.expect, file.bucket)


def asked(deployed: Deployed, scenario: ObjectUpload) -> Asked:
    """Return the event that S3 would send, and the rules that must take it."""
    bucket = _bucket(deployed, scenario)
    event = deployed.object_created(bucket, scenario.key, scenario.path.stat().st_size)
    return event, scenario.expect.rules


def play(session: Session, scenario: ObjectUpload) -> Result:
    """Put the object, follow the execution that it starts, and compare end, error and events."""
    start, deployed = time.monotonic(), session.deployed
    bucket = _bucket(deployed, scenario)
    version = deployed.stage.client("s3").put_object(
        Bucket=bucket, Key=scenario.key, Body=scenario.path.read_bytes()
    )["VersionId"]
    event = session.probe.wait_for(lambda each: _is_about(each, version), EVENT_LIMIT)
    if event is None:
        raise UserError(f"S3's event did not come within {EVENT_LIMIT:.0f} s")
    rules = deployed.rules_for(DEFAULT_BUS, event)
    execution = _execution(deployed, rules, version, session.started, scenario.name)
    expected = scenario.expect.events
    session.probe.wait_until(lambda: _published(session, version) == expected, STRAGGLERS)
    seen = UploadExpected(
        rules,
        execution.get("status"),
        execution.get("error"),
        _published(session, version),
    )
    differences = compare(scenario.expect, seen)
    return Result(
        scenario,
        " + ".join(rules) or "none",
        _path(deployed, execution),
        seen.error or seen.status or ("taken" if rules else "ignored"),
        time.monotonic() - start,
        differences,
        seen,
        fields=side_by_side(scenario.expect, seen),
        executions=(execution["executionArn"],) if execution else (),
        events=(Taken(DEFAULT_BUS, event, rules),),
        why=why(deployed, execution["executionArn"]) if differences and execution else [],
    )


KIND = Kind(read, play, asked)


def _bucket(deployed: Deployed, scenario: ObjectUpload) -> str:
    buckets = deployed.buckets
    if scenario.bucket is None and len(buckets) == 1:
        return next(iter(buckets.values()))
    if scenario.bucket not in buckets:
        raise UserError(f"{scenario.title}: bucket must be one of {', '.join(buckets) or 'none'}")
    return buckets[scenario.bucket]


def _is_about(event: dict[str, Any], version: str) -> bool:
    return version in json.dumps(event["detail"])


def _published(session: Session, version: str) -> tuple[str, ...]:
    """Return the types of the application's own events about an object, in order."""
    events = session.probe.seen(
        lambda each: each["source"] != "aws.s3" and _is_about(each, version)
    )
    return tuple(event["detail-type"] for event in events)


def _execution(
    deployed: Deployed, rules: tuple[str, ...], version: str, since: datetime, name: str
) -> dict[str, Any]:
    """Return the ended execution that an upload has started; nothing where its rules start none."""
    targets = [arn for rule in rules for arn in deployed.targets_of(DEFAULT_BUS, rule)]
    machines = [arn for arn in targets if ":stateMachine:" in arn]
    if not machines:
        return {}

    begun = time.monotonic()

    def ended() -> dict[str, Any]:
        found = finding.started_with(deployed, version, machines, since - CLOCKS)
        if not found and time.monotonic() - begun > START_LIMIT:
            see = command(deployed.stage, "explain", EVENT=name)
            raise UserError(f"no execution has started in {START_LIMIT:.0f} s\nsee {see}")
        return found[0] if found and found[0]["status"] != "RUNNING" else {}

    return wait_until(ended, f"the execution for version {version} has ended", LIMIT)


def _path(deployed: Deployed, execution: dict[str, Any]) -> str:
    if not execution:
        return "no workflow"
    client = deployed.stage.client("stepfunctions")
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=execution["executionArn"]
    )
    return path_of((event for page in pages for event in page["events"]), 0)
