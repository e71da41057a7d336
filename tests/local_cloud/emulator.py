"""A MiniStack of the tests' own, with the project's patches, and short ways to use it."""

import functools
import io
import json
import os
import subprocess
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from workbench.local_cloud import ports, processes
from workbench.local_cloud.emulator import faults, keys, ministack
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, MODULES, ROOT
from workbench.stages.waiting import wait_until

ROLE = f"arn:aws:iam::{LOCAL_ACCOUNT}:role/tests"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


type States = dict[str, Any]


def call(function: str, payload: Any, **more: Any) -> States:
    """A Task that calls a function."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": payload},
        "Output": "{% $states.result.Payload %}",
        **more,
    }


@dataclass(frozen=True)
class Emulator:
    """A running MiniStack."""

    port: int
    keys: keys.Keys
    folder: Path

    @functools.cache  # noqa: B019 - one emulator a session
    def client(self, service: str) -> Any:
        """A boto3 client with the emulator's root key."""
        return self.client_as(service)

    def client_as(self, service: str, config: Config | None = None, **credentials: str) -> Any:
        """A boto3 client of its own: root's, or with other credentials."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=f"http://{ports.HOST}:{self.port}",
            region_name=LOCAL_REGION,
            config=config,
            **(credentials or self.keys.credentials),
        )

    def user(self, *statements: dict[str, Any]) -> dict[str, Any]:
        """The credentials of a new user who is allowed what the statements say."""
        client, name = self.client("iam"), f"u-{uuid.uuid4().hex[:8]}"
        client.create_user(UserName=name)
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            client.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=policy)
        key = client.create_access_key(UserName=name)["AccessKey"]
        return {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }

    def queue(self, name: str = "", open_to_rules: bool = True) -> tuple[str, str]:
        """A new queue, which rules may send to or not: its URL and its ARN."""
        name = name or f"q-{uuid.uuid4().hex[:8]}"
        arn = f"arn:aws:sqs:{LOCAL_REGION}:{LOCAL_ACCOUNT}:{name}"
        rules = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [rules]})
        attributes = {"Policy": policy} if open_to_rules else {}
        made = self.client("sqs").create_queue(QueueName=name, Attributes=attributes)
        return str(made["QueueUrl"]), arn

    def message(self, url: str) -> dict[str, Any]:
        """The only message that arrives in a queue."""

        def messages() -> Any:
            answer = self.client("sqs").receive_message(
                QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"]
            )
            return answer.get("Messages")

        (found,) = wait_until(messages, "a message in the queue")
        return dict(found)

    def let_rules_call(self, function: str, **which: str) -> None:
        """Let rules call a function; `which` narrows it."""
        self.client("lambda").add_permission(
            FunctionName=function,
            StatementId=f"s-{uuid.uuid4().hex[:8]}",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            **which,
        )

    def control(self, path: str, content: Any = None) -> Any:
        """What one of its control paths answers: GET, or PUT `content`."""
        return faults.ask(f"http://{ports.HOST}:{self.port}{path}", self.keys, content)

    def function(self, source: str) -> str:
        """Deploys a Python function from its source; its name."""
        name = f"f-{uuid.uuid4().hex[:8]}"
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr(zipfile.ZipInfo("main.py"), source)  # of no date: always the same
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="main.handler",
            Role=ROLE,
            Code={"ZipFile": package.getvalue()},
            Timeout=20,
        )
        self.client("lambda").get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.1}
        )
        return name

    def invoke(self, name: str, event: Any = None) -> Any:
        """What a function answers, an error's description included."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return json.load(answer["Payload"])

    def log(self, name: str) -> list[str]:
        """The lines a function has written, without the platform's own."""
        client = self.client("logs")
        try:
            answer = client.filter_log_events(logGroupName=f"/aws/lambda/{name}")
        except client.exceptions.ResourceNotFoundException:
            return []  # it did not run yet
        lines = [event["message"].rstrip() for event in answer["events"]]
        return [line for line in lines if " RequestId: " not in line]

    def machine(self, states: States, role: str = ROLE) -> str:
        """Makes a state machine that starts at the first of `states`; its ARN."""
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
        answer = self.client("stepfunctions").create_state_machine(
            name=f"m-{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=role
        )
        return str(answer["stateMachineArn"])

    def run(self, states: States, value: Any = None, role: str = ROLE) -> dict[str, Any]:
        """Runs a state machine to its end: status, output (decoded), error, cause, history."""
        client = self.client("stepfunctions")
        machine = self.machine(states, role)
        started = client.start_execution(stateMachineArn=machine, input=json.dumps(value or {}))
        return self.ended(started["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """How an execution ended, once it has."""
        client = self.client("stepfunctions")

        def end() -> Any:
            found = client.describe_execution(executionArn=execution)
            return found if found["status"] in ENDED else None

        found = wait_until(end, f"{execution} ends", 20)
        history = client.get_execution_history(executionArn=execution)["events"]
        output = json.loads(found.get("output") or "null")
        return {**found, "output": output, "history": history}


def left_out() -> list[str]:
    """The patches that PATCHES_LEFT_OUT names (with commas, or all): which tests are they for?"""
    return [name for name in os.environ.get("PATCHES_LEFT_OUT", "").split(",") if name]


def start(folder: Path, **more: Any) -> tuple[Emulator, "subprocess.Popen[bytes]"]:
    """Starts a MiniStack on a free port with its files below `folder`, and `more` settings."""
    port = ports.free()
    drawn = keys.make(folder / keys.FILE)
    options = [f"--without={name}" for name in left_out()]
    settings = ministack.settings(port, folder / keys.FILE) | more
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONPATH": MODULES,
        **{name: str(value) for name, value in settings.items()},
    }
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [ministack.cloud_python(), "-m", "workbench.local_cloud.emulator.launcher", *options],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: ministack.is_ready(port), "MiniStack answers", 60)
        running = Emulator(port, drawn, folder)
        running.client("iam").create_role(
            RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(_TRUST)
        )
    except BaseException:  # without one of the patches it may refuse even this
        processes.kill_group(process.pid)
        process.wait()
        raise
    return running, process
