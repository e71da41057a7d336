"""`make rotate`: change the database's password now, with the function that its schedule uses.

On AWS, Secrets Manager is told to; the local cloud's never calls a function, so that there this
command takes its place and calls the function with the four steps.
"""

import argparse
import json
import uuid

from operations.deployed import Deployed
from workbench.stages.errors import UserError, run
from workbench.stages.stage import Stage
from workbench.stages.visible import say
from workbench.stages.waiting import within

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
LIMIT = 300.0  # seconds
PAUSE = 2.0


def rotate(deployed: Deployed) -> str:
    """Rotate the database's secret; the version that is current now.

    Raises UserError when the stage has no database, or when a step fails.
    """
    arn = deployed.stage.client("ssm").get_parameter(
        Name=f"/order-intake/{deployed.stage.name}/secrets/database/arn"
    )["Parameter"]["Value"]
    if arn == "none":
        raise UserError(f"stage {deployed.stage.name} has no database, so nothing to rotate")
    if deployed.stage.is_local:
        return _call_the_steps(deployed, arn)
    token = deployed.stage.client("secretsmanager").rotate_secret(SecretId=arn)["VersionId"]
    return _wait_for(deployed, arn, str(token))


def _call_the_steps(deployed: Deployed, arn: str) -> str:
    token = str(uuid.uuid4())
    for step in STEPS:
        answer = deployed.stage.client("lambda").invoke(
            FunctionName=f"{deployed.stage.prefix}-RotateDatabaseSecret",
            Payload=json.dumps({"Step": step, "SecretId": arn, "ClientRequestToken": token}),
        )
        if "FunctionError" in answer:
            error = json.load(answer["Payload"])
            raise UserError(
                f"the step {step} failed: {error.get('errorType')}: {error.get('errorMessage')}; "
                "the old password stays; see make logs FN=RotateDatabaseSecret"
            )
    return token


def _wait_for(deployed: Deployed, arn: str, token: str) -> str:
    secrets = deployed.stage.client("secretsmanager")

    def is_current() -> bool:
        versions = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
        return "AWSCURRENT" in versions.get(token, [])

    if within(LIMIT, is_current, PAUSE):
        return token
    raise UserError(
        f"the rotation is not finished after {LIMIT:.0f} s, the old password stays; "
        f"see make logs STAGE={deployed.stage.name} FN=RotateDatabaseSecret"
    )


def main(arguments: list[str] | None = None) -> int:
    """Rotate, and say whose turn it is; never the password."""
    parser = argparse.ArgumentParser(prog="make rotate", description=__doc__)
    parser.parse_args(arguments)
    deployed = Deployed.find(Stage.from_environment())
    version = rotate(deployed)
    secret = deployed.stage.client("secretsmanager").get_secret_value(
        SecretId=f"{deployed.stage.prefix}/database"
    )
    username = json.loads(secret["SecretString"])["username"]
    say(f"rotated: {username} is the current user (version {version})")
    return 0


if __name__ == "__main__":
    run(main)
