"""Makes on the local cloud what a fixture says is there, and takes it away after the call.

The workbench's own way: objects in the stage's bucket, and the names of a secret. An application
with more to prepare has a way of its own (`Application.prepared`).
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec

from workbench.replay.probe import remove_all_versions
from workbench.sam_local.fixtures import Expect, Fixture, Prepared
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError


@contextlib.contextmanager
def prepared(deployed: Deployed, fixture: Fixture) -> Iterator[Prepared]:
    """Make what the fixture needs for the block; nothing of it is left afterwards.

    Raises UserError for objects where the stage has not exactly one bucket.
    """
    given, names = fixture.given, dict[str, str]()
    if given.secret:
        names |= secret_names(deployed, given.secret)
    if given.objects and len(deployed.buckets) != 1:
        raise UserError(f"{fixture.path.name}: [given.objects] needs a stage with one bucket")
    (bucket,) = deployed.buckets.values() if given.objects else ("",)
    client = deployed.stage.client("s3")
    try:
        for key, text in given.objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=text.encode())
        yield filled_in(fixture, names)
    finally:
        for key in given.objects:
            remove_all_versions(deployed, bucket, key)


def filled_in(fixture: Fixture, names: dict[str, str]) -> Prepared:
    """Return the call with `${name}` replaced in all texts of its event and its expectation."""
    expect = msgspec.convert(_filled(msgspec.to_builtins(fixture.expect), names), Expect)
    return Prepared(fixture, _filled(fixture.event, names), expect)


def secret_names(deployed: Deployed, name: str) -> dict[str, str]:
    """Return the ARN and the current version of one of the stage's secrets, by their names."""
    found = deployed.stage.client("secretsmanager").describe_secret(
        SecretId=f"{deployed.stage.prefix}/{name}"
    )
    versions = found["VersionIdsToStages"].items()
    (current,) = (version for version, stages in versions if "AWSCURRENT" in stages)
    return {"secret_arn": found["ARN"], "secret_version": current}


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"${{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {name: _filled(field, names) for name, field in value.items()}
    if isinstance(value, list):
        return [_filled(one, names) for one in value]
    return value
