"""Takes the application, then the platform, out of a stage: `make destroy STAGE=…`."""

from typing import Any

from botocore.exceptions import ClientError

from tools import sam, terraform
from tools.alone import alone
from tools.deploy import confirm, step
from tools.errors import UserError, run
from tools.stage import Stage, running_cloud


def empty_bucket(s3: Any, bucket: str) -> int:
    """Delete all objects, versions and delete markers; how many. A missing bucket has none.

    AWS refuses to delete a bucket that holds any, and so the stack it belongs to.
    """
    removed = 0
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
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
        confirm(stage, f"Destroy stage {stage.name}, with every upload and its ledger?")
    if sam.stack_exists(stage):
        with step(f"bucket {stage.bucket()} (emptied)"):
            empty_bucket(stage.client("s3"), stage.bucket())
        with step("application (sam delete)"):
            sam.delete(stage)
    with step("platform (terraform destroy)"):
        terraform.initialise(stage)
        terraform.destroy(stage)
    print(f"destroyed: stage {stage.name}")
    return 0


if __name__ == "__main__":
    run(main)
