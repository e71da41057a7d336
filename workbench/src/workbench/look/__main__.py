"""`make look`: what is on a stage: objects, items, messages, events, secrets' names, rules.

Reads only, on any stage, and prints no secret.
"""

import argparse
import shlex
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from workbench.application.interface import application
from workbench.local_cloud import state
from workbench.local_cloud.emulator import keys
from workbench.look import events, stores
from workbench.stages.deployed import Deployed
from workbench.stages.errors import run
from workbench.stages.stage import Stage
from workbench.stages.visible import say

SECTIONS: dict[str, Callable[[Deployed], Iterator[str]]] = {
    "buckets": stores.buckets,
    "tables": stores.tables,
    "queues": stores.queues,
    "archives": events.archives,
    "secrets (names only)": stores.secrets,
    "rules": events.rules,
    "schedules": events.schedules,
}


def main(arguments: list[str] | None = None) -> int:
    """Print all sections; one that may not be read says so."""
    argparse.ArgumentParser(prog="make look", description=__doc__).parse_args(arguments)
    stage = Stage.from_environment()
    deployed = application().deployed.find(stage)
    for title, lines in SECTIONS.items():
        say(title, *(f"  {line}" for line in _readable(deployed, lines)), flush=True)
    say("AWS CLI", f"  {cli(stage)}")
    return 0


def _readable(deployed: Deployed, lines: Callable[[Deployed], Iterator[str]]) -> list[str]:
    try:
        return list(lines(deployed)) or ["none"]
    except ClientError as error:
        if "AccessDenied" not in error.response["Error"]["Code"]:
            raise
        return [f"you may not read them: {error.response['Error']['Message']}"]


def cli(stage: Stage) -> str:
    """Return the line that lets the AWS CLI speak to a stage; it names the key's file only."""
    if not stage.is_local:
        return f"AWS_REGION={stage.region} aws s3 ls"
    configuration = shlex.quote(str(state.aws_profile()))
    return f"AWS_CONFIG_FILE={configuration} aws --profile {keys.PROFILE} s3 ls"


if __name__ == "__main__":
    run(main)
