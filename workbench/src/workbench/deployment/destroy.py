"""Takes the application, then the platform, out of a stage: `make destroy STAGE=…`.

It looks before it touches anything: what would stop it in the middle is said, and nothing is
deleted. What buckets hold goes last, when nothing else of the application is left.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from workbench.deployment import terraform
from workbench.deployment.deploy import confirm, step
from workbench.deployment.packaging import sam
from workbench.stages import place, stack
from workbench.stages.alone import alone
from workbench.stages.errors import UserError, run
from workbench.stages.stack import Resource
from workbench.stages.stage import PROJECT, Stage, running_cloud
from workbench.stages.stillness import running, stilled

BUCKET = "AWS::S3::Bucket"
_TRIES = 3  # somebody may write while a bucket is emptied


@dataclass(frozen=True)
class Found:
    """What there is of a stage."""

    parts: list[Resource]  # of the stack, whatever state it is in
    status: str | None  # the stack's
    platform: list[str]  # what Terraform's state knows
    parameters: list[str]  # what the platform hands over, as AWS has it


def look(stage: Stage) -> Found:
    """Ask for everything there is of a stage."""
    status = stack.status(stage)
    return Found(
        stack.resources(stage) if status else [],
        status,
        terraform.known(stage),
        handed_over(stage),
    )


def handed_over(stage: Stage) -> list[str]:
    """The names of the stage's parameters that are there."""
    pages = stage.client("ssm").get_paginator("get_parameters_by_path")
    found = pages.paginate(Path=f"/{PROJECT}/{stage.name}/", Recursive=True)
    return sorted(one["Name"] for page in found for one in page["Parameters"])


def hindrances(stage: Stage, found: Found) -> list[str]:
    """What would stop a destruction in its middle, each with what to do about it."""
    where = f"account {stage.account()}, region {stage.region}"
    if not (found.status or found.platform or found.parameters):
        return [
            f"nothing of stage {stage.name} is in {where}, nor in Terraform's state: no stack, no "
            "platform, no parameters; if it lives elsewhere, name that with AWS_PROFILE, AWS_REGION"
        ]
    if found.parameters and not found.platform:
        return [
            f"the platform of stage {stage.name} is in {where}, and Terraform's state here does "
            f"not know it: destroy it from the clone that has {stage.state_dir}, or take it into "
            f"this state first with: make deploy STAGE={stage.name}"
        ]
    return [*_protected(stage), *_attached(stage, found.parts), *_protected_tables(stage, found)]


def _protected(stage: Stage) -> list[str]:
    described = stack.described(stage)
    if not (described and described.get("EnableTerminationProtection")):
        return []
    return [
        f"stack {stage.prefix} is protected; take that away with: aws cloudformation "
        "update-termination-protection --no-enable-termination-protection "
        f"--stack-name {stage.prefix}"
    ]


def _protected_tables(stage: Stage, found: Found) -> list[str]:
    client, lines = stage.client("dynamodb"), []
    for part in found.parts:
        if part.type == "AWS::DynamoDB::Table" and part.identifier:
            try:
                table = client.describe_table(TableName=part.identifier)["Table"]
            except client.exceptions.ResourceNotFoundException:
                continue
            if table.get("DeletionProtectionEnabled"):
                lines.append(
                    f"table {part.identifier} is protected; take that away with: aws dynamodb "
                    "update-table --no-deletion-protection-enabled "
                    f"--table-name {part.identifier}"
                )
    return lines


def _attached(stage: Stage, parts: list[Resource]) -> list[str]:
    """Policies of the stack that somebody attached to something outside of it."""
    client, lines = stage.client("iam"), []
    own = {part.identifier for part in parts}
    for part in parts:
        if part.type != "AWS::IAM::ManagedPolicy" or not part.identifier:
            continue
        pages = client.get_paginator("list_entities_for_policy").paginate(PolicyArn=part.identifier)
        try:
            answers = list(pages)
        except client.exceptions.NoSuchEntityException:
            continue
        for kind in ("Role", "User", "Group"):
            names = [
                one[f"{kind}Name"] for page in answers for one in page.get(f"Policy{kind}s", [])
            ]
            lines += [
                f"policy {part.name} is attached to the {kind.lower()} {name}; detach it with: aws "
                f"iam detach-{kind.lower()}-policy --{kind.lower()}-name {name} "
                f"--policy-arn {part.identifier}"
                for name in names
                if name not in own
            ]
    return lines


def empty_bucket(s3: Any, bucket: str, prefix: str = "") -> int:
    """Delete all objects, versions and delete markers; how many. A missing bucket has none.

    AWS refuses to delete a bucket that holds any, and so the stack it belongs to.
    """
    removed = 0
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    try:
        for page in pages:
            entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
            keys = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
            if keys:  # a page holds at most 1,000, and so does one call
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                for refused in answer.get("Errors", []):  # the call itself answers 200 then, too
                    raise UserError(f"{bucket}/{refused['Key']} stays: {refused['Message']}")
                removed += len(keys)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
    return removed


def destroy_application(stage: Stage, parts: list[Resource]) -> None:
    """Delete the stack, its bucket last. UserError, with all objects kept, when more refuses."""
    with stilled(stage, parts), step("application (its rules off, nothing running; deleted)"):
        refused = stack.delete(stage)
    for _ in range(_TRIES):
        others = [one for one in refused if one.type != BUCKET]
        if others:
            reasons = "; ".join(f"{one.name}: {one.reason}" for one in others)
            raise UserError(f"parts of {stage.prefix} cannot be deleted, no upload was: {reasons}")
        if not refused:
            break
        for bucket in refused:
            with step(f"bucket {bucket.identifier} (emptied and deleted)"):
                empty_bucket(stage.client("s3"), bucket.identifier)
        refused = stack.delete(stage)
    else:
        raise UserError(f"objects still come into {refused[0].identifier}; stop them, try again")
    if packages := sam.package_bucket(stage):
        empty_bucket(stage.client("s3"), packages, f"{stage.prefix}/")


def destroy_platform(stage: Stage) -> None:
    """Delete the platform. UserError when something of it is there afterwards."""
    with step("platform (terraform destroy)"):
        terraform.destroy(stage)
    if left := handed_over(stage):
        raise UserError(f"the platform of stage {stage.name} is not gone: {', '.join(left)}")


def main() -> int:
    """Destroy the stage that STAGE names, with all its data."""
    stage = Stage.from_environment()
    terraform.program()  # before the application goes and the platform cannot
    if stage.is_local:
        running_cloud()  # says what to do when there is none
    with alone("make destroy"):
        return _destroy(stage)


def _destroy(stage: Stage) -> int:
    if not stage.is_local:
        place.check_with_credentials(stage)
    found = look(stage)
    if stage.is_local and not (found.status or found.platform):
        print("nothing is deployed on `local`")
        return 0
    terraform.check_place(stage)
    if reasons := hindrances(stage, found):
        raise UserError("nothing was touched: " + "\n  ".join(reasons))
    if not stage.is_local:
        count = len(running(stage, found.parts))
        stopped = f" {count} executions are stopped without an outcome." if count else ""
        confirm(stage, f"Destroy stage {stage.name}, with all that is stored there?{stopped}")
    if found.status:
        destroy_application(stage, found.parts)
    destroy_platform(stage)
    place.forget(stage)
    print(f"destroyed: stage {stage.name}")
    return 0


if __name__ == "__main__":
    run(main)
