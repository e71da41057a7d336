"""`make status`: what runs, where, how heavy, and what differs from AWS."""

import shlex

from botocore.exceptions import ClientError

from workbench.application.interface import application
from workbench.application.services import place_of
from workbench.local_cloud import processes, state
from workbench.local_cloud.deviations import deviations
from workbench.local_cloud.emulator import keys, ministack
from workbench.local_cloud.up import all_alive
from workbench.stages.stage import Stage, running_cloud


def status(stage: Stage) -> int:
    """Print the local cloud's state and the stage's; 1 when the local cloud does not run."""
    if not stage.is_local:
        print(f"{stage.prefix}: {_stack(stage)}")
        return 0
    if not (state.read_json("cloud.json") and all_alive()):
        print("the local cloud is not running; start it with: make up")
        return 1
    cloud = running_cloud()
    where = {ministack.NAME: cloud["endpoint"]} | {
        service.name: service.where(place_of(service, cloud)) for service in application().services
    }
    total = 0.0
    for process in processes.recorded():
        tree = processes.tree(process.pid)
        size = processes.memory(tree)
        total += size
        print(
            f"{process.name:<10} pid {process.pid:<7} {size:5.0f} MB in {len(tree):>2} processes"
            f"  {where[process.name]}"
        )
    print(f"{'together':<10} {'':<11} {total:5.0f} MB")
    print(f"{stage.prefix}: {_stack(stage)}")
    print(f"state and logs: {state.folder()}")
    configuration = shlex.quote(str(state.aws_profile()))
    print(f"AWS CLI: AWS_CONFIG_FILE={configuration} aws --profile {keys.PROFILE} s3 ls")
    _print_deviations()
    return 0


def _stack(stage: Stage) -> str:
    """What is deployed, in a few words."""
    client = stage.client("cloudformation")
    try:
        stack = client.describe_stacks(StackName=stage.prefix)["Stacks"][0]
    except ClientError:
        return "nothing is deployed; deploy it with: make deploy"
    resources = client.get_paginator("list_stack_resources").paginate(StackName=stage.prefix)
    count = sum(len(page["StackResourceSummaries"]) for page in resources)
    return f"{stack['StackStatus']}, {count} resources"


def _print_deviations() -> None:
    print("\nWhere `local` still differs from AWS:")
    for number, deviation in enumerate(deviations(), start=1):
        print(f"{number:>3}. {deviation.differs}")
        print(f"     because {deviation.reason}; so {deviation.consequence}")
